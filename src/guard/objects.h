/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GUARD_OBJECTS_H
#define SEALPOOL_GUARD_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

struct sealpool_buffer;
struct sp_client;
struct sp_pool;

/** A wl_shm_pool of another wl_shm. */
struct guard_pool {
	struct sp_pool *pool;
	struct wl_listener destroy;
};

/** A wl_buffer of another wl_shm. */
struct guard_buffer {
	struct sealpool_buffer *buffer;
	struct wl_listener destroy;
};

/** Of a pool that has no resource, and gets none. */
void sp_guard_pool_destroy(struct guard_pool *pool);

/** NULL for what is of no guarded wl_shm. */
struct sp_pool *sp_guard_find_pool(struct wl_resource *resource);
struct sealpool_buffer *sp_guard_find_buffer(struct wl_resource *resource);

/** Whoever cannot be protected from a client, for want of something, is protected
 * by its end. */
void sp_guard_refuse(struct sp_client *client, const char *what, int error);

/** What the last request has created, and has no resource yet. */
struct sp_unborn {
	/* NULL for nothing. */
	struct wl_client *client;
	struct wl_listener client_destroy;
	uint32_t id;
	/* One of the two. */
	struct guard_pool *pool;
	struct guard_buffer *buffer;
	/* What the wl_shm behind was given for the pool, or might have
	 * made for the buffer; -1 for neither. */
	int fd;

	/* Whether the wl_shm behind has an fd for each buffer, which is looked
	 * for when the first ones are made. */
	bool buffers_have_fds;
	unsigned buffers_looked_at;
};

/** A request with a new id is about to be dispatched. "fd" is what the wl_shm behind
 * gets. */
void sp_unborn_expect_pool(struct sp_unborn *unborn, struct wl_client *client,
	uint32_t id, struct guard_pool *pool, int fd);
void sp_unborn_expect_buffer(struct sp_unborn *unborn,
	struct wl_client *client, uint32_t id, struct guard_buffer *buffer);

/** Takes up what the last request has created; if the wl_shm has refused it,
 * that is nothing. */
void sp_unborn_take_up(struct sp_unborn *unborn);

#endif
