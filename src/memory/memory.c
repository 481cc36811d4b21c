/* SPDX-License-Identifier: MIT */
/*
 * The state that all files share.
 */
#include <errno.h>

#include "mapping.h"
#include "memory.h"

int sp_memory_init(struct sp_memory *memory,
		void (*filled)(struct sp_cache *cache),
		void (*wake)(struct sp_readers *readers)) {
	memory->unsealed = NULL;
	memory->reads_late = false;
	sp_looks_init(&memory->looks);
	memory->zeroes = sp_mapping_create_zeroes();
	if (memory->zeroes == NULL) {
		return -errno;
	}
	int ret = sp_bounce_init(&memory->bounce);
	if (ret < 0) {
		goto error_zeroes;
	}
	ret = sp_cache_init(&memory->cache, filled);
	if (ret < 0) {
		goto error_bounce;
	}
	ret = sp_readers_init(&memory->readers, wake);
	if (ret < 0) {
		goto error_cache;
	}
	return 0;

error_cache:
	sp_cache_finish(&memory->cache);
error_bounce:
	sp_bounce_finish(&memory->bounce);
error_zeroes:
	sp_mapping_unref(memory->zeroes);
	return ret;
}

void sp_memory_finish(struct sp_memory *memory) {
	sp_readers_finish(&memory->readers);
	sp_cache_finish(&memory->cache);
	sp_bounce_finish(&memory->bounce);
	sp_mapping_unref(memory->zeroes);
}
