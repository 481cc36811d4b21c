/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_BUDGET_H
#define SEALPOOL_CORE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

struct sealpool_shm;

/** The limits, and what all clients together hold. */
struct sp_budget {
	struct sealpool_budget per_client;
	/* For all clients together. */
	uint32_t fds_max;
	_Atomic uint32_t fds;
};

/** Fills in defaults where "wanted" has zero. */
void sp_budget_init(struct sp_budget *budget,
	const struct sealpool_budget *wanted);

/**
 * What a wl_client holds. Lives as long as the wl_client or one of its pools.
 */
struct sp_client {
	struct sealpool_shm *shm;
	/* NULL once the client has gone. */
	struct wl_client *wl_client;
	struct wl_listener wl_client_destroy;
	struct wl_list link; /* sealpool_shm.clients */
	struct wl_list pools; /* sp_pool.link, oldest first */
	unsigned refs;

	uint32_t pools_len;
	_Atomic uint32_t fds;
	_Atomic uint64_t shadow_bytes;

	_Atomic uint64_t bytes_copied_in;
	_Atomic uint64_t bytes_copied_out;
	_Atomic uint64_t faults;
};

/** Finds the record of a client; NULL if it has none. */
struct sp_client *sp_client_find(struct sealpool_shm *shm,
	struct wl_client *wl_client);
/** The same, but makes one if need be; NULL when there is no memory. The
 * record keeps itself alive while the wl_client lives. */
struct sp_client *sp_client_get(struct sealpool_shm *shm,
	struct wl_client *wl_client);
void sp_client_ref(struct sp_client *client);
void sp_client_unref(struct sp_client *client);

/** For log messages; 0 once the client has gone. */
int sp_client_get_pid(const struct sp_client *client);

/**
 * Makes room for one more pool with one more fd. When all clients together
 * hold too many fds, the one that holds most is disconnected. Returns false
 * after "client" was told that it is over its budget.
 */
bool sp_client_admit_pool(struct sp_client *client);
void sp_client_dismiss_pool(struct sp_client *client);

/**
 * Charges, on any thread. Return 0, or -EDQUOT when the client is over its
 * budget; then nothing was charged.
 */
int sp_client_charge_fd(struct sp_client *client);
int sp_client_charge_bytes(struct sp_client *client, uint64_t bytes);
void sp_client_discharge_fd(struct sp_client *client);
void sp_client_discharge_bytes(struct sp_client *client, uint64_t bytes);

/** Tells the client that it is over the budget of bytes, which is fatal. */
void sp_client_post_over_bytes(struct sp_client *client);

#endif
