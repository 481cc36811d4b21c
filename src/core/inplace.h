/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_INPLACE_H
#define SEALPOOL_CORE_INPLACE_H

#include <stdbool.h>
#include <stdint.h>

struct sp_backing;
struct sp_file;
struct sp_layout;

/** What views of a pool have taken of the budget of bytes read in place. */
struct sp_inplace {
	/* Pages of the views that are, or were, read in place, added up. */
	uint64_t live;
	/* What the account was charged for. */
	uint64_t charged;
};

/** Adds a view to what the client's buffers have, read in place or not; or takes
 * it away. Any thread. */
void sp_inplace_add_view(struct sp_backing *backing,
	const struct sp_layout *layout);
void sp_inplace_remove_view(struct sp_backing *backing,
	const struct sp_layout *layout);

/**
 * Charges the account for a view that is going to be read in place for the first
 * time. Returns whether there is room for it. Requires: backing->lock
 */
bool sp_inplace_begin(struct sp_backing *backing,
	const struct sp_layout *layout);
/** The view is gone. Requires: backing->lock */
void sp_inplace_end(struct sp_backing *backing,
	const struct sp_layout *layout);
/** The pool is gone, and so is its mapping. */
void sp_inplace_finish(struct sp_backing *backing);

/**
 * Whether the pool's file has many times the memory of its client's buffers. Looks
 * at the file at most once a second, and not at all where it cannot be so: it is
 * small, unless "may_have_grown". Any thread.
 */
bool sp_inplace_is_large(struct sp_backing *backing, bool may_have_grown);

/** Whether a file, as it was seen last, has many times the memory of that. */
bool sp_inplace_exceeds(const struct sp_file *file, uint64_t bytes);

#endif
