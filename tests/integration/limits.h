/* SPDX-License-Identifier: MIT */
#ifndef INTEGRATION_LIMITS_H
#define INTEGRATION_LIMITS_H

/**
 * Servers with small budgets, clients that exceed them, and bystanders that must not be
 * affected.
 */

#include "peer.h"
#include "server.h"

#define WIDTH 64
#define HEIGHT 64
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

#define POOLS 4
#define FDS 6
#define ALL_FDS 96
#define SHADOWS 3
#define BUFFERS 5

int server_setup_with_budget(void **state, const struct sealpool_budget *budget);

/** Creates a client that shows a picture of its own. See finish_bystander(). */
struct peer *create_bystander(struct server *server);

void finish_bystander(struct server *server, struct peer *peer);

/** "name" is a word of the budget's description, and "limit" its value. */
void expect_over_budget(struct peer *peer, order_func order,
	const char *order_name, const struct args *args,
	const char *name, int64_t limit);

/** Shows each picture on a surface of its own. */
void show_pictures(struct peer *peer, enum client_memory_kind kind,
	int count);

struct sealpool_buffer *get_picture(struct server *server,
	const struct peer *peer, int index);

#define over_budget(peer, name, limit, order, ...) \
	expect_over_budget(peer, order, #order, \
		&(struct args){ __VA_ARGS__ }, name, limit)

#endif
