/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_IDENTITY_H
#define SEALPOOL_SERVER_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <wayland-server-core.h>

#include "memory/account.h"
#include "memory/reader.h"
#include "process.h"

struct sp_context;

/** A client of an identity. */
struct sp_member {
	struct sp_identity *identity;
	struct wl_list link; /* sp_identity.members */
	/* Zero for a connection that the compositor created. */
	struct sp_process process;
	/* The client's. */
	const struct sp_account *account;
	/* The client is disconnected, but its record still exists. */
	bool gone;
};

/**
 * Clients that count as one when a limit of all clients is reached. Lives as long
 * as one of its clients' records.
 */
struct sp_identity {
	struct wl_list link; /* sp_context.identities */
	/* When it started, as sp_process.start. */
	uint64_t since;
	struct wl_list members; /* sp_member.link */
	/* Reads slow files. */
	struct sp_reader reader;
	/* Copies much memory, and does not wait for slow files. */
	struct sp_reader copier;
	/* gate.c: how many bytes of files it had copied in an epoch. */
	uint64_t given_epoch, given_bytes;
	/* A user's unit of systemd, or NULL for a process with its descendants, or
	 * for a connection. */
	char *unit;
	uid_t uid;
};

/** Finds or creates the identity of a client, whose account this is. Sets the client's
 * process. Returns 0 or -ENOMEM. */
int sp_identity_join(struct sp_context *context, struct wl_client *wl_client,
	const struct sp_account *account, struct sp_member *member);
/** Nothing is charged to the client any more. */
void sp_identity_leave(struct sp_member *member);

/** Returns how much of a resource its connected clients hold. */
uint64_t sp_identity_get_held(const struct sp_identity *identity,
	enum sp_resource resource);

#endif
