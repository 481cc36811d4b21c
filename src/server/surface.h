/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_SURFACE_H
#define SEALPOOL_SERVER_SURFACE_H

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

/** Handles a request of a wl_surface. If it is a commit, returns the buffer that the surface
 * shows, if that is Sealpool's and not read in place; else NULL. */
struct sealpool_buffer *sp_surface_handle_request(struct sp_surfaces *surfaces,
	const struct wl_protocol_logger_message *message);
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
