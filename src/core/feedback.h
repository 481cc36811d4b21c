/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_FEEDBACK_H
#define SEALPOOL_CORE_FEEDBACK_H

#include <stdbool.h>
#include <wayland-server-core.h>

#define SP_FEEDBACK_MANAGER "sealpool_shm_feedback_manager_v1"

struct sealpool_shm;

/** Creates the global. Returns false when there is no memory. */
bool sp_feedback_create_global(struct sealpool_shm *shm);

/** The client has committed a surface: tells it what has changed. */
void sp_feedback_handle_commit(struct sealpool_shm *shm,
	struct wl_client *wl_client);

#endif
