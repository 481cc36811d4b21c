/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_ACCESS_H
#define FUZZ_ACCESS_H

/**
 * References to buffers, and accesses to them, by the main thread or by reader threads.
 * The truth is the main thread's alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "host.h"

/** As many references, and an access for each. */
#define ACCESSES 6
/** Reader threads; 0 means the main thread. */
#define ACCESS_THREADS 3

/** Starts the threads, once. */
void access_init(void);

/** Takes a reference to a buffer in place of another. */
void access_hold(struct host *host, int slot, struct wl_resource *resource);
/** Gives a reference back, on a thread. */
void access_drop(struct host *host, int slot, int thread);

/** Begins an access, waits for it, and checks what is there. */
void access_begin(struct host *host, int slot, int thread, bool write);
/** Draws rows in a write access. */
void access_draw(struct host *host, int slot, int32_t top, int32_t bottom);
/** Ends an access, after having checked it again. */
void access_end(struct host *host, int slot, int thread);
/** Lets a reader thread read a buffer while the main thread goes on. */
void access_race(struct host *host, int slot, int thread);
/** Waits for all of those, and checks what they have seen. */
void access_join(struct host *host);

/** Ends all accesses, and gives all references back. */
void access_finish(struct host *host);

#endif
