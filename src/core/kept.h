/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_KEPT_H
#define SEALPOOL_CORE_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "shadow.h"

struct sp_context;
struct sp_client;

/** A shadow that no pool has any more, for the client's next one. */
struct sp_kept {
	struct sp_shadow shadow;
	/* When it was kept: see sp_clock_now(). */
	uint64_t since;
};

/**
 * Keeps a shadow, whose pool and buffers need it no more, in the place of the
 * one that was kept before; or finishes it where it cannot be used again. Takes
 * it over. On the display's thread.
 */
void sp_kept_put(struct sp_client *client, struct sp_shadow *shadow);

/**
 * Takes the client's shadow for a pool, if it has memory for the bytes from
 * "start" to "end" and not for many others, and drops it if not. It then has
 * memory for the pages of these alone, in which the bytes of another pool still
 * are. Any thread.
 */
bool sp_kept_take(struct sp_client *client, struct sp_shadow *shadow,
	uint64_t start, uint64_t end);

/** Gives it back. Returns whether there was one. Any thread. */
bool sp_kept_drop(struct sp_client *client);

/** The same for all clients. On the display's thread. */
void sp_kept_drop_all(struct sp_context *context);

/** Gives it back if it was kept for "after" milliseconds. Returns when to look
 * again, or UINT64_MAX where there is none. On the display's thread. */
uint64_t sp_kept_drop_idle(struct sp_client *client, uint64_t now,
	uint64_t after);

#endif
