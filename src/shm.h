/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SRC_SHM_H
#define SEALPOOL_SRC_SHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "server/commits.h"

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
	struct sp_commits commits;
	struct sp_gate *gate; /* NULL for none */
};

/** Creates everything but the wl_shm global. Returns NULL after a log message. */
struct sealpool_shm *sp_shm_create(struct wl_display *display,
	const struct sealpool_options *options, const struct sp_front *front);

/** Creates the wl_shm global for it, whose functions "front" has. Returns false after a log
 * message; then it must not be called again. */
bool sp_shm_offer(struct sealpool_shm *shm, uint32_t version,
	const uint32_t *formats, size_t formats_len,
	const struct sp_front *front);

/** Of sealpool_shm_create(). */
extern const struct sp_front sp_shm_front;

/** Destroys it. Otherwise, it is destroyed with its display. */
void sp_shm_destroy(struct sealpool_shm *shm);

#endif
