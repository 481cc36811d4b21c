/* SPDX-License-Identifier: MIT */
/*
 * Counts who uses a buffer behind a guard.
 */
#include <assert.h>
#include <limits.h>

#include "users.h"

struct guard_pool *sp_guard_pool(struct sp_pool *base) {
	struct guard_pool *pool = wl_container_of(base, pool, base);
	return pool;
}

struct guard_buffer *sp_guard_buffer(struct sealpool_buffer *base) {
	struct guard_buffer *buffer = wl_container_of(base, buffer, base);
	return buffer;
}

static void offer_unused(struct guard_buffer *buffer) {
	if (buffer->users == 0 && buffer->unreleased == 0) {
		sp_view_offer(&buffer->base.view);
	}
}

void sp_guard_change_users(struct sealpool_buffer *base, int change) {
	struct guard_buffer *buffer = sp_guard_buffer(base);
	assert(change > 0 || buffer->users > 0);
	buffer->users += (unsigned)change;
	offer_unused(buffer);
}

void sp_guard_expect_release(struct sealpool_buffer *buffer) {
	/* A release answers one commit: some compositors send one for each commit,
	 * others one for all, and the guard cannot tell which. */
	unsigned *unreleased = &sp_guard_buffer(buffer)->unreleased;
	*unreleased += *unreleased < UINT_MAX;
}

void sp_guard_handle_release(struct sealpool_buffer *base) {
	struct guard_buffer *buffer = sp_guard_buffer(base);
	if (buffer->unreleased > 0) {
		buffer->unreleased--;
		offer_unused(buffer);
	}
}
