/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_BUFFER_H
#define SEALPOOL_SERVER_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "image/access.h"
#include "image/changes.h"
#include "report.h"

struct sp_context;
struct sp_hold;
struct sp_pool;

struct sealpool_buffer {
	struct sp_pool *pool;
	struct wl_list link; /* sp_pool.buffers */
	struct wl_resource *resource; /* NULL once destroyed */
	/* One is the resource's. */
	atomic_uint refs;
	struct sealpool_buffer *next_unused; /* sp_context.unused_buffers */

	struct sp_view view;
	struct sp_report report;
	/* Waits for the answer of its slow file; else NULL. See hold.c. */
	struct sp_hold *hold;
	/* Behind a guard: the guarded wl_shm has an fd for it, which is charged. */
	bool guarded_fd;

	/* Behind a guard: the surfaces that it is attached to or shown by, and its
	 * writeback. */
	unsigned users;
	/* Behind a guard: how many wl_buffer.release events are missing. */
	unsigned unreleased;
};

/**
 * Creates a buffer without a resource, with one reference for the caller. "guarded": the
 * guarded wl_shm reads it. Returns NULL, after an error for the client, when there is no
 * memory or a limit is reached.
 */
struct sealpool_buffer *sp_buffer_new(struct sp_pool *pool,
	const struct sp_layout *layout, bool guarded);

/** The wl_buffer is destroyed; drops its reference. */
void sp_buffer_leave_resource(struct sealpool_buffer *buffer);

/* Behind a guard: while a buffer has no user, and no release is missing, the pages of
 * its pinned shadow may be freed. */

void sp_buffer_add_user(struct sealpool_buffer *buffer);
void sp_buffer_remove_user(struct sealpool_buffer *buffer);
/** A request gives the buffer to the compositor, which may use it until a release. */
void sp_buffer_expect_release(struct sealpool_buffer *buffer);
/** The compositor has sent a wl_buffer.release. */
void sp_buffer_handle_release(struct sealpool_buffer *buffer);

/** Call it before there is a buffer. */
void sp_buffers_init(struct sp_context *context);
/** The event loop is destroyed: destroys buffers whose last reference another thread
 * has dropped. */
void sp_buffers_finish(struct sp_context *context);

/** Updates the buffer's copies. */
void sp_buffer_sync(struct sealpool_buffer *buffer);

/** The client is disconnected: when a limit is reached, its buffers that the compositor
 * still holds may lose their memory. */
void sp_buffers_handle_client_gone(struct sp_client *client);

#endif
