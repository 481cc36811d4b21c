/* SPDX-License-Identifier: MIT */
/*
 * Chooses the clients to disconnect when all clients together reach a limit.
 *
 * First, unused memory is reclaimed (cache.c). Clients are disconnected only for what is
 * in use: mostly file descriptors of pools.
 *
 * The rule compares identities, not clients (identity.c). Each has a guaranteed share.
 * All shares together are at most half of the limit, so at the limit there is always an
 * identity above its share. An identity that holds much is not always at fault: a hundred
 * processes with seven descriptors each fill a compositor, and a browser with sixty does
 * not. So the rule thins out the crowd:
 *
 *   1. Order the identities above their share by what they hold above it (the excess),
 *      and put them into classes: 1, 2 to 3, 4 to 7, and so on. The identity in the
 *      middle of the sum shows the classes of the crowd: its own and the next on either
 *      side.
 *   2. A crowd comes at one time. Order the identities of these classes by age, and take
 *      the run of successive ones that together hold most. Of the run, take the identity
 *      in the middle by age: honest clients with a similar excess are more likely older
 *      or younger than the crowd.
 *   3. Disconnect that identity's client that holds most.
 *
 *        age       old ................................. young
 *        excess    8  57  0 0 0  3 3 2 3 3 2 3 ... 3 3 2  0 0
 *                  |   |         [ 40 identities: 110  ]
 *           recorder   browser                ^
 *
 *      With ten such identities instead of forty, the browser would be chosen.
 *
 * The rule counts what is held, not when it was taken or whether it is used. So filling
 * the limit and then keeping still helps no attacker. docs/security.md shows the results
 * for simulated crowds.
 */
#include <stdlib.h>

#include "evict.h"
#include "server/client.h"
#include "server/context.h"

/* 16 pools: behind the guard, a pool has up to three descriptors. */
#define SHARE_FDS (16 * 3)
#define SHARE_BYTES ((uint64_t)64 << 20)
/* All shares together are at most the limit divided by this. */
#define SHARES_PART 2

#define CLASSES 64
/* A run may contain this many other identities in a row. */
#define OTHERS_IN_RUN 1

static struct sp_context *get_context(struct sp_account *account) {
	struct sp_account *all =
		account->parent != NULL ? account->parent : account;
	struct sp_context *context = wl_container_of(all, context, all);
	return context;
}

static bool reclaim(struct sp_account *account, enum sp_resource resource,
		uint64_t amount) {
	return sp_cache_reclaim(&get_context(account)->memory.cache, account,
		resource, amount);
}

/* The event loop disconnects clients when all together exceed a limit, and nothing more can
 * be reclaimed. */
static void handle_pressure(struct sp_mailbox *mailbox) {
	struct sp_context *context = wl_container_of(mailbox, context, mailbox);
	sp_evict_for(context, SP_RESOURCE_FDS, 0, NULL);
	sp_evict_for(context, SP_RESOURCE_SHADOW_BYTES, 0, NULL);
}

static void note_pressure(struct sp_account *account,
		enum sp_resource resource) {
	if (account->parent == NULL) {
		struct sp_context *context = get_context(account);
		sp_mailbox_post(&context->mailbox, SP_MAIL_PRESSURE,
			handle_pressure);
	}
}

const struct sp_account_ops sp_evict_account_ops = {
	.reclaim = reclaim,
	.pressure = note_pressure,
};

/* Returns the resource that disconnecting a client would free. Bytes that are only being
 * read do not count: the reader will be done in a moment. */
static enum sp_resource get_held_resource(enum sp_resource resource) {
	return resource == SP_RESOURCE_SHADOW_BYTES ?
		SP_RESOURCE_PINNED_BYTES : resource;
}

/* Other threads charge and discharge at the same time, so no sum is exact. */
static uint64_t subtract(uint64_t a, uint64_t b) {
	return a > b ? a - b : 0;
}

uint64_t sp_evict_get_share(const struct sp_context *context,
		enum sp_resource resource) {
	enum sp_resource held = get_held_resource(resource);
	uint64_t most = resource == SP_RESOURCE_FDS ? SHARE_FDS : SHARE_BYTES;
	uint64_t holders = 0, sum = 0;
	const struct sp_identity *identity;
	wl_list_for_each(identity, &context->identities, link) {
		uint64_t amount = sp_identity_get_held(identity, held);
		holders += amount > 0;
		sum += amount;
	}
	if (holders == 0) {
		return most;
	}
	/* What disconnected clients have left cannot be shared. */
	uint64_t gone = subtract(context->all.used[held], sum);
	uint64_t part = subtract(context->all.wanted[resource], gone) /
		(SHARES_PART * holders);
	return part < most ? part : most;
}

static uint64_t get_excess(const struct sp_identity *identity,
		enum sp_resource held, uint64_t share) {
	return subtract(sp_identity_get_held(identity, held), share);
}

static int get_class(uint64_t excess) {
	return 63 - __builtin_clzll(excess);
}

/* Returns the class of the identity in the middle of the sum; -1 if none is above the
 * share. */
