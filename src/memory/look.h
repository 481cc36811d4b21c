/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_LOOK_H
#define SEALPOOL_MEMORY_LOOK_H

#include <stdbool.h>
#include <stdint.h>

struct sp_backing;
struct sp_reader;

/*
 * The type and the end of a pool's file. Of a file that may never answer
 * (SP_FILE_SLOW), a reader thread finds out what it is, and closes it. All functions
 * are called on the event loop's thread, and call the ops there.
 */

/** What the owner of a backing is told. */
struct sp_look_ops {
	/* The file turned out not to be a regular one. The backing may be closed in
	 * here. */
	void (*refused)(struct sp_backing *backing);
	/* After sp_look_close(), and perhaps in it: nothing uses the backing any
	 * more, and its owner frees it. "had_fd": an fd was still charged for it. */
	void (*closed)(struct sp_backing *backing, bool had_fd);
};

/** Whether one more file that may never answer can be read for this reader, where all
 * clients together may have "all_fds" descriptors. */
bool sp_look_has_room(struct sp_reader *reader, uint32_t all_fds);

/**
 * Begins to find out what the file of a new backing is, if that may never answer, and
 * sets the ops. Returns 0 or a negative errno: no thread can be had. The backing is to
 * be closed in either case.
 */
int sp_look_begin(struct sp_backing *backing, const struct sp_look_ops *ops);

/** Nobody needs to know any more what the file is: refused() is not called, and a
 * look that has not begun holds up no other file. */
void sp_look_cancel(struct sp_backing *backing);

/** Finishes the backing, and closes its file. A look that is under way goes on: then
 * that is done when it has ended. */
void sp_look_close(struct sp_backing *backing);

#endif
