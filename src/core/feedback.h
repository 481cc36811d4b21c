/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_FEEDBACK_H
#define SEALPOOL_CORE_FEEDBACK_H

#include <stdbool.h>
#include <wayland-server-core.h>

#define SP_FEEDBACK_MANAGER "sealpool_shm_feedback_manager_v1"

struct sp_context;

/** Creates the global. Returns NULL when there is no memory. */
struct wl_global *sp_feedback_create_global(struct sp_context *context);

/** The client has committed a surface: tells it what has changed. */
void sp_feedback_handle_commit(struct sp_context *context,
	struct wl_client *wl_client);

#endif
