/* SPDX-License-Identifier: MIT */
/*
 * The record of a wl_client: what it holds, its errors and its end.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <wayland-server-protocol.h>

#include "client.h"
#include "context.h"
#include "memory/limits.h"

static void client_handle_wl_client_destroy(struct wl_listener *listener,
		void *data) {
	struct sp_client *client =
		wl_container_of(listener, client, wl_client_destroy);
	wl_list_remove(&client->wl_client_destroy.link);
	client->wl_client = NULL;
	client->member.gone = true;
	client->context->front->client_gone(client);
	sp_spare_close(&client->context->memory.cache, &client->spare);
	sp_client_unref(client);
}

struct sp_client *sp_client_find(struct sp_context *context,
		struct wl_client *wl_client) {
	/* The one list walk that does not grow with the number of clients. A
	 * wl_client may have a record with several displays' globals only in
	 * theory, but then the listeners are told apart by their context. */
	struct wl_listener *listener = wl_client_get_destroy_listener(wl_client,
		client_handle_wl_client_destroy);
	if (listener == NULL) {
		return NULL;
	}
	struct sp_client *client =
		wl_container_of(listener, client, wl_client_destroy);
	if (client->context == context) {
		return client;
	}
	wl_list_for_each(client, &context->clients, link) {
		if (client->wl_client == wl_client) {
			return client;
		}
	}
	return NULL;
}

struct sp_client *sp_client_get(struct sp_context *context,
		struct wl_client *wl_client) {
	struct sp_client *client = sp_client_find(context, wl_client);
	if (client != NULL) {
		return client;
	}
	client = calloc(1, sizeof(*client));
	if (client == NULL) {
		return NULL;
	}
	client->context = context;
	client->wl_client = wl_client;
	sp_account_init(&client->account, &context->all,
		context->policy->account_ops);
	sp_limits_set_client(&client->account, context->limits.fds,
		context->limits.shadow_bytes);
	if (sp_identity_join(context, wl_client, &client->account,
			&client->member) < 0) {
		free(client);
		return NULL;
	}
	sp_context_ref(context);
	client->id = ++context->clients_made;
	client->wl_client_destroy.notify = client_handle_wl_client_destroy;
	wl_client_add_destroy_listener(wl_client, &client->wl_client_destroy);
	wl_list_insert(&context->clients, &client->link);
	wl_list_init(&client->pools);
	wl_list_init(&client->feedback);
	client->refs = 1;
	return client;
}

void sp_client_ref(struct sp_client *client) {
	client->refs++;
}

void sp_client_unref(struct sp_client *client) {
	assert(client->refs > 0);
	if (--client->refs > 0) {
		return;
	}
	assert(wl_list_empty(&client->pools));
	sp_spare_close(&client->context->memory.cache, &client->spare);
	sp_cache_settle(&client->context->memory.cache);
	wl_list_remove(&client->link);
	sp_identity_leave(&client->member);
	sp_context_unref(client->context);
	free(client);
}

void sp_client_note_request(struct sp_client *client) {
	client->epoch = sp_epoch_enter(&client->context->epoch);
}

uint64_t sp_client_get_epoch(const struct sp_client *client) {
	uint64_t epoch = client->epoch;
	return sp_epoch_is_current(&client->context->epoch, epoch) ? epoch : 0;
}

int sp_client_get_pid(const struct sp_client *client) {
	return client->wl_client != NULL ? sp_get_pid(client->wl_client) : 0;
}

/* Errors */

static void post_over(struct sp_client *client, uint64_t limit,
		const char *what) {
	sp_post_error(client->context, sp_get_display(client->wl_client),
		WL_DISPLAY_ERROR_IMPLEMENTATION, "wl_shm: over the budget of "
		"%" PRIu64 " %s", limit, what);
}

void sp_client_post_exceeded(struct sp_client *client,
		enum sp_resource resource, bool own) {
	const struct sealpool_budget *limits = &client->context->limits;
	if (resource == SP_RESOURCE_FDS) {
		post_over(client, own ? limits->fds : limits->all_fds,
			own ? "fds" : "fds for all clients");
	} else {
		post_over(client, own ? limits->shadow_bytes :
			limits->all_shadow_bytes, own ? "bytes of shadows" :
			"bytes of shadows for all clients");
	}
}

bool sp_client_exceeds_limit(const struct sp_client *client) {
	return client->account.refused_by == &client->account;
}

bool sp_client_make_room(struct sp_client *client) {
	const struct sp_account *account = &client->account;
	return client->wl_client != NULL && !client->disconnecting &&
		!sp_client_exceeds_limit(client) &&
		client->context->policy->make_room(client->context,
			account->refused_resource, account->refused_amount, client);
}

void sp_client_post_refused(struct sp_client *client) {
	sp_client_post_exceeded(client, client->account.refused_resource,
		sp_client_exceeds_limit(client));
}

/* Destroying a client may destroy others, so restart the walk. */
static void handle_disconnect(struct sp_mailbox *mailbox) {
	struct sp_context *context = wl_container_of(mailbox, context, mailbox);
	struct sp_client *client;
	bool found;
	do {
		found = false;
		wl_list_for_each(client, &context->clients, link) {
			if (client->disconnecting && client->wl_client != NULL) {
				found = true;
				wl_client_destroy(client->wl_client);
				break;
			}
		}
	} while (found);
}

void sp_client_disconnect_later(struct sp_client *client) {
	client->disconnecting = true;
	sp_mailbox_post(&client->context->mailbox, SP_MAIL_DISCONNECT,
		handle_disconnect);
}

/* Pools and buffers */

bool sp_client_admit_pool(struct sp_client *client) {
	struct sp_context *context = client->context;
	if (client->disconnecting) {
		return false;
	}
	if (client->pools_len >= context->limits.pools) {
		post_over(client, context->limits.pools, "pools");
		return false;
	}
	if (!context->policy->make_room(context, SP_RESOURCE_FDS, 1, client)) {
		sp_client_post_exceeded(client, SP_RESOURCE_FDS, false);
		return false;
	}
	/* The compositor may still hold buffers of the clients that were
	 * disconnected. */
	while (sp_account_charge(&client->account, SP_RESOURCE_FDS, 1) < 0) {
		if (!sp_client_make_room(client)) {
			sp_client_post_refused(client);
			return false;
		}
	}
	client->pools_len++;
	return true;
}

void sp_client_dismiss_pool(struct sp_client *client, bool has_fd) {
	client->pools_len--;
	if (has_fd) {
		sp_account_discharge(&client->account, SP_RESOURCE_FDS, 1);
	}
}

bool sp_client_admit_buffer(struct sp_client *client) {
	uint32_t limit = client->context->limits.buffers;
	if (client->buffers_len >= limit) {
		post_over(client, limit, "buffers");
		return false;
	}
	client->buffers_len++;
	return true;
}

void sp_client_dismiss_buffer(struct sp_client *client) {
	client->buffers_len--;
}
