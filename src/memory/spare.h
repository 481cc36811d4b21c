/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_SPARE_H
#define SEALPOOL_MEMORY_SPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "cache.h"
#include "store.h"

struct sp_spare;

/** Holds the spare of a client. */
struct sp_spare_slot {
	/* NULL for none; under the cache's lock. */
	struct sp_spare *spare;
	/* No spare is kept any more. */
	bool closed;
};

/**
 * Makes the memory of a destroyed copy the spare, and frees the previous one; or frees
 * the memory, if the slot is closed. Takes ownership of "store". Not for one slot on two
 * threads at once.
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
