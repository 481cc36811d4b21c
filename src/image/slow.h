/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_SLOW_H
#define SEALPOOL_IMAGE_SLOW_H

#include <pixman.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "memory/backing.h"
#include "transfer.h"
#include "view.h"

/** Bytes on their way from or to a slow file. */
struct sp_slow {
	struct sp_job job;
	/* One is its user's, one the job's. */
	atomic_uint refs;
	/* Its fd may change before the job is done. */
	struct sp_file *file;
	struct sp_layout layout;
	/* In pixels of the buffer. */
	pixman_region32_t region;
	/* Its data is NULL once it has become a copy's. */
	struct sp_store store;
	/* It was the client's spare. */
	bool reused;
	struct sp_chunks written;
	/* Set when the job is done. */
	struct sp_transferred copied;
	/* Set when the job is done: the file's size, or a negative errno; -EINVAL unless
	 * it is a regular file. */
	int64_t size;
};

/**
 * Begins to read a region of a view. The file may be closed only by a job that is
 * submitted later. Returns 0 or a negative errno: -EDQUOT over a limit. Any thread.
 */
int sp_slow_read(const struct sp_view *view, const pixman_region32_t *region,
	struct sp_slow **slow);

/** Copies what was read to a copy, when the job is done. */
void sp_slow_take(struct sp_slow *slow, const struct sp_transfer_target *target);

/**
 * Begins to write a region of a view to the file, which never becomes longer. "data"
 * is the buffer's first byte. Returns as sp_slow_read() does.
 */
int sp_slow_write(const struct sp_view *view, const pixman_region32_t *region,
	const uint8_t *data, struct sp_slow **slow);

/** Any thread. The last one cancels the job if it has not begun. */
struct sp_slow *sp_slow_ref(struct sp_slow *slow);
void sp_slow_unref(struct sp_slow *slow);
void sp_slow_cancel(struct sp_slow *slow);

#endif
