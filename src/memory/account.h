/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_ACCOUNT_H
#define SEALPOOL_MEMORY_ACCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "lock.h"

struct sp_account;

/** What is charged to an account. */
enum sp_resource {
	/* File descriptors. */
	SP_RESOURCE_FDS,
	/* Bytes of memory of copies and shadows. */
	SP_RESOURCE_SHADOW_BYTES,
	/* Those of them that the guarded wl_shm has mapped: most cannot be reclaimed
	 * even if they are not read. */
	SP_RESOURCE_PINNED_BYTES,
	/* Bytes of clients' memory that is read in place. */
	SP_RESOURCE_IN_PLACE_BYTES,
	/* Bytes of all buffers. There is no limit. */
	SP_RESOURCE_BUFFER_BYTES,
};

#define SP_RESOURCES 5

struct sp_account_ops {
	/* A charge of "amount" does not fit. Frees memory that is charged to the
	 * account, or to those below it, and is not in use. Returns whether
	 * anything was freed. Any thread. */
	bool (*reclaim)(struct sp_account *account, enum sp_resource resource,
		uint64_t amount);
	/* More than "wanted" is used and nothing more can be reclaimed. Any
	 * thread. */
	void (*pressure)(struct sp_account *account,
		enum sp_resource resource);
};

/**
 * What a client, or all clients together hold. A charge counts for the account and its
 * parent.
 */
struct sp_account {
	struct sp_account *parent; /* NULL for none */
	const struct sp_account_ops *ops;
	/* The topmost account's: held while charging, not while discharging. */
	struct sp_lock lock;
	/* The topmost account's: the number of discharges. */
	_Atomic uint64_t discharges;
	_Atomic uint64_t used[SP_RESOURCES];
	/* A charge above this is refused. UINT64_MAX for no limit. */
	uint64_t limits[SP_RESOURCES];
	/* Above this, unused memory is reclaimed, and then there is pressure. At
	 * most the limit. */
	uint64_t wanted[SP_RESOURCES];
	/* The last refused charge, and the account whose limit refused it: this one or
	 * one above. */
	_Atomic(struct sp_account *) refused_by;
	_Atomic enum sp_resource refused_resource;
	_Atomic uint64_t refused_amount;
	/* sp_cached.account_link, the least recently used first; under the
	 * cache's lock. */
	struct sp_list cached;
};

/** Initializes an account without limits. */
void sp_account_init(struct sp_account *account, struct sp_account *parent,
	const struct sp_account_ops *ops);

/** Sets "wanted", and the limit to "wanted" plus a reserve. */
void sp_account_set_limit(struct sp_account *account,
	enum sp_resource resource, uint64_t wanted, uint64_t reserve);

/**
 * Charges an account and those above it. Returns 0, or -EDQUOT if the charge does not
 * fit even after unused memory was reclaimed: "refused_by" is the account whose limit
 * refused it. Nothing is charged then. Any thread.
 */
int sp_account_charge(struct sp_account *account, enum sp_resource resource,
	uint64_t amount);

/** Charges as sp_account_charge() does, but neither reclaims nor reports pressure, so
 * that the caller may hold locks. Returns whether the charge fits. Any thread. */
bool sp_account_try_charge(struct sp_account *account,
	enum sp_resource resource, uint64_t amount);

/** Removes a charge, or a part of one. Any thread. */
void sp_account_discharge(struct sp_account *account,
	enum sp_resource resource, uint64_t amount);

#endif
