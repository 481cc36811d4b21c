/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SRC_SHM_H
#define SEALPOOL_SRC_SHM_H

#include <wayland-server-core.h>

#include <sealpool/shm.h>

struct sp_commits;
struct sp_context;
struct sp_front;
struct sp_gate;

/** Everything that is created for a display: by a wl_shm, or by a guard. */
struct sealpool_shm {
	struct sp_context *context;
	struct wl_listener display_destroy;
	struct wl_global *global; /* NULL under a guard */
	/* Emitted when it is destroyed, to destroy its parts; the data is NULL. */
	struct wl_signal destroy;
	struct sp_commits *commits;
	struct sp_gate *gate; /* NULL for none */
};

/** Creates everything but the wl_shm global. Returns NULL after a log message. */
struct sealpool_shm *sp_shm_create(struct wl_display *display,
	const struct sealpool_options *options, const struct sp_front *front);

/** Destroys it. Otherwise, it is destroyed with its display. */
void sp_shm_destroy(struct sealpool_shm *shm);

#endif
