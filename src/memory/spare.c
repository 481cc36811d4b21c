/* SPDX-License-Identifier: MIT */
/*
 * A client's spare: the memory of its last destroyed copy, for its next one.
 *
 * Some clients create a new file and a new pool for each frame. Allocating new memory for
 * each copy, page by page, costs several times as much as copying the pixels. The spare
 * stays charged to the client, and is in the cache like any unused copy.
 */
#include <stdlib.h>

#include "spare.h"

struct sp_spare {
	struct sp_cached cached;
	struct sp_store store;
	struct sp_spare_slot *slot;
};

static bool spare_detach(struct sp_cached *cached) {
	struct sp_spare *spare =
		sp_list_entry(cached, struct sp_spare, cached);
	spare->slot->spare = NULL;
	return true;
}

static void spare_release(struct sp_cached *cached) {
	struct sp_spare *spare =
		sp_list_entry(cached, struct sp_spare, cached);
	sp_store_finish(&spare->store);
	free(spare);
}

/* Takes ownership of the slot's spare, atomically. */
static struct sp_spare *take(struct sp_cache *cache,
		struct sp_spare_slot *slot) {
	sp_lock_acquire(&cache->lock);
	struct sp_spare *spare = slot->spare;
	if (spare != NULL) {
		slot->spare = NULL;
		sp_list_remove(&spare->cached.link);
		sp_list_remove(&spare->cached.account_link);
	}
	sp_lock_release(&cache->lock);
	return spare;
}

static void drop(struct sp_cache *cache, struct sp_spare_slot *slot) {
	struct sp_spare *spare = take(cache, slot);
	if (spare != NULL) {
		spare_release(&spare->cached);
	}
}

void sp_spare_put(struct sp_cache *cache, struct sp_spare_slot *slot,
		struct sp_store *store) {
	drop(cache, slot);
	struct sp_spare *spare = !slot->closed ? malloc(sizeof(*spare)) : NULL;
	if (spare == NULL) {
		sp_store_finish(store);
		return;
	}
	sp_cached_init(&spare->cached, store->account);
	spare->cached.held[SP_RESOURCE_SHADOW_BYTES] = store->size;
	spare->cached.detach = spare_detach;
	spare->cached.release = spare_release;
	spare->store = *store;
	spare->slot = slot;
	sp_lock_acquire(&cache->lock);
	slot->spare = spare;
	sp_cache_add_locked(cache, &spare->cached);
	sp_lock_release(&cache->lock);
}

bool sp_spare_take(struct sp_cache *cache, struct sp_spare_slot *slot,
		size_t size, struct sp_store *store) {
	struct sp_spare *spare = take(cache, slot);
	if (spare == NULL) {
		return false;
	}
	if (spare->store.size < size || spare->store.size / 2 > size) {
		/* Sizes differ; assume that the next one has the new size. */
		spare_release(&spare->cached);
		return false;
	}
	*store = spare->store;
	free(spare);
	return true;
}

void sp_spare_close(struct sp_cache *cache, struct sp_spare_slot *slot) {
	slot->closed = true;
	drop(cache, slot);
}
