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
struct sp_pool;

/** Functions that differ between Sealpool's own wl_shm, libwayland's functions for it, and
 * a guard in front of another wl_shm. */
struct sp_front {
	/* Returns the buffer of a wl_buffer of any origin, or NULL. */
	struct sealpool_buffer *(*find_buffer)(struct wl_resource *resource);
	/* Returns the pool of a wl_shm_pool, or NULL. */
	struct sp_pool *(*find_pool)(struct wl_resource *resource);
	/* Copies what is stale in a buffer that is shown. */
	void (*sync)(struct sealpool_buffer *buffer);
	/* A wl_client was destroyed; its record still exists. */
	void (*client_gone)(struct sp_client *client);

	/* The rows of 24-bit pixels may be padded to whole words. */
	bool pads_rows;
	/* Bytes of what begins with struct sp_pool, or struct sealpool_buffer. The rest
	 * is zero at first. */
	size_t pool_size, buffer_size;
	/* The object is about to be destroyed. */
	void (*pool_gone)(struct sp_pool *pool);
	void (*buffer_gone)(struct sealpool_buffer *buffer);
	/* Only a guard has the functions below. */
	/* A guard does not know what the compositor references. So surfaces count as
	 * users of their buffers, and a surface references the buffer that it shows until
	 * it shows something else, even if the client destroys that buffer. There is one
	 * user more, or one less. */
	void (*change_users)(struct sealpool_buffer *buffer, int change);
	/* A request gives the buffer to the compositor, which may use it until a
	 * release. */
	void (*expect_release)(struct sealpool_buffer *buffer);
};

/** Functions that act when memory or descriptors run out. */
struct sp_policy {
	/* For the accounts of all clients, identities and clients. */
	const struct sp_account_ops *account_ops;
	/* See sp_evict_for(). */
	bool (*make_room)(struct sp_context *context,
		enum sp_resource resource, uint64_t amount,
		struct sp_client *asking);
};

/* The state of some modules. It is here since other threads use it as long as there are
 * buffers. Only the named module uses its members. */

/** buffer.c: reports that were not posted yet. */
struct sp_reports {
	struct sp_lock lock; /* over all reports */
	struct wl_list list; /* sealpool_buffer.report.link */
};

/** hold.c: commits whose bytes come later. */
struct sp_holds {
	struct wl_list list; /* sp_hold.link */
	/* How many bytes of memory the event loop copies in this epoch. */
	uint64_t epoch, copied_at_once;
	/* NULL if the compositor cannot delay commits. */
	sealpool_hold_commit_func hold;
	sealpool_release_commit_func release;
	void *data;
};

/** upkeep.c: what the event loop does for memory and files. */
struct sp_upkeep {
	struct wl_event_source *timer;
	sp_mail_func handle_mail;
	/* When it last looked for files that do not answer: see sp_clock_now(). */
	uint64_t looked_at;
};

/**
 * The state that all objects of a wl_shm share. It lives until the wl_shm and the last
 * client record are destroyed, since buffers may outlive the display.
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
	bool no_commit_tracker;
	sealpool_log_func log;
	void *log_data;
	const struct sp_front *front;
	const struct sp_policy *policy;

	struct sp_mailbox mailbox;
	struct sp_memory memory;
	/* All limits are set; none is zero. */
	struct sealpool_budget limits;
	/* The account of all clients. */
	struct sp_account all;
	struct wl_list clients; /* sp_client.link */
	struct wl_list identities; /* sp_identity.link, the oldest first */
	uint64_t clients_made;
	struct sp_reports reports;
	/* Buffers whose last reference another thread has dropped. */
	_Atomic(struct sealpool_buffer *) unused_buffers;
	struct sp_holds holds;
	struct sp_upkeep upkeep;
	struct sp_epoch epoch;
	/* A buffer was created; the data is the sealpool_buffer. */
	struct wl_signal new_buffer;
	/* Something depends on what is committed: a buffer that is copied, or feedback.
	 * Commits are followed from the first time on. */
	struct wl_signal commits_needed;
	/* A client has committed a surface; the data is the wl_client. */
	struct wl_signal commit;
};

/**
 * Creates a context, with one reference for the caller. "options" is complete, and
 * "limits" has no zero. Returns NULL after a log message.
 */
struct sp_context *sp_context_create(struct wl_display *display,
	const struct sealpool_options *options,
	const struct sealpool_budget *limits, const struct sp_policy *policy,
	const struct sp_front *front);

/** Call it before the display is destroyed: the context does not use it afterwards. */
void sp_context_detach(struct sp_context *context);

struct sp_context *sp_context_ref(struct sp_context *context);
void sp_context_unref(struct sp_context *context);

/** Adds a format to offer, unless its layout is not known. Returns false when there is no
 * memory. */
bool sp_context_add_format(struct sp_context *context, uint32_t drm);
bool sp_context_has_format(const struct sp_context *context, uint32_t drm);

/** Has the event loop do the upkeep soon: for example, a slow file has not answered in
 * time. Any thread. */
void sp_context_request_upkeep(struct sp_context *context);

void sp_log(struct sp_context *context,
	enum sealpool_log_importance importance, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Returns the pid, for log messages. */
int sp_get_pid(struct wl_client *client);

/** Posts and logs an error of an object, which disconnects its client. */
void sp_post_error(struct sp_context *context, struct wl_resource *resource,
	uint32_t code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** Returns the object whose errors are not about any other: its code for
 * sp_post_error() is WL_DISPLAY_ERROR_IMPLEMENTATION. */
static inline struct wl_resource *sp_get_display(struct wl_client *wl_client) {
	return wl_client_get_object(wl_client, 1);
}

/** Posts and logs that there is no memory, which disconnects the client. */
void sp_post_no_memory(struct sp_context *context, struct wl_client *client);

#endif
