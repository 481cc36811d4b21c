/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_LOOK_H
#define SEALPOOL_MEMORY_LOOK_H

#include <stdbool.h>
#include <stdint.h>

struct sp_backing;
struct sp_reader;

/*
 * Finds out the type of a pool's file, and closes it; for a slow file, on a reader thread.
 * All functions are called on the event loop's thread, and call the ops there.
 */

/** Calls to the owner of a backing. */
struct sp_look_ops {
	/* The file is not a regular one. The function may close the backing. */
	void (*refused)(struct sp_backing *backing);
	/* Called after sp_look_close(), or in it: nothing uses the backing any more, and
	 * its owner frees it. "had_fd": an fd is still charged for it. */
	void (*closed)(struct sp_backing *backing, bool had_fd);
};

/** Returns whether this reader can read another slow file, when all clients together may
 * have "all_fds" descriptors. */
bool sp_look_has_room(struct sp_reader *reader, uint32_t all_fds);

/**
 * Sets the ops of a new backing, and begins to find out the type of a slow file. Returns
 * 0, or a negative errno if there is no thread. The backing has to be closed in either
 * case.
 */
int sp_look_begin(struct sp_backing *backing, const struct sp_look_ops *ops);

/** The type is no longer needed: refused() is not called, and a look that has not begun
 * is dropped. */
void sp_look_cancel(struct sp_backing *backing);

/** Finishes the backing and closes its file, after a look that is under way. */
void sp_look_close(struct sp_backing *backing);

#endif
