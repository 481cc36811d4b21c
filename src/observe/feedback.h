/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_OBSERVE_FEEDBACK_H
#define SEALPOOL_OBSERVE_FEEDBACK_H

#include <sealpool/shm.h>

struct sp_context;
struct wl_signal;

/** Creates the global, which is destroyed when "destroy" is emitted. Returns the one that
 * was created before, if there is one, and NULL when there is no memory. */
struct sealpool_feedback *sp_feedback_create(struct sp_context *context,
	struct wl_signal *destroy);

#endif
