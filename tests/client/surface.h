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
	/* What the next commit shows. */
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
 * Creates a window and waits until the compositor takes buffers for it; the
 * next commit with a buffer shows it. It keeps to its buffers' size, whatever
 * the compositor proposes.
 */
bool client_window_create(struct client *client, struct client_window *window,
	const char *title);
void client_window_destroy(struct client_window *window);

/** Creates a subsurface in sync mode, at a position within its parent. */
bool client_subsurface_create(struct client *client,
	struct client_subsurface *subsurface, struct client_surface *parent,
	int32_t x, int32_t y);
/** Lets its commits show without the parent's. */
void client_subsurface_set_desync(struct client_subsurface *subsurface);
void client_subsurface_destroy(struct client_subsurface *subsurface);

/** To be committed; the buffer has so many times the surface's pixels. */
void client_surface_set_scale(struct client_surface *surface, int32_t scale);
bool client_surface_create_viewport(struct client_surface *surface);

/** NULL takes the surface off the screen. */
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
 * Commits and waits until the compositor says that a good time to draw the next
 * frame has come: in wlroots, that the surface was painted in the state that
 * was committed. A surface that is not on the screen is never painted.
 */
bool client_surface_present(struct client_surface *surface);

/** Attaches, damages all of the buffer, and presents. */
bool client_surface_show(struct client_surface *surface,
	struct client_buffer *buffer);

#endif
