/* SPDX-License-Identifier: MIT */
/*
 * Who has to go when all clients together hold too much.
 *
 * First, what nobody uses is reclaimed (cache.c). A client is ended only for what is
 * in use: file descriptors of pools, mostly.
 */
#include <unistd.h>

#include "client.h"
#include "context.h"
#include "evict.h"

/* Who holds less than this part of what all may hold does not have to go for
 * the others. */
#define SPARED_PART 16

static struct sp_context *get_context(struct sp_account *account) {
	while (account->parent != NULL) {
		account = account->parent;
	}
	struct sp_context *context = wl_container_of(account, context, all);
	return context;
}

static bool reclaim(struct sp_account *account, enum sp_resource resource,
		uint64_t amount) {
	return sp_cache_reclaim(&get_context(account)->memory.cache, account,
		resource, amount);
}

static void note_pressure(struct sp_account *account,
		enum sp_resource resource) {
	if (account->parent == NULL) {
		struct sp_context *context = get_context(account);
		sp_mailbox_post(&context->mailbox, &context->pressure);
	}
}

const struct sp_account_ops sp_evict_account_ops = {
	.reclaim = reclaim,
	.pressure = note_pressure,
};

/* A connection that the compositor made itself, for a program that it started,
 * tells the compositor's process. Those of all processes that are not in the
 * compositor's PID namespace (a compositor in a container) tell 0. */
static bool are_of_one_process(const struct sp_client *a,
		const struct sp_client *b) {
	int pid = sp_client_get_pid(a);
	return a == b || (pid != 0 && pid == sp_client_get_pid(b) &&
		pid != getpid());
}

/* What ending the client would give back. Bytes that are merely being read are not
 * held: what reads them will have done in a moment. */
static uint64_t get_held(const struct sp_client *client,
		enum sp_resource resource) {
	return client->account.used[resource == SP_RESOURCE_SHADOW_BYTES ?
		SP_RESOURCE_PINNED_BYTES : resource];
}

/* Who goes in any case; before anybody else has to. */
static struct sp_client *find_ending_holder(struct sp_context *context,
		enum sp_resource resource) {
	struct sp_client *client;
	wl_list_for_each(client, &context->clients, link) {
		if (client->ending && client->wl_client != NULL &&
				get_held(client, resource) > 0) {
			return client;
		}
	}
	return NULL;
}

/*
 * The client to go: a connection costs nothing, so it is processes that are
 * compared. NULL when nobody holds much.
 */
static struct sp_client *find_largest_holder(struct sp_context *context,
		enum sp_resource resource) {
	struct sp_client *client, *other, *found = NULL;
	uint64_t most = context->all.wanted[resource] / SPARED_PART;
	wl_list_for_each(client, &context->clients, link) {
		uint64_t held = 0;
		bool is_largest = client->wl_client != NULL;
		wl_list_for_each(other, &context->clients, link) {
			if (other->wl_client != NULL &&
					are_of_one_process(client, other)) {
				held += get_held(other, resource);
				is_largest &= get_held(other, resource) <=
					get_held(client, resource);
			}
		}
		if (is_largest && held > most) {
			most = held;
			found = client;
		}
	}
	return found;
}

static enum sp_budget_kind get_kind(enum sp_resource resource) {
	return resource == SP_RESOURCE_FDS ? SP_BUDGET_ALL_FDS :
		SP_BUDGET_ALL_SHADOW_BYTES;
}

static bool is_full(const struct sp_context *context,
		enum sp_resource resource) {
	return context->all.used[resource] >= context->all.wanted[resource];
}

bool sp_evict_for(struct sp_context *context, enum sp_resource resource,
		struct sp_client *asking) {
	if (!is_full(context, resource)) {
		return true;
	}
	reclaim(&context->all, resource, 1);
	if (!is_full(context, resource)) {
		return true;
	}
	struct sp_client *client = find_ending_holder(context, resource);
	if (client == NULL) {
		client = find_largest_holder(context, resource);
		if (client == NULL || client == asking) {
			return false;
		}
		sp_client_post_over(client, get_kind(resource));
	}
	/* libwayland ends a client with an error only when it hears from it
	 * again; this one may well keep silent. */
	wl_client_destroy(client->wl_client);
	return true;
}

static void handle_pressure(struct sp_mail *mail) {
	struct sp_context *context = wl_container_of(mail, context, pressure);
	sp_evict_for(context, SP_RESOURCE_FDS, NULL);
	sp_evict_for(context, SP_RESOURCE_SHADOW_BYTES, NULL);
}

void sp_evict_init(struct sp_context *context) {
	sp_mailbox_add(&context->mailbox, &context->pressure, handle_pressure);
}
