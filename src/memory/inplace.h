/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_INPLACE_H
#define SEALPOOL_MEMORY_INPLACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lock.h"

struct sp_account;
struct sp_file;

/** What views of a pool have taken of the budget of bytes read in place. Views are
 * given by the offsets of their first byte and of the one behind their last. */
struct sp_inplace {
	struct sp_account *account;
	struct sp_file *file;
	/* When its memory was looked at, in milliseconds of sp_clock_now(). */
	_Atomic uint64_t looked_at;
	/* Pages of the views that are, or were, read in place, added up. */
	uint64_t live;
	/* What the account was charged for. */
	uint64_t charged;
};

void sp_inplace_init(struct sp_inplace *inplace, struct sp_account *account,
	struct sp_file *file);
/** The pool is gone, and so is its mapping. */
void sp_inplace_finish(struct sp_inplace *inplace);

/** Adds a view to what the client's buffers have, read in place or not; or takes
 * it away. Any thread. */
void sp_inplace_add_view(struct sp_inplace *inplace, uint64_t start,
	uint64_t end);
void sp_inplace_remove_view(struct sp_inplace *inplace, uint64_t start,
	uint64_t end);

/* The lock is the backing's, in both. */

/**
 * Charges the account for a view that is going to be read in place for the first
 * time, of a pool of so many bytes. Returns whether there is room for it.
 */
bool sp_inplace_begin(struct sp_inplace *inplace, struct sp_lock *lock,
	uint64_t pool_size, uint64_t start, uint64_t end) SP_REQUIRES(lock);
/** The view is gone. */
void sp_inplace_end(struct sp_inplace *inplace, struct sp_lock *lock,
	uint64_t start, uint64_t end) SP_REQUIRES(lock);

/**
 * Whether the pool's file has many times the memory of its client's buffers. Looks
 * at the file at most once a second, and not at all where it cannot be so: it is
 * small, unless "may_have_grown". Any thread.
 */
bool sp_inplace_is_large(struct sp_inplace *inplace, bool may_have_grown);

/** Whether a file, as it was seen last, has many times the memory of that. */
bool sp_inplace_exceeds(const struct sp_file *file, uint64_t bytes);

#endif
