/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_CHANGES_H
#define SEALPOOL_IMAGE_CHANGES_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "view.h"

/** Initializes a view of a layout in a pool's backing. Tries to read it in place. */
void sp_view_init(struct sp_view *view, struct sp_backing *backing,
	const struct sp_layout *layout, const struct sp_view_ops *ops);
/** Initializes a view behind a guard: its kind never changes. */
void sp_view_init_guarded(struct sp_view *view, struct sp_backing *backing,
	const struct sp_layout *layout, const struct sp_view_ops *ops);
void sp_view_finish(struct sp_view *view);

/** Returns whether commits must be passed to this view. */
static inline bool sp_view_wants_commits(const struct sp_view *view) {
	return view->kind != SEALPOOL_MEMORY_DIRECT;
}

/** Returns whether commits must be followed for it. Not for a sealed view that was not
 * drawn yet: it will be read in place. */
bool sp_view_needs_commits(const struct sp_view *view);

/* For slow files, which may answer late. Any thread. */

/** Returns the number of the state that the commits so far have made. */
uint64_t sp_view_get_generation(const struct sp_view *view);
/** Returns whether that state is still to be read: a reader thread was asked and the
 * file has not answered. */
bool sp_view_is_waiting(const struct sp_view *view, uint64_t generation);

/** The view was attached, or lent: it is not read in place any more if its file has
 * become too large for that. */
void sp_view_handle_attach(struct sp_view *view);

/** The view is about to be committed: tries again to read it in place. */
void sp_view_handle_commit(struct sp_view *view);

/**
 * Declares that the client may have changed the pixels of a region within the view, or
 * all for NULL, before a commit that was read in "epoch" (0: unknown). What was copied
 * in the same epoch has these changes already.
 */
void sp_view_age(struct sp_view *view, const pixman_region32_t *region,
	uint64_t epoch);

/** Returns how many bytes the next access would copy if it began now. */
uint64_t sp_view_count_stale(struct sp_view *view);

/** Sets whether sp_view_age() is called for all changes from now on. Everything becomes
 * stale, except what was copied in the same epoch. */
void sp_view_set_tracked(struct sp_view *view, bool tracked, uint64_t epoch);

/** The wl_buffer is destroyed. */
void sp_view_set_final(struct sp_view *view);
/** The client is disconnected, after sp_view_set_final(). */
void sp_view_set_orphan(struct sp_view *view);

/** Adds what the view's copies hold, except in a pinned shadow. Any thread. */
void sp_view_count(const struct sp_view *view, uint32_t *fds,
	uint64_t *bytes);

/* Behind a guard: views of a backing that is pinned */

/** Allocates everything that sp_view_sync() needs, which cannot fail then. Returns 0 or a
 * negative errno. */
int sp_view_reserve(struct sp_view *view);

/** The guarded wl_shm does not read the view until the next sp_view_reserve(): its pages
 * in the pinned shadow may be freed, and are copied again then. */
void sp_view_offer(struct sp_view *view);

/** Sets a region to what the next sp_view_sync() will copy. For views without other
 * accesses. */
void sp_view_get_stale(struct sp_view *view, uint64_t epoch,
	pixman_region32_t *stale);

#endif
