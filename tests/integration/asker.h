/* SPDX-License-Identifier: MIT */
#ifndef INTEGRATION_ASKER_H
#define INTEGRATION_ASKER_H

/**
 * Orders for clients that use sealpool-shm-feedback. A feedback object has the slot of
 * the pool or buffer that it is about.
 */

#include "peer.h"
#include "sealpool-shm-feedback-v1-client-protocol.h"

#define MANAGER "sealpool_shm_feedback_manager_v1"
#define KIND(kind) SEALPOOL_SHM_FEEDBACK_V1_KIND_##kind
#define REASON(reason) SEALPOOL_SHM_FEEDBACK_V1_REASON_##reason
#define ERROR(error) SEALPOOL_SHM_FEEDBACK_MANAGER_V1_ERROR_##error
#define RESOURCE(name) SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_##name

/** Binds the global, which all orders below need. */
bool bind_feedback(struct actor *actor, const struct args *args);
/** Fails if the compositor advertises the global. */
bool expect_no_feedback(struct actor *actor, const struct args *args);
bool destroy_manager(struct actor *actor, const struct args *args);

/** These use .pool or .buffer. */
bool get_pool_feedback(struct actor *actor, const struct args *args);
bool get_buffer_feedback(struct actor *actor, const struct args *args);
bool get_budget_feedback(struct actor *actor, const struct args *args);
bool ask_pool(struct actor *actor, const struct args *args);
bool ask_buffer(struct actor *actor, const struct args *args);
bool ask_budget(struct actor *actor, const struct args *args);
bool destroy_pool_feedback(struct actor *actor, const struct args *args);
bool destroy_buffer_feedback(struct actor *actor, const struct args *args);
bool destroy_budget_feedback(struct actor *actor, const struct args *args);

/** Fail unless the newest state is .told_kind and .reasons, and .count states were sent
 * in total. */
bool expect_pool_told(struct actor *actor, const struct args *args);
bool expect_buffer_told(struct actor *actor, const struct args *args);
/** Fails unless the newest state has .size bytes read and .offset bytes written. */
bool expect_copied(struct actor *actor, const struct args *args);
bool expect_pool_copied(struct actor *actor, const struct args *args);
/** Fails unless .size of resource .format (enum resource) are used, out of .offset if
 * that is not 0, and .count states were sent in total. */
bool expect_usage(struct actor *actor, const struct args *args);

/** Puts a wl_buffer that is not from wl_shm into slot .buffer. Needs
 * offer_single_pixels(). */
bool make_single_pixel(struct actor *actor, const struct args *args);

/** Destroys pool 0, buffer 0, the feedback objects about them and about budgets, and the
 * manager, without a roundtrip, in permutation .count (below 720). */
bool destroy_in_order(struct actor *actor, const struct args *args);

/** Creates .count buffers, requests feedback about them, and destroys them. */
bool leave_inert(struct actor *actor, const struct args *args);

/** Requests feedback about buffer 0 and budgets .count times, and never reads the
 * events. */
bool ask_without_listening(struct actor *actor, const struct args *args);

/** For the server: a global that creates such buffers. */
void offer_single_pixels(struct wl_display *display);

#endif
