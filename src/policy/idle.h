/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_POLICY_IDLE_H
#define SEALPOOL_POLICY_IDLE_H

#include <stdint.h>

struct sp_cache;
struct sp_context;

/** "after" is the option shadow_idle_ms. Returns 0 or a negative errno. */
int sp_idle_init(struct sp_context *context, uint32_t after);
/** Call it before the display is destroyed. */
void sp_idle_detach(struct sp_context *context);

/** A copy was added to the context's cache. Any thread. */
void sp_idle_handle_filled(struct sp_cache *cache);

#endif