static int find_middle_class(const struct sp_context *context,
		enum sp_resource held, uint64_t share) {
	uint64_t sums[CLASSES] = { 0 }, all = 0, smaller = 0;
	const struct sp_identity *identity;
	wl_list_for_each(identity, &context->identities, link) {
		uint64_t excess = get_excess(identity, held, share);
		if (excess > 0) {
			sums[get_class(excess)] += excess;
			all += excess;
		}
	}
	for (int i = 0; i < CLASSES && all > 0; i++) {
		smaller += sums[i];
		if (smaller > all / 2) {
			return i;
		}
	}
	return -1;
}

/* Returns an identity's excess if it is in the class or next to it; else 0. */
static uint64_t get_excess_like(const struct sp_identity *identity,
		enum sp_resource held, uint64_t share, int class) {
	uint64_t excess = get_excess(identity, held, share);
	return excess > 0 && abs(get_class(excess) - class) <= 1 ? excess : 0;
}

/* Successive identities that are alike. */
struct run {
	struct sp_identity *first;
	uint64_t sum;
};

static struct run find_heaviest_run(struct sp_context *context,
		enum sp_resource held, uint64_t share, int class) {
	struct run run = { 0 }, heaviest = { 0 };
	int others = 0;
	struct sp_identity *identity;
	wl_list_for_each(identity, &context->identities, link) {
		uint64_t excess = get_excess_like(identity, held, share, class);
		if (excess > 0) {
			others = 0;
			run.first = run.sum > 0 ? run.first : identity;
			run.sum += excess;
			heaviest = run.sum > heaviest.sum ? run : heaviest;
		} else if (sp_identity_get_held(identity, held) > 0 &&
				++others > OTHERS_IN_RUN) {
			run.sum = 0;
		}
	}
	return heaviest;
}

/* Returns NULL if no identity holds more than the share. */
static struct sp_identity *choose_identity(struct sp_context *context,
		enum sp_resource resource) {
	enum sp_resource held = get_held_resource(resource);
	uint64_t share = sp_evict_get_share(context, resource), older = 0;
	int class = find_middle_class(context, held, share);
	if (class < 0) {
		return NULL;
	}
	struct run run = find_heaviest_run(context, held, share, class);
	struct sp_identity *identity = run.first, *found = NULL;
	while (identity != NULL && &identity->link != &context->identities &&
			older < run.sum - run.sum / 2) {
		uint64_t excess = get_excess_like(identity, held, share, class);
		found = excess > 0 ? identity : found;
		older += excess;
		identity = wl_container_of(identity->link.next, identity, link);
	}
	return found;
}

static struct sp_client *choose_client(struct sp_context *context,
		enum sp_resource resource) {
	enum sp_resource held = get_held_resource(resource);
	const struct sp_identity *identity = choose_identity(context, resource);
	struct sp_client *client, *found = NULL;
	struct sp_member *member;
	if (identity == NULL) {
		return NULL;
	}
	wl_list_for_each(member, &identity->members, link) {
		client = wl_container_of(member, client, member);
		uint64_t used = client->account.used[held];
		if (!member->gone && used > 0 && (found == NULL ||
				used > found->account.used[held])) {
			found = client;
		}
	}
	return found;
}

/* Finds a client that is disconnecting anyway: its resources are freed first. */
static struct sp_client *find_disconnecting_holder(struct sp_context *context,
		enum sp_resource resource) {
	struct sp_client *client;
	wl_list_for_each(client, &context->clients, link) {
		if (client->disconnecting && client->wl_client != NULL &&
				client->account.used[
				get_held_resource(resource)] > 0) {
			return client;
		}
	}
	return NULL;
}

/* Disconnects a client now: after an error, libwayland would wait for its next request,
 * which may never come. Returns how much of the resource is still in use, in buffers that
 * the compositor holds. */
static uint64_t end(struct sp_client *client, enum sp_resource resource) {
	const struct sp_account *all = &client->context->all;
	uint64_t held = client->account.used[get_held_resource(resource)];
	uint64_t before = all->used[resource];
	wl_client_destroy(client->wl_client);
	return subtract(held, subtract(before, all->used[resource]));
}

static bool is_short(const struct sp_context *context,
		enum sp_resource resource, uint64_t amount, uint64_t coming) {
	uint64_t used = subtract(context->all.used[resource], coming);
	uint64_t wanted = context->all.wanted[resource];
	return used > wanted || amount > wanted - used;
}

bool sp_evict_for(struct sp_context *context, enum sp_resource resource,
		uint64_t amount, struct sp_client *asking) {
	uint64_t coming = 0;
	if (amount > context->all.wanted[resource]) {
		return false;
	}
	while (is_short(context, resource, amount, coming)) {
		if (reclaim(&context->all, resource, 1)) {
			continue;
		}
		struct sp_client *client =
			find_disconnecting_holder(context, resource);
		if (client == NULL) {
			client = choose_client(context, resource);
			if (client == NULL || client == asking) {
				return false;
			}
			sp_client_post_exceeded(client, resource, false);
		}
		coming += end(client, resource);
	}
	return true;
}
