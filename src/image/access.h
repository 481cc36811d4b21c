/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_ACCESS_H
#define SEALPOOL_IMAGE_ACCESS_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "view.h"

/**
 * Begins an access. "epoch" is the current one, if requests of the client have been
 * read in it, or 0. Returns 0, which it always does for reading, or a negative
 * errno.
 */
int sp_view_begin_read(struct sp_view *view, uint64_t epoch,
	struct sp_access *access);
int sp_view_begin_write(struct sp_view *view, uint64_t epoch,
	struct sp_access *access);
void sp_view_end(struct sp_view *view, struct sp_access *access);

/** Begins to read a direct view, in as few instructions as can be. There is nothing to
 * end. Returns whether it is one. */
static inline bool sp_view_begin_direct(const struct sp_view *view,
		uint8_t **data) {
	if (atomic_load_explicit(&view->kind, memory_order_acquire) !=
			SEALPOOL_MEMORY_DIRECT) {
		return false;
	}
	*data = sp_view_get_in_place(view, view->mapping);
	return true;
}

/* Behind a guard: views of a backing that is pinned */

/**
 * Brings the pinned shadow up to date where the view lies, for a request of its
 * client that was read in "epoch" (0: not known): what was copied in the same epoch
 * is not copied again, be the view tracked or not. Returns 0 or a negative errno.
 */
int sp_view_sync(struct sp_view *view, uint64_t epoch);

/** Copies the region from the pinned shadow to the client's file, which never
 * becomes longer. Returns 0, or -EACCES or -ENOMEM when nothing was copied. */
int sp_view_write_back(struct sp_view *view, const pixman_region32_t *region);

#endif
