/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_POLICY_EVICT_H
#define SEALPOOL_POLICY_EVICT_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/account.h"

struct sp_client;
struct sp_context;

/** Sets the limits of the account of all clients. */
void sp_evict_set_limits(struct sp_context *context);

/** Has the event loop disconnect clients when all together hold too much, and that
 * cannot be reclaimed. */
void sp_evict_init(struct sp_context *context);

/** The ops of the account of all clients. */
extern const struct sp_account_ops sp_evict_account_ops;

/**
 * Makes room for "amount" of a resource, for a client or, for NULL, for nobody, by
 * ending as many other clients as that takes. What they held may come back a little
 * later, when the compositor has let go of their buffers. Returns false if it is the
 * asking client that has to go, or if nobody holds more than the share. On the event
 * loop's thread.
 */
bool sp_evict_for(struct sp_context *context, enum sp_resource resource,
	uint64_t amount, struct sp_client *asking);

/** How much an identity may hold that nobody can take from it, as long as there are
 * no more identities that hold any. */
uint64_t sp_evict_get_share(const struct sp_context *context,
	enum sp_resource resource);

#endif
