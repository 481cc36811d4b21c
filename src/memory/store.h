/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_STORE_H
#define SEALPOOL_MEMORY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache.h"

/** The compositor's own memory, charged to an account. */
struct sp_store {
	struct sp_account *account;
	uint8_t *data;
	/* In bytes, a multiple of the page size. */
	size_t size;
};

/** Allocates at least "size" bytes, all zero. Returns 0, -EDQUOT over a limit,
 * or -ENOMEM. Any thread. */
int sp_store_init(struct sp_store *store, struct sp_account *account,
	size_t size);
void sp_store_finish(struct sp_store *store);

struct sp_spare;

/** Holds the spare of a client. */
struct sp_spare_slot {
	/* Under the cache's lock: NULL for none; and whether none is kept any more. */
	struct sp_spare *spare;
	bool closed;
};

/**
 * Makes the memory of a destroyed copy the spare, and frees the previous one; or frees
 * the memory, if the slot is closed. Takes ownership of "store". Any thread.
 */
void sp_spare_put(struct sp_cache *cache, struct sp_spare_slot *slot,
	struct sp_store *store);

/**
 * Takes the spare if it has at least "size" bytes, and at most about twice as many. It
 * still has the bytes of another buffer. A spare that does not fit is freed. Returns
 * whether it was taken. Any thread.
 */
bool sp_spare_take(struct sp_cache *cache, struct sp_spare_slot *slot,
	size_t size, struct sp_store *store);

/** Frees the spare, and keeps none from now on. */
void sp_spare_close(struct sp_cache *cache, struct sp_spare_slot *slot);

#endif
