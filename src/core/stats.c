/* SPDX-License-Identifier: MIT */
/*
 * What clients and pools hold and have cost.
 */
#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "budget.h"
#include "buffer.h"
#include "pool.h"
#include "stats.h"

static void count_buffers(const struct sp_pool *pool,
		struct sealpool_stats *stats) {
	const struct sealpool_buffer *buffer;
	wl_list_for_each(buffer, &pool->buffers, link) {
		stats->buffers[sealpool_buffer_get_kind(buffer)]++;
	}
}

static void count_shadows(struct sp_pool *pool, struct sealpool_stats *stats) {
	pthread_mutex_lock(&pool->lock);
	if (pool->has_shadow) {
		stats->fds++;
		stats->shadow_bytes += pool->shadow.charged;
	}
	pthread_mutex_unlock(&pool->lock);
	const struct sealpool_buffer *buffer;
	wl_list_for_each(buffer, &pool->buffers, link) {
		sp_memory_count(buffer, &stats->fds, &stats->shadow_bytes);
	}
}

void sp_stats_give(struct sealpool_stats *to, struct sealpool_stats *from) {
	assert(to->size > 0);
	from->size = to->size;
	memcpy(to, from, to->size < sizeof(*from) ? to->size : sizeof(*from));
}

void sp_client_get_stats(struct sp_client *client,
		struct sealpool_stats *stats) {
	struct sealpool_stats sum = {
		.pools = client->pools_len,
		.fds = (uint32_t)client->fds,
		.shadow_bytes = client->shadow_bytes,
		.bytes_copied_in = client->bytes_copied_in,
		.bytes_copied_out = client->bytes_copied_out,
		.faults = client->faults,
	};
	struct sp_pool *pool;
	wl_list_for_each(pool, &client->pools, link) {
		sum.pool_bytes += (uint64_t)pool->size;
		count_buffers(pool, &sum);
	}
	sp_stats_give(stats, &sum);
}

void sp_client_for_each_pool(struct sp_client *client,
		sealpool_pool_stats_func func, void *data) {
	struct sp_pool *pool;
	wl_list_for_each(pool, &client->pools, link) {
		struct sealpool_stats stats = {
			.size = sizeof(stats),
			.pools = 1,
			.fds = 1,
			.pool_bytes = (uint64_t)pool->size,
			.bytes_copied_in = pool->bytes_copied_in,
			.bytes_copied_out = pool->bytes_copied_out,
			.faults = pool->faults,
		};
		count_buffers(pool, &stats);
		count_shadows(pool, &stats);
		func(&stats, data);
	}
}

const char *sealpool_memory_kind_name(enum sealpool_memory_kind kind) {
	switch (kind) {
	case SEALPOOL_MEMORY_DIRECT:
		return "direct";
	case SEALPOOL_MEMORY_NOFAULT:
		return "nofault";
	case SEALPOOL_MEMORY_SHADOW:
		return "shadow";
	}
	return "unknown";
}
