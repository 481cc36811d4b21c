/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GUARD_USERS_H
#define SEALPOOL_GUARD_USERS_H

#include "server/buffer.h"
#include "server/pool.h"

/** A wl_shm_pool of the guarded wl_shm. */
struct guard_pool {
	struct sp_pool base;
	struct wl_listener destroy;
	struct wl_list writebacks; /* writeback.pool_link, the newest first */
	/* Listens if there may be a writeback whose objects have all ended. */
	struct wl_listener epoch_ended;
	/* The guarded wl_shm keeps an fd, which is charged. */
	bool guarded_fd;
};

/** A wl_buffer of the guarded wl_shm. While it has no user, and no release is missing,
 * the pages of its pinned shadow may be freed. */
struct guard_buffer {
	struct sealpool_buffer base;
	struct wl_listener destroy;
	/* The guarded wl_shm has an fd for it, which is charged. */
	bool guarded_fd;
	/* The surfaces that it is attached to or shown by, and its writeback. */
	unsigned users;
	/* How many wl_buffer.release events are missing. */
	unsigned unreleased;
	/* When its last writeback was created; see sp_client_get_epoch(). */
	uint64_t written_back;
};

struct guard_pool *sp_guard_pool(struct sp_pool *pool);
struct guard_buffer *sp_guard_buffer(struct sealpool_buffer *buffer);

/** See struct sp_front. */
void sp_guard_change_users(struct sealpool_buffer *buffer, int change);
void sp_guard_expect_release(struct sealpool_buffer *buffer);
/** The compositor has sent a wl_buffer.release. */
void sp_guard_handle_release(struct sealpool_buffer *buffer);

#endif
