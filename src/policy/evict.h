/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_POLICY_EVICT_H
#define SEALPOOL_POLICY_EVICT_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/account.h"

struct sp_client;
struct sp_context;

/** The ops of the account of all clients. */
extern const struct sp_account_ops sp_evict_account_ops;

/**
 * Makes room for "amount" of a resource by disconnecting as many clients as needed. What
 * they held may be freed a little later, when the compositor drops their buffers.
 * Returns false if the rule chooses the asking client (which may be NULL), or if no
 * identity holds more than the share. On the event loop's thread.
 */
bool sp_evict_for(struct sp_context *context, enum sp_resource resource,
	uint64_t amount, struct sp_client *asking);

/** Returns the share that each identity is guaranteed. It shrinks with the number of
 * identities that hold any of the resource. */
uint64_t sp_evict_get_share(const struct sp_context *context,
	enum sp_resource resource);

#endif
