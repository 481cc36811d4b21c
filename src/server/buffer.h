/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_BUFFER_H
#define SEALPOOL_SERVER_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "image/access.h"
#include "image/changes.h"

struct sp_client;
struct sp_context;
struct sp_hold;
struct sp_pool;
struct sp_tracked;

/** The error of an access, to be posted on the event loop's thread. */
struct sp_report {
	struct wl_list link; /* sp_reports.list, or empty */
	enum sp_event event;
	int64_t value;
	/* An error for the client was posted, or logged instead. */
	bool posted;
	/* An error of the compositor's was logged. */
	bool logged;
};

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
	/* surface.c: which surface it was committed to; NULL if it is not tracked. */
	struct sp_tracked *tracked;
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

/** Destroys buffers whose last reference another thread has dropped. Call it last when the
 * event loop is destroyed. */
void sp_buffers_finish(struct sp_context *context);

/**
 * Reports what an access, or copying, has found. On the event loop's thread, the client
 * gets its error at once, so that no later error of the compositor's hides it, but is
 * disconnected later. Any thread; the caller keeps the buffer alive, and holds no lock.
 */
void sp_buffer_report(struct sealpool_buffer *buffer, enum sp_event event,
	int64_t value);
/** Posts the reports of a client's buffers now, and schedules its disconnection if one is
 * fatal. On the event loop's thread. */
void sp_reports_flush(struct sp_client *client);

/** Updates the buffer's copies. */
void sp_buffer_sync(struct sealpool_buffer *buffer);

/** The client is disconnected: when a limit is reached, its buffers that the compositor
 * still holds may lose their memory. */
void sp_buffers_handle_client_gone(struct sp_client *client);

#endif
