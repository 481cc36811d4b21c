/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_POOL_H
#define SEALPOOL_CORE_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "budget.h"
#include "file.h"
#include "filled.h"
#include "mapping.h"
#include "shadow.h"

/** Lives as long as its wl_shm_pool or one of its buffers. */
struct sp_pool {
	struct sp_client *client;
	struct wl_list link; /* sp_client.pools */
	struct wl_resource *resource; /* NULL once destroyed */
	struct wl_list buffers; /* sealpool_buffer.link */
	/* Under a guard: those that are lent, the newest first. */
	struct wl_list lents; /* lent.pool_link */
	/* And an fd that the wl_shm behind keeps, charged. */
	bool fd_behind;
	unsigned refs;

	int32_t size;
	struct sp_file file;
	struct sp_filled filled;

	_Atomic uint64_t bytes_copied_in;
	_Atomic uint64_t bytes_copied_out;
	_Atomic uint64_t faults;

	pthread_mutex_t lock; /* over all below */
	/* The newest of each mode, or NULL; indexed by enum sp_mapping_mode. */
	struct sp_mapping *mappings[3];
	/* Someone else reads the shadow, who does not say when he is done: what
	 * is in it stays. */
	bool shadow_lent;
	/* The copies, for reading, of all buffers that are not read in place. */
	struct sp_shadow shadow;
	bool has_shadow;
	/* The buffers that have memory there. */
	struct wl_list shadowed; /* sp_shadowed.link */
	size_t shadowed_len;
};

/**
 * Makes a pool that has no resource yet, with one reference for the caller.
 * Takes the file over. Returns NULL when there is no memory, or none for this
 * client, of which it was told.
 */
struct sp_pool *sp_pool_new(struct sp_context *context,
	struct wl_client *wl_client, struct sp_file *file, int32_t size);

/** Says so to the client of a wl_shm, and in the log. */
void sp_pool_refuse_file(struct sp_context *context,
	struct wl_resource *shm_resource, const char *reason);

/**
 * Handles wl_shm.create_pool. Takes the fd over, and posts errors itself.
 */
void sp_pool_create(struct sp_context *context, struct wl_client *wl_client,
	struct wl_resource *shm_resource, uint32_t id, int fd, int32_t size);
void sp_pool_ref(struct sp_pool *pool);
void sp_pool_unref(struct sp_pool *pool);

/** The pool behind a wl_shm_pool, or NULL when that was made by something else
 * than Sealpool. */
struct sp_pool *sp_pool_try_from_resource(struct wl_resource *resource);

/** Makes the shadow if there is none. To be called with the lock held. Returns 0
 * or a negative errno. */
int sp_pool_need_shadow(struct sp_pool *pool);

/**
 * Makes the shadow of what the client's last pool was copied to, if there is
 * such, with memory for the bytes from "start" to "end", none of which are this
 * pool's yet. To be called with the lock held. Returns whether it did.
 */
bool sp_pool_reuse_shadow(struct sp_pool *pool, uint64_t start, uint64_t end);

/** Nothing is left in the shadow that this pool needs. To be called with the
 * lock held. */
void sp_pool_give_up_shadow(struct sp_pool *pool);

/**
 * A mapping of the file that covers the bytes below "end", with a reference
 * for the caller; NULL, with errno set, where it cannot be had. Any thread.
 */
struct sp_mapping *sp_pool_map(struct sp_pool *pool, enum sp_mapping_mode mode,
	uint64_t end);

#endif
