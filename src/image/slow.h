/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_SLOW_H
#define SEALPOOL_IMAGE_SLOW_H

#include <pixman.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format.h"
#include "memory/chunks.h"
#include "memory/file.h"
#include "memory/reader.h"
#include "memory/store.h"
#include "transfer.h"

/** Bytes on their way from a file that may never answer, or to it. */
struct sp_slow {
	struct sp_job job;
	/* Its user's and its thread's. */
	atomic_uint refs;
	/* Its fd may be another one by the time that the job is done. */
	struct sp_file *file;
	struct sp_layout layout;
	/* In pixels of the buffer. */
	pixman_region32_t region;
	struct sp_store store;
	struct sp_chunks written;
	/* Once it is done. */
	struct sp_transferred copied;
	/* The file's size; a negative errno where it could not be had, or if it is
	 * not a regular file. */
	int64_t size;
};

/**
 * Begins to read the region of a buffer. The file must stay open until a job that is
 * submitted later. Returns 0 or a negative errno: -EDQUOT over a limit. Any thread.
 */
int sp_slow_read(struct sp_reader *reader,
	struct sp_file *file,
	const struct sp_layout *layout, const pixman_region32_t *region,
	struct sp_account *account, struct sp_slow **slow);

/** Copies what was read, and is done, to a copy. */
void sp_slow_take(struct sp_slow *slow, const struct sp_transfer_target *target);

/**
 * Begins to write the region of a buffer, whose first byte is at "data", to the file,
 * which never becomes longer. Returns as sp_slow_read() does.
 */
int sp_slow_write(struct sp_reader *reader,
	struct sp_file *file,
	const struct sp_layout *layout, const pixman_region32_t *region,
	const uint8_t *data, struct sp_account *account,
	struct sp_slow **slow);

/** Any thread, all three. The last takes it back if nobody has begun with it. */
struct sp_slow *sp_slow_ref(struct sp_slow *slow);
void sp_slow_unref(struct sp_slow *slow);
void sp_slow_cancel(struct sp_slow *slow);

#endif
