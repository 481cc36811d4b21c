/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_BUDGET_H
#define SEALPOOL_CORE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

struct sp_context;
struct sp_budget_feedback;
struct sp_kept;

/** What of a budget all clients together hold, and may. */
struct sp_common {
	/* When there is as much, the client that holds most has to go. The
	 * reserve is for those that ask meanwhile. */
	uint64_t max, reserve;
	_Atomic uint64_t held;
};

/** The limits, none of them zero. */
struct sp_budget {
	struct sealpool_budget limits;
	struct sp_common fds, shadow_bytes;
};

/** Which of its budgets a client is over. */
enum sp_budget_kind {
	SP_BUDGET_POOLS,
	SP_BUDGET_BUFFERS,
	SP_BUDGET_FDS,
	SP_BUDGET_ALL_FDS,
	SP_BUDGET_SHADOW_BYTES,
	SP_BUDGET_ALL_SHADOW_BYTES,
};

/** Fills in defaults where "wanted" has zero. */
void sp_budget_init(struct sp_budget *budget,
	const struct sealpool_budget *wanted);

/**
 * What a wl_client holds. Lives as long as the wl_client or one of its pools.
 */
struct sp_client {
	struct sp_context *context;
	/* NULL once the client has gone. */
	struct wl_client *wl_client;
	struct wl_listener wl_client_destroy;
	struct wl_list link; /* sealpool_shm.clients */
	struct wl_list pools; /* sp_pool.link, oldest first */
	/* In which its requests were read last: see sp_client_note_request(). */
	_Atomic uint64_t epoch;
	/* Never again another's, unlike a process's. */
	uint64_t id;
	unsigned refs;

	/* sp_client_end_later() was called. */
	bool ending;

	uint32_t pools_len;
	uint32_t buffers_len;
	_Atomic uint64_t fds;
	_Atomic uint64_t shadow_bytes;
	/* A shadow for the next pool, charged, or NULL. */
	struct sp_kept *_Atomic kept;
	/* What the last charge was refused for. */
	_Atomic enum sp_budget_kind over;

	_Atomic uint64_t bytes_copied_in;
	_Atomic uint64_t bytes_copied_out;
	_Atomic uint64_t faults;

	/* What the client is told of, while that may change. */
	struct wl_list feedbacks;
	/* NULL for none. */
	struct sp_budget_feedback *budget_feedback;
	/* Those that cannot change any more included. */
	uint32_t feedbacks_len;
};

/** Makes the list of clients. */
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
 * together hold too many fds, one is disconnected. Return false after "client"
 * was told that it is over its budget, or if it is to go for something else.
 */
bool sp_client_admit_pool(struct sp_client *client);
void sp_client_dismiss_pool(struct sp_client *client);
bool sp_client_admit_buffer(struct sp_client *client);
void sp_client_dismiss_buffer(struct sp_client *client);

/**
 * Charges, on any thread. Return 0, or -EDQUOT when nothing was charged, since
 * the client or all clients together would be over their budget. When the
 * latter is near, the event loop is told to make room.
 */
int sp_client_charge_fd(struct sp_client *client);
int sp_client_charge_bytes(struct sp_client *client, uint64_t bytes);
void sp_client_discharge_fd(struct sp_client *client);
void sp_client_discharge_bytes(struct sp_client *client, uint64_t bytes);

/** Tells the client that it is over its budget, which is fatal. */
void sp_client_post_over(struct sp_client *client);

/**
 * Has the event loop disconnect a client that was told an error: libwayland does
 * so in a request, and else not before it hears from that client again, which may
 * well keep silent. In the event loop's thread.
 */
void sp_client_end_later(struct sp_client *client);

/** Has sp_budget_make_room() called when charges find that there is need. */
void sp_budget_listen(struct sp_context *context);

/** Disconnects a client if all together hold too much. */
void sp_budget_make_room(struct sp_context *context);

#endif
