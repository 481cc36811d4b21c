/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_CONTEXT_H
#define SEALPOOL_SERVER_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "epoch.h"
#include "mailbox.h"
#include "memory/account.h"
#include "memory/lock.h"
#include "memory/memory.h"

struct sp_client;
struct sp_context;
struct sp_holds;
struct sp_pool;

/** What differs between a wl_shm of Sealpool's own and a guard before another one. */
struct sp_front {
	/* The buffer behind a wl_buffer of any origin, or NULL. */
	struct sealpool_buffer *(*find_buffer)(struct wl_resource *resource);
	/* The pool behind a wl_shm_pool, or NULL. */
	struct sp_pool *(*find_pool)(struct wl_resource *resource);
	/* Copies what is stale in a buffer that is shown. */
	void (*sync)(struct sealpool_buffer *buffer);
	/* A wl_client has gone; its record is still there. */
	void (*client_gone)(struct sp_client *client);
};

/** What is done when memory or descriptors run short. */
struct sp_policy {
	/* Of the accounts of all clients, identities and clients. */
	const struct sp_account_ops *account_ops;
	/* See sp_cache_init(). */
	void (*cache_filled)(struct sp_cache *cache);
	/* See sp_evict_for(). */
	bool (*make_room)(struct sp_context *context,
		enum sp_resource resource, uint64_t amount,
		struct sp_client *asking);
};

/* The state of some modules, which is here since other threads reach it for as long
 * as there are buffers. Each is its module's alone. */

/** report.c: what nobody has been told of yet. */
struct sp_reports {
	struct sp_lock lock;
	struct wl_list list; /* sp_report.link */
	struct sp_mail mail;
};

/** silence.c: looks for clients whose files do not answer. */
struct sp_silence {
	/* Milliseconds after which a client is ended. */
	unsigned patience;
	struct wl_event_source *timer;
	struct sp_mail mail;
	/* The timer is set. */
	bool waiting;
};

/** idle.c: when copies that nobody reads are given back. */
struct sp_idle {
	/* After so many milliseconds; UINT32_MAX for never. */
	uint32_t after;
	struct wl_event_source *timer;
	struct sp_mail mail;
	/* The timer is set. */
	atomic_bool waiting;
};

/**
 * What all objects of a wl_shm share. Lives until its wl_shm is destroyed and the
 * last client record is gone: buffers may outlive the display.
 */
struct sp_context {
	struct wl_display *display; /* NULL once destroyed */
	unsigned refs;

	uint32_t *formats; /* DRM fourcc codes */
	size_t formats_len;
	/* See struct sealpool_options. */
	void (*short_file)(struct sealpool_buffer *buffer, uint64_t file_size,
		void *data);
	void *short_file_data;
	sealpool_log_func log;
	void *log_data;
	const struct sp_front *front;
	const struct sp_policy *policy;

	struct sp_mailbox mailbox;
	struct sp_memory memory;
	/* None of them zero. */
	struct sealpool_budget limits;
	/* Of all clients. */
	struct sp_account all;
	struct wl_list clients; /* sp_client.link */
	struct wl_list identities; /* sp_identity.link, the oldest first */
	uint64_t clients_made;
	/* Some are to be disconnected: see sp_client_disconnect_later(). */
	struct sp_mail disconnect;
	/* All together hold too much. */
	struct sp_mail pressure;
	struct sp_reports reports;
	struct sp_idle idle;
	/* Buffers that another thread let go of. */
	_Atomic(struct sealpool_buffer *) unused_buffers;
	struct sp_mail unused;
	/* NULL when the display has gone. */
	struct sp_holds *holds;
	/* Reader threads have done something. */
	struct sp_mail answers;
	struct sp_silence silence;
	struct sp_epoch epoch;
	/* The data is the sealpool_buffer. */
	struct wl_signal new_buffer;
	/* A client has committed a surface; the data is the wl_client. */
	struct wl_signal commit;
};

/**
 * Creates a context, with one reference for the caller. "options" are all set, and
 * "limits" have no zero. Returns NULL after a log message.
 */
struct sp_context *sp_context_create(struct wl_display *display,
	const struct sealpool_options *options,
	const struct sealpool_budget *limits, const struct sp_policy *policy,
	const struct sp_front *front);

/** While the display is still there: nothing of it is used from then on. */
void sp_context_detach(struct sp_context *context);

struct sp_context *sp_context_ref(struct sp_context *context);
void sp_context_unref(struct sp_context *context);

/** Offers those formats whose layout is known. Returns false when there is no
 * memory. */
bool sp_context_set_formats(struct sp_context *context,
	const uint32_t *formats, size_t formats_len);
bool sp_context_has_format(const struct sp_context *context, uint32_t drm);

void sp_log(struct sp_context *context,
	enum sealpool_log_importance importance, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Posts an error of an object, which ends its client, and logs that. */
void sp_post_error(struct sp_context *context, struct wl_resource *resource,
	uint32_t code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** Ends a client for which there is no memory, and logs that. */
void sp_post_no_memory(struct sp_context *context, struct wl_client *client);

#endif
