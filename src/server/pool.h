/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_POOL_H
#define SEALPOOL_SERVER_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "client.h"
#include "memory/backing.h"

/** Lives as long as its wl_shm_pool or one of its buffers. */
struct sp_pool {
	struct sp_client *client;
	struct wl_list link; /* sp_client.pools */
	struct wl_resource *resource; /* NULL once destroyed */
	struct wl_list buffers; /* sealpool_buffer.link */
	/* Under a guard: those that are lent, the newest first. */
	struct wl_list writebacks; /* lent.pool_link */
	/* And an fd that the wl_shm behind keeps, charged. */
	bool guarded_fd;
	unsigned refs;

	int32_t size;
	struct sp_backing backing;
};

/**
 * Makes a pool that has no resource yet, with one reference for the caller.
 * Takes the file over. Returns NULL when there is no memory, or when the client may
 * have no more, after an error for the client.
 */
struct sp_pool *sp_pool_new(struct sp_context *context,
	struct wl_client *wl_client, struct sp_file *file, int32_t size);

/** Says to the client, in the name of its wl_shm or wl_shm_pool, and in the log, why
 * its file is refused: sp_file_init() has failed, say. */
void sp_pool_refuse_file(struct sp_context *context,
	struct wl_resource *resource, int error, const char *reason);

/** The wl_shm_pool is gone; gives its reference back. */
void sp_pool_leave_resource(struct sp_pool *pool);
void sp_pool_ref(struct sp_pool *pool);
void sp_pool_unref(struct sp_pool *pool);

#endif
