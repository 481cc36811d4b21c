/* SPDX-License-Identifier: MIT */
/*
 * Statistics: what clients and pools hold and have cost.
 */
#include <assert.h>
#include <string.h>

#include "server/buffer.h"
#include "server/client.h"
#include "server/pool.h"
#include "stats.h"

static void count_buffers(const struct sp_pool *pool,
		struct sealpool_stats *stats) {
	const struct sealpool_buffer *buffer;
	wl_list_for_each(buffer, &pool->buffers, link) {
		stats->buffers[sealpool_buffer_get_kind(buffer)]++;
	}
}

static void count_shadows(struct sp_pool *pool, struct sealpool_stats *stats) {
	struct sp_backing *backing = &pool->backing;
	if (backing->is_pinned) {
		sp_lock_acquire(&backing->lock);
		stats->fds++;
		stats->shadow_bytes += backing->pinned.shadow.charged;
		sp_lock_release(&backing->lock);
	}
	const struct sealpool_buffer *buffer;
	wl_list_for_each(buffer, &pool->buffers, link) {
		sp_view_count(&buffer->view, &stats->fds, &stats->shadow_bytes);
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
		.fds = (uint32_t)client->account.used[SP_RESOURCE_FDS],
		.shadow_bytes = client->account.used[SP_RESOURCE_SHADOW_BYTES],
		.bytes_copied_in = client->counters.copied_in,
		.bytes_copied_out = client->counters.copied_out,
		.faults = client->counters.faults,
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
			.bytes_copied_in = pool->backing.counters.copied_in,
			.bytes_copied_out = pool->backing.counters.copied_out,
			.faults = pool->backing.counters.faults,
		};
		count_buffers(pool, &stats);
		count_shadows(pool, &stats);
		func(&stats, data);
	}
}
