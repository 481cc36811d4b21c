/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_EVICT_H
#define SEALPOOL_CORE_EVICT_H

#include <stdbool.h>

#include "account.h"

struct sp_client;
struct sp_context;

/** Has the event loop disconnect clients when all together hold too much, and that
 * cannot be reclaimed. */
void sp_evict_init(struct sp_context *context);

/** The ops of the account of all clients. */
extern const struct sp_account_ops sp_evict_account_ops;

/**
 * Makes room for a client that asks for one more of a resource, by ending another
 * one if need be; what that one held may come back a little later, when the
 * compositor has let go of its buffers. Returns false if it is the asking client that
 * has to go.
 */
bool sp_evict_for(struct sp_context *context, enum sp_resource resource,
	struct sp_client *asking);

#endif
