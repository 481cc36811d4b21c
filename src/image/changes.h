/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_CHANGES_H
#define SEALPOOL_IMAGE_CHANGES_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "copies.h"
#include "memory/backing.h"
#include "view.h"

/** Initializes a view of a layout in a pool's backing. Tries to read it in place, unless it
 * is "guarded": behind a guard, its kind never changes. */
void sp_view_init(struct sp_view *view, struct sp_backing *backing,
	const struct sp_layout *layout, sp_view_report_func report,
	bool guarded);
void sp_view_finish(struct sp_view *view);

/** Returns whether commits must be passed to this view. */
static inline bool sp_view_wants_commits(const struct sp_view *view) {
	return view->kind != SEALPOOL_MEMORY_DIRECT;
}

/** Returns whether commits must be followed for it. Not for a sealed view that was not
 * drawn yet: it will be read in place. */
bool sp_view_needs_commits(const struct sp_view *view);

/** The view was attached, or lent: it is not read in place any more if its file has
 * become too large for that. */
void sp_view_handle_attach(struct sp_view *view);

/** Returns whether neither that nor a commit could change it. */
static inline bool sp_view_is_settled(const struct sp_view *view) {
	return !sp_view_wants_commits(view) &&
		!sp_inplace_may_be_large(&view->backing->file,
			view->backing->account);
}

/** The view is about to be committed: tries again to read it in place. */
void sp_view_handle_commit(struct sp_view *view);

/**
 * A commit shows the view, and the compositor tells what the client may have changed: see
 * sealpool_view_damage(). "epoch" is as for sp_view_age(). Returns whether the file has
 * answered, or need not be asked.
 */
bool sp_view_damage(struct sp_view *view, const struct sealpool_box *boxes,
	size_t boxes_len, uint64_t epoch);

/** Returns how many bytes the next access would copy if it began now. */
uint64_t sp_view_count_stale(struct sp_view *view);

/** Sets whether sp_view_age() is called for all changes from now on. Everything becomes
 * stale, except what was copied in the same epoch. */
void sp_view_set_tracked(struct sp_view *view, bool tracked, uint64_t epoch);

/** Behind a guard: sets a region to what the next sp_view_sync() will copy. For views
 * without other accesses. */
void sp_view_get_stale(struct sp_view *view, uint64_t epoch,
	pixman_region32_t *stale);

#endif
