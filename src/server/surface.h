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
	/* Surfaces hold what they show, and are users of what they have. */
	bool hold_shown;
};

void sp_surfaces_init(struct sp_surfaces *surfaces,
	struct sp_context *context);
void sp_surfaces_finish(struct sp_surfaces *surfaces);

/* The requests of a wl_surface. */

/** "buffer" is NULL for none. */
void sp_surface_attach(struct sp_surfaces *surfaces,
	struct wl_resource *resource, struct wl_resource *buffer, int32_t x,
	int32_t y);
/** "in_buffer" tells damage_buffer. */
void sp_surface_damage(struct sp_surfaces *surfaces,
	struct wl_resource *resource, int32_t x, int32_t y, int32_t width,
	int32_t height, bool in_buffer);
/** Returns what it shows, if that is ours and not read in place. */
struct sealpool_buffer *sp_surface_commit(struct sp_surfaces *surfaces,
	struct wl_resource *resource);
void sp_surface_set_transform(struct sp_surfaces *surfaces,
	struct wl_resource *resource, int32_t transform);
void sp_surface_set_scale(struct sp_surfaces *surfaces,
	struct wl_resource *resource, int32_t scale);
void sp_surface_offset(struct sp_surfaces *surfaces,
	struct wl_resource *resource, int32_t x, int32_t y);
/** Its damage in surface coordinates says nothing of pixels from now on. */
void sp_surface_add_viewport(struct sp_surfaces *surfaces,
	struct wl_resource *resource);

/** The buffer, which has a wl_buffer, is handed to something else than a surface:
 * commits say nothing of it until the next one. */
void sp_surface_give_up(struct sealpool_buffer *buffer);

/** The wl_buffer is about to go, and perhaps the buffer with it. What is stale stays
 * so. */
void sp_surface_forget(struct sealpool_buffer *buffer);

/** Whether commits say what becomes stale in the buffer. For tests. */
bool sp_surface_follows(const struct sealpool_buffer *buffer);

#endif
