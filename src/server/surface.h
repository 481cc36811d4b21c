/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_SURFACE_H
#define SEALPOOL_SERVER_SURFACE_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

struct sealpool_buffer;
struct sp_context;

/** The surfaces of a display. */
struct sp_surfaces {
	struct sp_context *context;
	struct wl_list list; /* sp_surface.link */
};

void sp_surfaces_init(struct sp_surfaces *surfaces,
	struct sp_context *context);
void sp_surfaces_finish(struct sp_surfaces *surfaces);

/* The requests of a wl_surface. */

/** "buffer" is NULL for none. */
void sp_surface_attach(struct sp_surfaces *surfaces,
	struct wl_resource *resource, struct wl_resource *buffer, int32_t x,
	int32_t y);
/** "in_buffer": the request is damage_buffer. */
void sp_surface_damage(struct sp_surfaces *surfaces,
	struct wl_resource *resource, int32_t x, int32_t y, int32_t width,
	int32_t height, bool in_buffer);
/** Returns the buffer that the surface shows, if it is Sealpool's and not read in
 * place. */
struct sealpool_buffer *sp_surface_commit(struct sp_surfaces *surfaces,
	struct wl_resource *resource);
void sp_surface_set_transform(struct sp_surfaces *surfaces,
	struct wl_resource *resource, int32_t transform);
void sp_surface_set_scale(struct sp_surfaces *surfaces,
	struct wl_resource *resource, int32_t scale);
void sp_surface_offset(struct sp_surfaces *surfaces,
	struct wl_resource *resource, int32_t x, int32_t y);
/** From now on, damage in surface coordinates does not say which pixels changed. */
void sp_surface_make_unclear(struct sp_surfaces *surfaces,
	struct wl_resource *resource);

/** The buffer, which has a wl_buffer, is passed to another object than a surface: it is
 * not tracked until its next commit. */
void sp_surface_give_up(struct sealpool_buffer *buffer);

/** The wl_buffer is about to be destroyed, and perhaps the buffer with it. Stale pixels
 * stay stale. */
void sp_surface_forget(struct sealpool_buffer *buffer);

#endif
