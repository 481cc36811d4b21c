/* SPDX-License-Identifier: MIT */
/*
 * The memory of a pool.
 *
 * A mapping is created when a buffer needs it. When the pool grows, buffers that use the
 * old mapping keep it alive.
 */
#include <stdlib.h>

#include "account.h"
#include "backing.h"

int sp_backing_init(struct sp_backing *backing, struct sp_memory *memory,
		struct sp_account *account, struct sp_spare_slot *spare,
		struct sp_reader *reader, struct sp_counters *client_counters,
		const struct sp_file *file, uint64_t size) {
	*backing = (struct sp_backing){
		.memory = memory,
		.account = account,
		.spare = spare,
		.reader = reader,
		.client_counters = client_counters,
		.size = size,
	};
	int ret = sp_lock_init(&backing->lock);
	if (ret < 0) {
		return ret;
	}
	backing->file = *file;
	sp_inplace_init(&backing->inplace, account, &backing->file);
	return 0;
}

/* The file of a disconnected client, which only its remaining buffers need. It is in the
 * cache while it is not in use. */
struct sp_orphan {
	struct sp_cached cached;
	struct sp_backing *backing;
	struct sp_file file;
};

bool sp_backing_begin_use(struct sp_backing *backing) {
	sp_lock_acquire(&backing->lock);
	bool there = backing->file.fd >= 0;
	backing->uses_len += there;
	if (there && backing->orphan != NULL) {
		/* A file in use cannot be reclaimed. */
		sp_cache_remove(&backing->memory->cache,
			&backing->orphan->cached);
	}
	sp_lock_release(&backing->lock);
	return there;
}

void sp_backing_end_use(struct sp_backing *backing) {
	sp_lock_acquire(&backing->lock);
	if (--backing->uses_len == 0 && backing->orphan != NULL) {
		sp_cache_add_orphan(&backing->memory->cache,
			&backing->orphan->cached);
	}
	sp_lock_release(&backing->lock);
}

static bool orphan_detach(struct sp_cached *cached) {
	struct sp_orphan *orphan =
		sp_list_entry(cached, struct sp_orphan, cached);
	struct sp_backing *backing = orphan->backing;
	if (!sp_lock_try_acquire(&backing->lock)) {
		return false;
	}
	orphan->file = backing->file;
	backing->file.fd = -1;
	backing->orphan = NULL;
	sp_lock_release(&backing->lock);
	return true;
}

static void orphan_release(struct sp_cached *cached) {
	struct sp_orphan *orphan =
		sp_list_entry(cached, struct sp_orphan, cached);
	sp_file_finish(&orphan->file);
	sp_account_discharge(cached->account, SP_RESOURCE_FDS, 1);
	free(orphan);
}

void sp_backing_orphan(struct sp_backing *backing) {
	sp_lock_acquire(&backing->lock);
	/* A reader thread may be using a slow file. */
	if (backing->file.fd >= 0 && backing->orphan == NULL &&
			backing->file.kind != SP_FILE_SLOW) {
		backing->orphan = malloc(sizeof(*backing->orphan));
		/* Without memory for the orphan, the file stays until the pool is
		 * destroyed. */
		if (backing->orphan != NULL) {
			struct sp_cached *cached = &backing->orphan->cached;
			sp_cached_init(cached, backing->account);
			cached->held[SP_RESOURCE_FDS] = 1;
			cached->detach = orphan_detach;
			cached->release = orphan_release;
			backing->orphan->backing = backing;
			if (backing->uses_len == 0) {
				sp_cache_add_orphan(&backing->memory->cache,
					cached);
			}
		}
	}
	sp_lock_release(&backing->lock);
}

static void forget_orphan(struct sp_backing *backing) {
	sp_lock_acquire(&backing->lock);
	struct sp_orphan *orphan = backing->orphan;
	if (orphan != NULL) {
		sp_cache_remove(&backing->memory->cache, &orphan->cached);
		backing->orphan = NULL;
	}
	sp_lock_release(&backing->lock);
	free(orphan);
}

bool sp_backing_finish(struct sp_backing *backing) {
	forget_orphan(backing);
	for (size_t i = 0; i < sizeof(backing->mappings) /
			sizeof(backing->mappings[0]); i++) {
		sp_mapping_unref(backing->mappings[i]);
	}
	sp_inplace_finish(&backing->inplace);
	if (backing->is_pinned) {
		sp_pinned_finish(&backing->pinned);
	}
	sp_lock_finish(&backing->lock);
	bool has_fd = backing->file.fd >= 0;
	if (has_fd) {
		sp_file_finish(&backing->file);
	}
	return has_fd;
}

int sp_backing_pin(struct sp_backing *backing) {
	int ret = sp_pinned_init(&backing->pinned, backing->account,
		&backing->lock, &backing->memory->reads_late, backing->size);
	backing->is_pinned = ret == 0;
	return ret;
}

int sp_backing_grow(struct sp_backing *backing, uint64_t size) {
	sp_lock_acquire(&backing->lock);
	int ret = backing->is_pinned ?
		sp_shadow_grow(&backing->pinned.shadow, size) : 0;
	if (ret == 0) {
		backing->size = size;
	}
	sp_lock_release(&backing->lock);
	return ret;
}

struct sp_mapping *sp_backing_map(struct sp_backing *backing,
		const struct sp_mapping_mode *mode, uint64_t end) {
	sp_lock_acquire(&backing->lock);
	struct sp_mapping **newest = backing->mappings;
	while (*newest != NULL && (*newest)->mode != mode) {
		newest++;
	}
	if (*newest == NULL || (*newest)->size < end) {
		/* Expect a pool that has grown to grow again. A coherent mapping
		 * serves it from the start. */
		bool roomy = *newest != NULL || mode->coherent;
		struct sp_mapping *mapping = sp_mapping_create(
			backing->file.fd, mode, (size_t)backing->size,
			backing->file.page_size, roomy);
		if (mapping == NULL) {
			sp_lock_release(&backing->lock);
			return NULL;
		}
		sp_mapping_unref(*newest);
		*newest = mapping;
	}
	struct sp_mapping *mapping = sp_mapping_ref(*newest);
	sp_lock_release(&backing->lock);
	return mapping;
}
