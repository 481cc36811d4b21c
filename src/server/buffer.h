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
	/* The resource's, and whoever else took one. */
	atomic_uint refs;
	struct sealpool_buffer *next_unused; /* sp_context.unused_buffers */

	struct sp_view view;
	struct sp_report report;
	/* While its file's answer is waited for; see hold.c. */
	struct sp_hold *hold;
	/* The wl_shm behind a guard has an fd for it, which is charged. */
	bool guarded_fd;

	/* Behind a guard: the surfaces that it is attached to or shown by, and who it
	 * is lent to. */
	unsigned users;
	/* And how often it was handed to the compositor without a wl_buffer.release
	 * since, one for each time. */
	unsigned unreleased;
};

/**
 * Makes a buffer that has no resource yet, with one reference for the caller. Behind
 * a guard, somebody else reads it. Returns NULL when there is no memory, or when the
 * client may have no more, after an error for the client.
 */
struct sealpool_buffer *sp_buffer_new(struct sp_pool *pool,
	const struct sp_layout *layout, bool guarded);

/** The wl_buffer is gone; gives its reference back. */
void sp_buffer_leave_resource(struct sealpool_buffer *buffer);

/* Behind a guard: while a buffer has no user, and nothing is unanswered, the pages of
 * its pinned shadow may be given back. */

void sp_buffer_add_user(struct sealpool_buffer *buffer);
void sp_buffer_remove_user(struct sealpool_buffer *buffer);
/** A request hands it to the compositor, which has it until it sends a release. */
void sp_buffer_expect_release(struct sealpool_buffer *buffer);
/** The compositor has sent a wl_buffer.release. */
void sp_buffer_handle_release(struct sealpool_buffer *buffer);

/** Before there is any buffer. */
void sp_buffers_init(struct sp_context *context);
/** The event loop goes: destroys what other threads have let go of. */
void sp_buffers_finish(struct sp_context *context);

/** Brings what is copied for readers up to date. */
void sp_buffer_sync(struct sealpool_buffer *buffer);

/** Of a client that has gone, what the compositor still holds may be given back when
 * a limit is reached. */
void sp_buffers_handle_client_gone(struct sp_client *client);

#endif
