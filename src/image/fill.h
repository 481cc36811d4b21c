/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_FILL_H
#define SEALPOOL_IMAGE_FILL_H

#include <pixman.h>
#include <stdint.h>

#include "copy.h"

/**
 * Updates a copy, as far as the file answers in time. "epoch" is the current one, or 0.
 * Returns 0; for a slow file also -ETIMEDOUT or another negative errno. Releases the lock
 * while copying, so that commits need not wait.
 */
int sp_copy_fill(struct sp_copies *copies, struct sp_copy *copy, uint64_t epoch)
	SP_REQUIRES(copies->lock);

/** Copies what was written to a copy to the client's file. The caller holds no lock. */
void sp_copy_write_back(struct sp_copy *copy);

/** Copies the region from a shadow to the client's file through its mapping, which is
 * NULL for a slow file. The caller holds no lock. */
void sp_view_copy_out(struct sp_view *view, const struct sp_shadow *shadow,
	const pixman_region32_t *region, const struct sp_mapping *mapping);

/** Bytes of the client's file could not be read or written, because of "error", an errno
 * or 0. Reports a short file if the file ends before the view does, else a failure. */
void sp_view_note_missing(struct sp_view *view, int error);

#endif
