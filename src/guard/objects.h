/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GUARD_OBJECTS_H
#define SEALPOOL_GUARD_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

struct sealpool_buffer;
struct sp_client;
struct sp_pool;

/** Return NULL for a resource that is not the guarded wl_shm's. */
struct sp_pool *sp_guard_find_pool(struct wl_resource *resource);
struct sealpool_buffer *sp_guard_find_buffer(struct wl_resource *resource);

/** The object is about to be freed. */
void sp_guard_handle_pool_gone(struct sp_pool *pool);
void sp_guard_handle_buffer_gone(struct sealpool_buffer *buffer);

/** Disconnects a client, with an error, from whose memory the compositor cannot be
 * protected, since a resource is lacking. */
void sp_guard_refuse(struct sp_client *client, const char *what, int error);

/** The object of the last request, which has no resource yet. */
struct sp_unborn {
	/* NULL if there is no such object. */
	struct wl_client *client;
	struct wl_listener client_destroy;
	uint32_t id;
	/* One of these. */
	struct sp_pool *pool;
	struct sealpool_buffer *buffer;
	/* The fd that the guarded wl_shm got for the pool, or may have created for the
	 * buffer; else -1. */
	int fd;

	/* Whether the guarded wl_shm keeps an fd for each buffer. The first buffers are
	 * checked for that. */
	bool buffers_have_fds;
	unsigned buffers_looked_at;
};

/** A request with a new id is about to be dispatched. "fd" is the one that the guarded
 * wl_shm gets. */
void sp_unborn_expect_pool(struct sp_unborn *unborn, struct wl_client *client,
	uint32_t id, struct sp_pool *pool, int fd);
void sp_unborn_expect_buffer(struct sp_unborn *unborn,
	struct wl_client *client, uint32_t id, struct sealpool_buffer *buffer);

/** Connects the object of the last request with its resource, or destroys the object if
 * the guarded wl_shm has refused it. */
void sp_unborn_connect(struct sp_unborn *unborn);

#endif
