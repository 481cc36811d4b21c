/* SPDX-License-Identifier: MIT */
/*
 * The memory of a pool.
 *
 * A mapping is made when a buffer needs it, and lives on for the buffers that use
 * it when the pool grows.
 */
#include <errno.h>

#include "account.h"
#include "backing.h"
#include "pinned.h"

int sp_backing_init(struct sp_backing *backing, struct sp_memory *memory,
		struct sp_account *account, struct sp_spare_slot *spare,
		struct sp_counters *client_counters,
		const struct sp_file *file, uint64_t size) {
	*backing = (struct sp_backing){
		.memory = memory,
		.account = account,
		.spare = spare,
		.client_counters = client_counters,
		.size = size,
	};
	int ret = pthread_mutex_init(&backing->lock, NULL);
	if (ret != 0) {
		return -ret;
	}
	backing->file = *file;
	return 0;
}

void sp_backing_finish(struct sp_backing *backing) {
	for (size_t i = 0; i < sizeof(backing->mappings) /
			sizeof(backing->mappings[0]); i++) {
		sp_mapping_unref(backing->mappings[i]);
	}
	if (backing->pinned) {
		sp_pinned_finish(backing);
		sp_shadow_finish(&backing->shadow);
	}
	pthread_mutex_destroy(&backing->lock);
	sp_file_finish(&backing->file);
}

void sp_backing_grow(struct sp_backing *backing, uint64_t size) {
	pthread_mutex_lock(&backing->lock);
	backing->size = size;
	pthread_mutex_unlock(&backing->lock);
}

int sp_backing_pin(struct sp_backing *backing) {
	int ret = sp_shadow_init(&backing->shadow, backing->account,
		backing->size);
	backing->pinned = backing->shadow.pinned = ret == 0;
	return ret;
}

int sp_backing_grow_pinned(struct sp_backing *backing, uint64_t size) {
	pthread_mutex_lock(&backing->lock);
	int ret = sp_shadow_grow(&backing->shadow, size);
	if (ret == 0) {
		backing->size = size;
	}
	pthread_mutex_unlock(&backing->lock);
	return ret;
}

struct sp_mapping *sp_backing_map(struct sp_backing *backing,
		enum sp_mapping_mode mode, uint64_t end) {
	pthread_mutex_lock(&backing->lock);
	struct sp_mapping **newest = &backing->mappings[mode];
	if (*newest == NULL || (*newest)->size < end) {
		/* A pool that grew once will grow again. */
		bool roomy = *newest != NULL;
		struct sp_mapping *mapping = sp_mapping_create(
			backing->file.fd, mode, (size_t)backing->size,
			backing->file.page_size, roomy);
		if (mapping == NULL) {
			pthread_mutex_unlock(&backing->lock);
			return NULL;
		}
		sp_mapping_unref(*newest);
		*newest = mapping;
	}
	struct sp_mapping *mapping = sp_mapping_ref(*newest);
	pthread_mutex_unlock(&backing->lock);
	return mapping;
}
