/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_CLIENT_H
#define SEALPOOL_SERVER_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "identity.h"
#include "memory/account.h"
#include "memory/memory.h"
#include "memory/store.h"

struct budget_feedback;
struct sp_context;

/**
 * The record of a wl_client. It lives as long as the wl_client or one of its pools.
 */
struct sp_client {
	struct sp_context *context;
	/* NULL once the client is disconnected. */
	struct wl_client *wl_client;
	struct wl_listener wl_client_destroy;
	struct wl_list link; /* sp_context.clients */
	struct wl_list pools; /* sp_pool.link, oldest first */
	/* The epoch of its last request: see sp_client_note_request(). */
	_Atomic uint64_t epoch;
	/* Behind a guard, what was allocated for its shadows and copied to them in an
	 * epoch, in bytes. */
	uint64_t work, work_epoch;
	/* Unlike a pid, never reused. */
	uint64_t id;
	unsigned refs;

	struct sp_member member;

	/* feedback.c: the objects of pools and buffers, that of the limits or NULL, and the
	 * number of all, including inert ones. */
	struct wl_list feedback; /* feedback.link */
	struct budget_feedback *budget_feedback;
	uint32_t feedback_objects;

	/* sp_client_disconnect_later() was called. */
	bool disconnecting;

	uint32_t pools_len;
	uint32_t buffers_len;
	struct sp_account account;
	struct sp_spare_slot spare;
	struct sp_counters counters;
};

/** Returns the record of a client, or NULL. */
struct sp_client *sp_client_find(struct sp_context *context,
	struct wl_client *wl_client);
/** Returns the record of a client, and creates it if needed; NULL when there is no
 * memory. The record lives at least as long as the wl_client. */
struct sp_client *sp_client_get(struct sp_context *context,
	struct wl_client *wl_client);
void sp_client_ref(struct sp_client *client);
void sp_client_unref(struct sp_client *client);

/** Notes that a request of the client is handled, which was read in this epoch. On the
 * display's thread. */
void sp_client_note_request(struct sp_client *client);
/**
 * Returns the number of this epoch if requests of the client were read in it: the client
 * has done by now everything that it did before it sent any of them. Otherwise returns
 * 0. Any thread.
 */
uint64_t sp_client_get_epoch(const struct sp_client *client);

/** Returns the pid, for log messages; 0 once the client is disconnected. */
int sp_client_get_pid(const struct sp_client *client);

/**
 * Counts a new pool and its fd, or a new buffer. If all clients together hold too many
 * fds, other clients are disconnected. Returns false after an error for the client, or
 * if the client is disconnecting.
 */
bool sp_client_admit_pool(struct sp_client *client);
/** "has_fd": the pool's fd is still charged. */
void sp_client_dismiss_pool(struct sp_client *client, bool has_fd);
bool sp_client_admit_buffer(struct sp_client *client);
void sp_client_dismiss_buffer(struct sp_client *client);

/** Returns whether the limit that refused the client's last charge is its own. Any
 * thread. */
bool sp_client_exceeds_limit(const struct sp_client *client);
/** Makes room for the charge that was just refused by disconnecting other clients, if
 * the limit of all clients refused it and the rule does not choose this client. Returns
 * whether to try again. On the event loop's thread, outside of any access. */
bool sp_client_make_room(struct sp_client *client);
/** Posts a fatal error to a connected client: it exceeds its own limit of descriptors or
 * bytes of shadows, or that of all clients. */
void sp_client_post_exceeded(struct sp_client *client,
	enum sp_resource resource, bool own);
/** The same, for the limit that refused its last charge. */
void sp_client_post_refused(struct sp_client *client);

/**
 * Schedules the client's disconnection. libwayland disconnects after an error only
 * while it dispatches that client; an error posted elsewhere would wait for its next
 * request. On the event loop's thread.
 */
void sp_client_disconnect_later(struct sp_client *client);

#endif
