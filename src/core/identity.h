/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_IDENTITY_H
#define SEALPOOL_CORE_IDENTITY_H

#include <stdint.h>
#include <sys/types.h>
#include <wayland-server-core.h>

#include "account.h"
#include "reader.h"

struct sp_client;
struct sp_context;

/**
 * Clients that count as one when all clients together hold too much. Lives as long
 * as one of its clients' records.
 */
struct sp_identity {
	struct wl_list link; /* sp_context.identities */
	/* Since when it has been there, as sp_process.start. */
	uint64_t since;
	struct wl_list clients; /* sp_client.identity_link */
	/* Those without a wl_client, of which something is left. */
	struct wl_list gone; /* sp_client.identity_link */
	struct sp_account account;
	/* For files that may never answer, and how many of its pools have one. */
	struct sp_reader reader;
	uint32_t slow_pools_len;
	/* What is known of its clients: a user's unit of systemd, or NULL where it
	 * is only a process with its descendants, or a single connection. */
	char *unit;
	uid_t uid;
};

/**
 * Finds or makes the identity of a client, whose wl_client and account's ops are set,
 * and makes its account the parent of the client's. Notes the client's process.
 * Returns 0 or -ENOMEM.
 */
int sp_identity_join(struct sp_client *client);
/** The client has gone: it no longer counts for its identity. */
void sp_identity_note_gone(struct sp_client *client);
/** Nothing is charged to the client any more. */
void sp_identity_leave(struct sp_client *client);

/** How much of a resource its clients hold that have not gone. */
uint64_t sp_identity_get_held(const struct sp_identity *identity,
	enum sp_resource resource);

#endif
