/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_POOL_H
#define SEALPOOL_SERVER_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "client.h"
#include "memory/backing.h"

/** A pool lives as long as its wl_shm_pool or one of its buffers. */
struct sp_pool {
	struct sp_client *client;
	struct wl_list link; /* sp_client.pools */
	struct wl_resource *resource; /* NULL once destroyed */
	struct wl_list buffers; /* sealpool_buffer.link */
	unsigned refs;

	int32_t size;
	struct sp_backing backing;
	/* It was logged that the file has answered too late. */
	atomic_bool logged_late;
};

/**
 * Creates a pool without a resource, with one reference for the caller. Takes ownership
 * of the file. Returns NULL, after an error for the client, when there is no memory or a
 * limit is reached.
 */
struct sp_pool *sp_pool_new(struct sp_context *context,
	struct wl_client *wl_client, struct sp_file *file, int32_t size);

/** Posts and logs why a file is refused, for example because sp_file_init() has failed.
 * "resource" is the client's wl_shm or wl_shm_pool. */
void sp_pool_refuse_file(struct sp_context *context,
	struct wl_resource *resource, int error, const char *reason);

/** The wl_shm_pool is destroyed; drops its reference. */
void sp_pool_leave_resource(struct sp_pool *pool);
void sp_pool_ref(struct sp_pool *pool);
void sp_pool_unref(struct sp_pool *pool);

#endif
