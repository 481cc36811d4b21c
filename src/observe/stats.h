/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_OBSERVE_STATS_H
#define SEALPOOL_OBSERVE_STATS_H

#include <sealpool/shm.h>

struct sp_client;

/** What a client holds and has cost. */
void sp_client_get_stats(struct sp_client *client,
	struct sealpool_stats *stats);

/** The same of each of its pools, oldest first; "size" of the argument is set. */
void sp_client_for_each_pool(struct sp_client *client,
	sealpool_pool_stats_func func, void *data);

/** Hands out no more than the caller's struct has room for. */
void sp_stats_give(struct sealpool_stats *to, struct sealpool_stats *from);

#endif
