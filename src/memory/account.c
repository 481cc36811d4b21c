/* SPDX-License-Identifier: MIT */
/*
 * Charges against limits.
 *
 * A charge is refused only if reclaiming unused memory does not help. An account calls
 * its ops to reclaim, and to report pressure; it knows neither clients nor what is charged
 * to them.
 *
 *   all clients      limit: the limit of all clients and a reserve; wanted: without it
 *     client         limit: the client's
 */
#include <errno.h>
#include <stddef.h>

#include "account.h"

void sp_account_init(struct sp_account *account, struct sp_account *parent,
		const struct sp_account_ops *ops) {
	account->parent = parent;
	account->ops = ops;
	atomic_init(&account->discharges, 0);
	account->lock = (struct sp_lock)SP_LOCK_INITIALIZER;
	atomic_init(&account->refused_by, NULL);
	atomic_init(&account->refused_resource, SP_RESOURCE_FDS);
	atomic_init(&account->refused_amount, 0);
	sp_list_init(&account->cached);
	for (int i = 0; i < SP_RESOURCES; i++) {
		atomic_init(&account->used[i], 0);
		account->limits[i] = account->wanted[i] = UINT64_MAX;
	}
}

void sp_account_set_limit(struct sp_account *account,
		enum sp_resource resource, uint64_t wanted, uint64_t reserve) {
	account->wanted[resource] = wanted;
	account->limits[resource] = wanted <= UINT64_MAX - reserve ?
		wanted + reserve : UINT64_MAX;
}

static bool fits(const struct sp_account *account, enum sp_resource resource,
		uint64_t amount) {
	uint64_t used = account->used[resource];
	uint64_t limit = account->limits[resource];
	return used <= limit && amount <= limit - used;
}

static struct sp_account *get_root(struct sp_account *account) {
	return account->parent != NULL ? get_root(account->parent) : account;
}

/* Returns the account whose limit refuses the charge, or NULL. A refused charge is not
 * even added for a moment, which could make another thread's charge fail. */
static struct sp_account *try_charge(struct sp_account *account,
		enum sp_resource resource, uint64_t amount) {
	struct sp_account *root = get_root(account), *full = NULL;
	sp_lock_acquire(&root->lock);
	for (struct sp_account *a = account; a != NULL && full == NULL;
			a = a->parent) {
		full = fits(a, resource, amount) ? NULL : a;
	}
	for (struct sp_account *a = account; a != NULL && full == NULL;
			a = a->parent) {
		a->used[resource] += amount;
	}
	sp_lock_release(&root->lock);
	return full;
}

bool sp_account_try_charge(struct sp_account *account,
		enum sp_resource resource, uint64_t amount) {
	return try_charge(account, resource, amount) == NULL;
}

static uint64_t get_excess(const struct sp_account *account,
		enum sp_resource resource) {
	uint64_t used = account->used[resource];
	uint64_t wanted = account->wanted[resource];
	return used > wanted ? used - wanted : 0;
}

/* Reclaims everything above "wanted" that can be reclaimed. */
static void relieve(struct sp_account *account, enum sp_resource resource) {
	uint64_t excess;
	while ((excess = get_excess(account, resource)) > 0) {
		if (!account->ops->reclaim(account, resource, excess)) {
			account->ops->pressure(account, resource);
			return;
		}
	}
}

int sp_account_charge(struct sp_account *account, enum sp_resource resource,
		uint64_t amount) {
	const struct sp_account *root = get_root(account);
	struct sp_account *full;
	for (;;) {
		uint64_t discharges = root->discharges;
		full = try_charge(account, resource, amount);
		if (full == NULL) {
			break;
		}
		/* Another thread may have reclaimed enough. */
		if (!full->ops->reclaim(full, resource, amount) &&
				root->discharges == discharges) {
			account->refused_resource = resource;
			account->refused_amount = amount;
			account->refused_by = full;
			full->ops->pressure(full, resource);
			return -EDQUOT;
		}
	}
	for (struct sp_account *a = account; a != NULL; a = a->parent) {
		relieve(a, resource);
	}
	return 0;
}

void sp_account_discharge(struct sp_account *account,
		enum sp_resource resource, uint64_t amount) {
	struct sp_account *root = account;
	for (struct sp_account *a = account; a != NULL; a = a->parent) {
		a->used[resource] -= amount;
		root = a;
	}
	root->discharges++;
}
