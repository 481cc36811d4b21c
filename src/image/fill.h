/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_FILL_H
#define SEALPOOL_IMAGE_FILL_H

#include <pixman.h>
#include <stdint.h>

#include "copy.h"

/**
 * Brings a copy up to date, as far as the file answers in time. "epoch" is the current
 * one, or 0. Returns 0, -ETIMEDOUT or another negative errno, of a file that is not
 * memory. Releases the lock meanwhile: commits need not wait for a copy.
 */
int sp_copy_fill(struct sp_copies *copies, struct sp_copy *copy, uint64_t epoch)
	SP_REQUIRES(copies->lock);

/** Copies what was written to a copy to the client's file, and lets go of its
 * mapping. Without a lock. */
void sp_copy_write_back(struct sp_copy *copy);

/** Copies the region from a shadow to the client's file, by way of a mapping, or NULL
 * for a file that may never answer. Without a lock. */
void sp_view_copy_out(struct sp_view *view, const struct sp_shadow *shadow,
	const pixman_region32_t *region, const struct sp_mapping *mapping);

/** Bytes of the client's file could not be had, because of "error", an errno, or 0.
 * Tells whether the file has ended before the view does, or it is for us to log. */
void sp_view_note_missing(struct sp_view *view, int error);

#endif
