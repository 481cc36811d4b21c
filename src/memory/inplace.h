/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_INPLACE_H
#define SEALPOOL_MEMORY_INPLACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "file.h"
#include "lock.h"

/** The charge of a pool for bytes read in place. A view is given by the offset of its
 * first byte and the one after its last. */
struct sp_inplace {
	struct sp_account *account;
	struct sp_file *file;
	/* When the file's memory was checked, in milliseconds of sp_clock_now(). */
	_Atomic uint64_t looked_at;
	/* The sum of the pages of existing views that are, or were, read in place. */
	uint64_t live;
	/* What is charged to the account. */
	uint64_t charged;
};

void sp_inplace_init(struct sp_inplace *inplace, struct sp_account *account,
	struct sp_file *file);
/** The pool and its mapping are destroyed. */
void sp_inplace_finish(struct sp_inplace *inplace);

/** Add and remove a view, read in place or not, for the bytes of the client's buffers.
 * Any thread. */
void sp_inplace_add_view(struct sp_inplace *inplace, uint64_t start,
	uint64_t end);
void sp_inplace_remove_view(struct sp_inplace *inplace, uint64_t start,
	uint64_t end);

/* In the next two, the lock is the backing's. */

/**
 * Charges the account for a view that is about to be read in place for the first time,
 * in a pool of "pool_size" bytes. Returns whether the charge fits.
 */
bool sp_inplace_begin(struct sp_inplace *inplace, struct sp_lock *lock,
	uint64_t pool_size, uint64_t start, uint64_t end) SP_REQUIRES(lock);
/** The view is destroyed. */
void sp_inplace_end(struct sp_inplace *inplace, struct sp_lock *lock,
	uint64_t start, uint64_t end) SP_REQUIRES(lock);

/**
 * Returns whether the pool's file has many times the memory of its client's buffers.
 * Checks the file at most once a second, and never if it is too small and cannot grow.
 * Any thread.
 */
bool sp_inplace_is_large(struct sp_inplace *inplace);
/** Returns the bytes of a client's buffers. It can have any number of buffers of the same
 * bytes, so these count up to the limit of bytes in place. */
static inline uint64_t sp_inplace_count_buffers(
		const struct sp_account *account) {
	uint64_t bytes = account->used[SP_RESOURCE_BUFFER_BYTES];
	uint64_t limit = account->limits[SP_RESOURCE_IN_PLACE_BYTES];
	return bytes < limit ? bytes : limit;
}
/** Returns how much memory a file of a client may have. */
static inline uint64_t sp_inplace_get_memory_max(
		const struct sp_account *account) {
	return SP_FILE_SLACK + SP_FILE_MANY * sp_inplace_count_buffers(account);
}
/** Returns whether a file of a client may have more, as last seen, in as few
 * instructions as possible. */
static inline bool sp_inplace_may_be_large(const struct sp_file *file,
		const struct sp_account *account) {
	uint64_t bytes = file->buffers_min;
	return bytes > account->used[SP_RESOURCE_BUFFER_BYTES] ||
		bytes > account->limits[SP_RESOURCE_IN_PLACE_BYTES];
}

/** Returns whether a file, as last seen, has many times the memory of "bytes". */
bool sp_inplace_exceeds(const struct sp_file *file, uint64_t bytes);

#endif
