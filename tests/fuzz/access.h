/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_ACCESS_H
#define FUZZ_ACCESS_H

/**
 * References to buffers, and accesses to them, by the main thread or by reader threads.
 * Only the main thread uses truth.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include "host.h"

/** The number of references. Each has one access. */
#define ACCESSES 6
/** The number of reader threads; 0 means the main thread. */
#define ACCESS_THREADS 3

/** Starts the threads, once. */
void access_init(void);

/** Replaces a reference by one to another buffer. */
void access_hold(struct host *host, int slot, struct wl_resource *resource);
/** Drops a reference, on a thread. */
void access_drop(struct host *host, int slot, int thread);

/** Begins an access, waits for it, and checks the bytes. */
void access_begin(struct host *host, int slot, int thread, bool write);
/** Draws rows in a write access. */
void access_draw(struct host *host, int slot, int32_t top, int32_t bottom);
/** Checks an access again, and ends it. */
void access_end(struct host *host, int slot, int thread);
/** Has a reader thread read a buffer while the main thread continues. */
void access_race(struct host *host, int slot, int thread);
/** Waits for all these reads, and checks what they have read. */
void access_join(struct host *host);

/** Ends all accesses, and drops all references. */
void access_finish(struct host *host);

#endif
