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
#include "memory/spare.h"

struct sp_context;

/** Which of its budgets a client is over. */
enum sp_budget_kind {
	SP_BUDGET_POOLS,
	SP_BUDGET_BUFFERS,
	SP_BUDGET_FDS,
	SP_BUDGET_ALL_FDS,
	SP_BUDGET_SHADOW_BYTES,
	SP_BUDGET_ALL_SHADOW_BYTES,
};

/**
 * What a wl_client holds. Lives as long as the wl_client or one of its pools.
 */
struct sp_client {
	struct sp_context *context;
	/* NULL once the client has gone. */
	struct wl_client *wl_client;
	struct wl_listener wl_client_destroy;
	struct wl_list link; /* sp_context.clients */
	struct wl_list pools; /* sp_pool.link, oldest first */
	/* In which its requests were read last: see sp_client_note_request(). */
	_Atomic uint64_t epoch;
	/* Never again another's, unlike a process's. */
	uint64_t id;
	unsigned refs;

	struct sp_member member;

	/* sp_client_disconnect_later() was called. */
	bool disconnecting;

	uint32_t pools_len;
	uint32_t buffers_len;
	struct sp_account account;
	struct sp_spare_slot spare;
	struct sp_counters counters;
};

/** Before there is any client. */
void sp_clients_init(struct sp_context *context);

/** Finds the record of a client; NULL if it has none. */
struct sp_client *sp_client_find(struct sp_context *context,
	struct wl_client *wl_client);
/** The same, but makes one if need be; NULL when there is no memory. The
 * record keeps itself alive while the wl_client lives. */
struct sp_client *sp_client_get(struct sp_context *context,
	struct wl_client *wl_client);
void sp_client_ref(struct sp_client *client);
void sp_client_unref(struct sp_client *client);

/** A request of the client is looked at, which has been read in this epoch. On the
 * display's thread. */
void sp_client_note_request(struct sp_client *client);
/**
 * The number of this epoch, if requests of the client were read in it: all that
 * the client did before it sent any of them, it has done by now. Otherwise 0. Any
 * thread.
 */
uint64_t sp_client_get_epoch(const struct sp_client *client);

/** For log messages; 0 once the client has gone. */
int sp_client_get_pid(const struct sp_client *client);

/**
 * Counts one more pool with one more fd, or one more buffer. When all clients
 * together hold too many fds, others are disconnected. Return false after "client"
 * was told that it is over its budget, or if it is to go for something else.
 */
bool sp_client_admit_pool(struct sp_client *client);
/** With "has_fd", the pool had its fd still. */
void sp_client_dismiss_pool(struct sp_client *client, bool has_fd);
bool sp_client_admit_buffer(struct sp_client *client);
void sp_client_dismiss_buffer(struct sp_client *client);

/** Whether the limit that refused the client's last charge is its own. Any
 * thread. */
bool sp_client_exceeds_limit(const struct sp_client *client);
/** A charge of the client has just been refused. Makes room for it by ending others, if
 * it is the limit of all that is in the way and not for the client to go. Returns
 * whether to try again. On the event loop's thread, outside of any access. */
bool sp_client_make_room(struct sp_client *client);
/** Tells the client that it is over a budget, which is fatal. */
void sp_client_post_exceeded(struct sp_client *client, enum sp_budget_kind kind);
/** The same, for the limit that refused its last charge. */
void sp_client_post_refused(struct sp_client *client);

/**
 * Schedules the client's disconnection. libwayland disconnects after an error only
 * while it dispatches that client; an error posted elsewhere would wait for its next
 * request. On the event loop's thread.
 */
void sp_client_disconnect_later(struct sp_client *client);

#endif
