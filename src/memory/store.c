/* SPDX-License-Identifier: MIT */
/*
 * Memory for copies, and a client's spare: the memory of its last destroyed copy, for its
 * next one.
 *
 * It is anonymous: there is no file that could be truncated, and no descriptor, and no
 * page fault in it raises SIGBUS. Under strict overcommit, the kernel refuses the mapping,
 * not the page fault.
 *
 * Some clients create a new file and a new pool for each frame. Allocating new memory for
 * each copy, page by page, costs several times as much as copying the pixels. The spare
 * stays charged to the client, and is in the cache like any unused copy.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "pages.h"
#include "store.h"

/* From this size on, memory has a mapping of its own, and unmapping returns it to the
 * system. The kernel allows a process 65530 mappings, so small copies use malloc(): see
 * limits.c. */
#define MAPPED_MIN ((size_t)128 * 1024)

/* Freed at once. */
#define PIECE ((size_t)2 << 20)

static bool is_mapped(size_t size) {
	return size >= MAPPED_MIN;
}

int sp_store_init(struct sp_store *store, struct sp_account *account,
		size_t size) {
	size = (size_t)sp_pages_round_up(size);
	int ret = sp_account_charge(account, SP_RESOURCE_SHADOW_BYTES, size);
	if (ret < 0) {
		return ret;
	}
	void *data = !is_mapped(size) ? calloc(1, size) : mmap(NULL, size,
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == NULL || data == MAP_FAILED) {
		sp_account_discharge(account, SP_RESOURCE_SHADOW_BYTES, size);
		return -ENOMEM;
	}
	*store = (struct sp_store){
		.account = account, .data = data, .size = size,
	};
	return 0;
}

/* munmap() holds the process's mmap lock while it frees pages, 0.1 ms for each MiB. Another
 * thread may free a copy of half a gigabyte, and mmap() on the event loop would wait. So
 * the pages are freed piece by piece before. */
static void free_pages(const struct sp_store *store) {
	size_t length;
	for (size_t i = 0; i < store->size; i += length) {
		length = store->size - i < PIECE ? store->size - i : PIECE;
		madvise(store->data + i, length, MADV_DONTNEED);
	}
}

void sp_store_finish(struct sp_store *store) {
	if (is_mapped(store->size)) {
		free_pages(store);
		munmap(store->data, store->size);
	} else {
		free(store->data);
	}
	sp_account_discharge(store->account, SP_RESOURCE_SHADOW_BYTES,
		store->size);
	store->data = NULL;
}

/* The spare */

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

/* Takes ownership of the slot's spare, with the cache's lock. */
static struct sp_spare *take_locked(struct sp_spare_slot *slot) {
	struct sp_spare *spare = slot->spare;
	if (spare != NULL) {
		slot->spare = NULL;
		sp_list_remove(&spare->cached.link);
		sp_list_remove(&spare->cached.account_link);
	}
	return spare;
}

void sp_spare_put(struct sp_cache *cache, struct sp_spare_slot *slot,
		struct sp_store *store) {
	struct sp_spare *spare = malloc(sizeof(*spare));
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
	struct sp_spare *old = spare;
	sp_lock_acquire(&cache->lock);
	if (!slot->closed) {
		old = take_locked(slot);
		slot->spare = spare;
		sp_cache_add_locked(cache, &spare->cached);
	}
	sp_lock_release(&cache->lock);
	if (old != NULL) {
		spare_release(&old->cached);
	}
}

bool sp_spare_take(struct sp_cache *cache, struct sp_spare_slot *slot,
		size_t size, struct sp_store *store) {
	sp_lock_acquire(&cache->lock);
	struct sp_spare *spare = take_locked(slot);
	sp_lock_release(&cache->lock);
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
	sp_lock_acquire(&cache->lock);
	slot->closed = true;
	struct sp_spare *spare = take_locked(slot);
	sp_lock_release(&cache->lock);
	if (spare != NULL) {
		spare_release(&spare->cached);
	}
}
