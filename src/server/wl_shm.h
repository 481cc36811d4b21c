/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_WL_SHM_H
#define SEALPOOL_SERVER_WL_SHM_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

struct sp_context;
struct sp_layout;
struct sp_pool;

/** Creates the global of Sealpool's own wl_shm, with this version or the highest that
 * libwayland has. Returns NULL when there is no memory. */
struct wl_global *sp_wl_shm_create_global(struct sp_context *context,
	uint32_t version);

/** Returns the pool of a wl_shm_pool, or NULL when that is not Sealpool's. */
struct sp_pool *sp_pool_try_from_resource(struct wl_resource *resource);

/** wl_shm's codes are DRM fourcc codes except for two formats. */
uint32_t sp_wl_shm_format_from_drm(uint32_t drm);
uint32_t sp_wl_shm_format_to_drm(uint32_t format);

/** The arguments of wl_shm_pool.create_buffer. */
struct sp_place {
	int32_t offset, width, height, stride;
	uint32_t format; /* wl_shm's */
};

static inline bool sp_place_is_positive(const struct sp_place *place) {
	return place->offset >= 0 && place->width > 0 && place->height > 0 &&
		place->stride > 0;
}

/**
 * Computes the layout of a buffer whose place is positive and has a known format. If it
 * does not fit into the pool, posts an error for the wl_shm_pool and returns false.
 * "padded" as for sp_layout_init_padded().
 */
bool sp_wl_shm_make_layout(struct sp_pool *pool, struct wl_resource *resource,
	const struct sp_place *place, bool padded, struct sp_layout *layout);

#endif
