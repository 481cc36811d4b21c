/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_ACCESS_H
#define SEALPOOL_IMAGE_ACCESS_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "view.h"

/**
 * Begins an access. "epoch" is the current one if requests of the client were read in
 * it, else 0. Returns 0, always for reading, or a negative errno.
 */
int sp_view_begin_read(struct sp_view *view, uint64_t epoch,
	struct sp_access *access);
int sp_view_begin_write(struct sp_view *view, uint64_t epoch,
	struct sp_access *access);
void sp_view_end(struct sp_view *view, struct sp_access *access);

/** Begins to read a view if it is direct, with as few instructions as possible. Such an
 * access need not be ended. Returns whether it is direct. */
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
 * Updates the pinned shadow where the view lies, for a request of its client that was
 * read in "epoch" (0: unknown): what was copied in the same epoch is not copied again,
 * whether the view is tracked or not. Returns 0 or a negative errno.
 */
int sp_view_sync(struct sp_view *view, uint64_t epoch);

/** Copies the region from the pinned shadow to the client's file, which never becomes
 * longer. Returns 0, or -EACCES or -ENOMEM if nothing was copied. */
int sp_view_write_back(struct sp_view *view, const pixman_region32_t *region);

#endif
