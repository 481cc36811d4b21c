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
	/* Bytes of memory that the compositor provides. */
	SP_RESOURCE_SHADOW_BYTES,
	/* Those of them that another wl_shm has mapped: most cannot be reclaimed when
	 * nobody reads them. */
	SP_RESOURCE_PINNED_BYTES,
	/* Bytes of memory that are read where the client has them. */
	SP_RESOURCE_IN_PLACE_BYTES,
	/* Of all buffers. There is no limit. */
	SP_RESOURCE_BUFFER_BYTES,
};

#define SP_RESOURCES 5

struct sp_account_ops {
	/* A charge of "amount" does not fit. Gives back what is charged to the
	 * account, or to those below it, and is used by nobody. Returns whether
	 * anything was given back. Any thread. */
	bool (*reclaim)(struct sp_account *account, enum sp_resource resource,
		uint64_t amount);
	/* More is used than "wanted" and nothing more can be reclaimed. Any
	 * thread. */
	void (*pressure)(struct sp_account *account,
		enum sp_resource resource);
};

/**
 * What somebody holds: a client, an identity that several clients have, all of them
 * together. A charge counts for the account, its parent and so on.
 */
struct sp_account {
	struct sp_account *parent; /* NULL for none */
	const struct sp_account_ops *ops;
	/* Of the topmost account: over all charges, but not what takes them
	 * back. */
	struct sp_lock lock;
	/* Of the topmost account: how often a charge was taken back. */
	_Atomic uint64_t discharges;
	_Atomic uint64_t used[SP_RESOURCES];
	/* More is refused. UINT64_MAX for no limit. */
	uint64_t limits[SP_RESOURCES];
	/* Beyond this, what is unused is reclaimed, and then there is pressure. At
	 * most the limit. */
	uint64_t wanted[SP_RESOURCES];
	/* What the last charge was refused for: the account whose limit was in the
	 * way, this one or one above, and the charge. */
	_Atomic(struct sp_account *) full;
	_Atomic enum sp_resource full_resource;
	_Atomic uint64_t full_amount;
	/* sp_cached.account_link, the least recently used first; under the
	 * cache's lock. */
	struct sp_list cached;
};

/** Without any limit. */
void sp_account_init(struct sp_account *account, struct sp_account *parent,
	const struct sp_account_ops *ops);

/** Sets what is wanted, and the limit to that and a reserve. */
void sp_account_set_limit(struct sp_account *account,
	enum sp_resource resource, uint64_t wanted, uint64_t reserve);

/**
 * Charges an account and those above it. Returns 0, or -EDQUOT where it does not
 * fit after what is unused was given back: "full" says whose limit is in the way.
 * Nothing is charged then. Any thread.
 */
int sp_account_charge(struct sp_account *account, enum sp_resource resource,
	uint64_t amount);

/** The same, but returns false where it does not fit as it is. Nothing is given back,
 * and nobody is told, so that locks may be held. Any thread. */
bool sp_account_try_charge(struct sp_account *account,
	enum sp_resource resource, uint64_t amount);

/** Takes a charge, or a part of one, back. Any thread. */
void sp_account_discharge(struct sp_account *account,
	enum sp_resource resource, uint64_t amount);

/** How much more is used than is wanted. */
uint64_t sp_account_get_excess(const struct sp_account *account,
	enum sp_resource resource);

#endif
