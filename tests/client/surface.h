/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_SURFACE_H
#define CLIENT_SURFACE_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct client_buffer;
struct wl_subsurface;
struct wl_surface;
struct wp_viewport;
struct xdg_surface;
struct xdg_toplevel;

struct client_surface {
	struct client *client;
	struct wl_surface *surface;
	/* NULL before client_surface_create_viewport(). */
	struct wp_viewport *viewport;
	/* The buffer of the next commit. */
	struct client_buffer *attached;
};

/** A toplevel. It must not move while it exists. */
struct client_window {
	struct client_surface surface;
	struct xdg_surface *xdg_surface;
	struct xdg_toplevel *xdg_toplevel;
	bool configured;
};

struct client_subsurface {
	struct client_surface surface;
	struct wl_subsurface *subsurface;
};

/**
 * Creates a window, and waits until the compositor accepts buffers for it. The next
 * commit with a buffer shows it. Its size is that of its buffers. The size that the
 * compositor proposes is ignored.
 */
bool client_window_create(struct client *client, struct client_window *window,
	const char *title);
void client_window_destroy(struct client_window *window);
/** Destroys all but the wl_surface, and creates it anew, as toolkits do when a window is
 * hidden and shown again. */
void client_window_destroy_role(struct client_window *window);
bool client_window_give_role(struct client_window *window, const char *title);

/** Creates a synchronized subsurface at a position within its parent. */
bool client_subsurface_create(struct client *client,
	struct client_subsurface *subsurface, struct client_surface *parent,
	int32_t x, int32_t y);
/** Makes the subsurface desynchronized. */
void client_subsurface_set_desync(struct client_subsurface *subsurface);
void client_subsurface_destroy(struct client_subsurface *subsurface);

/** The buffer has this many times the surface's pixels, from the next commit on. */
void client_surface_set_scale(struct client_surface *surface, int32_t scale);
bool client_surface_create_viewport(struct client_surface *surface);

/** NULL unmaps the surface. */
void client_surface_attach(struct client_surface *surface,
	struct client_buffer *buffer);
/** In surface coordinates. */
void client_surface_damage(struct client_surface *surface, int32_t x, int32_t y,
	int32_t width, int32_t height);
/** In buffer coordinates. */
void client_surface_damage_buffer(struct client_surface *surface, int32_t x,
	int32_t y, int32_t width, int32_t height);
void client_surface_commit(struct client_surface *surface);

/**
 * Commits, and waits for the frame callback. In wlroots, the surface was then painted in
 * the committed state. A surface that is not visible is never painted.
 */
bool client_surface_present(struct client_surface *surface);

/** Attaches, damages the whole buffer, and presents. */
bool client_surface_show(struct client_surface *surface,
	struct client_buffer *buffer);

#endif
