/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_CHANGES_H
#define SEALPOOL_IMAGE_CHANGES_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "view.h"

/** The layout and the pool's backing are set. Tries to read it in place. */
void sp_view_init(struct sp_view *view, struct sp_backing *backing,
	const struct sp_layout *layout, const struct sp_view_ops *ops);
/** The same for one that is read behind a guard only: its kind is settled. */
void sp_view_init_guarded(struct sp_view *view, struct sp_backing *backing,
	const struct sp_layout *layout, const struct sp_view_ops *ops);
void sp_view_finish(struct sp_view *view);

/** Whether commits have anything to tell to this view. */
bool sp_view_wants_commits(const struct sp_view *view);

/* A file that is not memory may answer late. Any thread, both. */

/** The state that commits have made so far, counted. */
uint64_t sp_view_get_generation(const struct sp_view *view);
/** Whether that state is yet to come: the file was asked and has not answered. */
bool sp_view_is_waiting(const struct sp_view *view, uint64_t generation);

/** The view is about to be attached: it is not read in place any more if its file has
 * become too large for that. */
void sp_view_handle_attach(struct sp_view *view);

/** The view is about to be committed: tries again to read it in place. */
void sp_view_handle_commit(struct sp_view *view);

/**
 * A commit that was read in "epoch" (0: not known) tells that the client may have
 * changed the pixels of the region, or all for NULL; they must lie within the view.
 * What was copied in the same epoch has these changes already.
 */
void sp_view_age(struct sp_view *view, const pixman_region32_t *region,
	uint64_t epoch);

/** Whether sp_view_age() will be told of all changes from now on. What came
 * before counts as unknown, but for what was copied in the same epoch. */
void sp_view_set_tracked(struct sp_view *view, bool tracked, uint64_t epoch);

/** The wl_buffer is gone. */
void sp_view_set_final(struct sp_view *view);
/** After that: so is the client. */
void sp_view_set_orphan(struct sp_view *view);

/** Adds what the view's copies hold outside of a pinned shadow. Any thread. */
void sp_view_count(const struct sp_view *view, uint32_t *fds,
	uint64_t *bytes);

/* Behind a guard: views of a backing that is pinned */

/** Makes sure that what sp_view_sync() needs is there: it cannot fail then.
 * Returns 0 or a negative errno. */
int sp_view_reserve(struct sp_view *view);

/** Nobody looks at it in the pinned shadow until the next sp_view_reserve(): its
 * pages may be given back, and what was in them is copied again then. */
void sp_view_offer(struct sp_view *view);

/** Sets a region to what sp_view_sync() is going to copy, if nothing comes
 * between. For views that nobody else accesses. */
void sp_view_get_stale(struct sp_view *view, uint64_t epoch,
	pixman_region32_t *stale);

#endif
