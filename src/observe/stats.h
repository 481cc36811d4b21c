/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_OBSERVE_STATS_H
#define SEALPOOL_OBSERVE_STATS_H

#include <sealpool/shm.h>

struct sp_client;

/** Gets what a client holds and has cost. */
void sp_client_get_stats(struct sp_client *client,
	struct sealpool_stats *stats);

/** Calls "func" with the statistics of each pool of the client, oldest first. */
void sp_client_for_each_pool(struct sp_client *client,
	sealpool_pool_stats_func func, void *data);

/** Copies as much as the caller's struct, of "to->size" bytes, has room for. */
void sp_stats_give(struct sealpool_stats *to, struct sealpool_stats *from);

#endif
