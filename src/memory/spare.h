/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_SPARE_H
#define SEALPOOL_MEMORY_SPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "cache.h"
#include "store.h"

struct sp_spare;

/** Where memory is kept for a client's next copy. */
struct sp_spare_slot {
	/* NULL for none; under the cache's lock. */
	struct sp_spare *spare;
	/* Nothing is kept any more. */
	bool closed;
};

/**
 * Keeps memory that no copy needs any more, in the place of what was kept before;
 * or frees it, where there is no use for it. Takes it over. For one slot, never on two
 * threads at once.
 */
void sp_spare_put(struct sp_cache *cache, struct sp_spare_slot *slot,
	struct sp_store *store);

/**
 * Takes memory of at least "size" bytes, and of not many more, in which the bytes of
 * another buffer still are. Returns whether there was such; what does not fit is
 * freed. Any thread.
 */
bool sp_spare_take(struct sp_cache *cache, struct sp_spare_slot *slot,
	size_t size, struct sp_store *store);

/** Frees what is kept, and keeps nothing from now on. */
void sp_spare_close(struct sp_cache *cache, struct sp_spare_slot *slot);

#endif
