/* SPDX-License-Identifier: MIT */
#ifndef COMPOSITOR_COMPOSITOR_H
#define COMPOSITOR_COMPOSITOR_H

/**
 * The compositor of the test programs, in the test's process or in one of its own:
 * surfaces that keep what was last committed, and objects of other protocols that receive
 * a wl_buffer. It draws nothing, and does not depend on any wl_shm. The program sets the
 * functions below, which decide when and how a buffer is read.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-server-core.h>

#define COMPOSITOR_GLOBALS_MAX 8

struct compositor;

/** A wl_buffer while it exists, NULL afterwards. */
struct compositor_buffer {
	struct wl_resource *resource;
	struct wl_listener destroy;
};

struct compositor_surface {
	struct wl_list link; /* compositor.surfaces */
	struct compositor *compositor;
	struct wl_resource *resource;
	/* A buffer, or none, was attached since the last commit. */
	bool attached;
	struct compositor_buffer pending, current;
	struct wl_list callbacks; /* wl_resource links, of wl_surface.frame */
};

/** An object that receives a wl_buffer, for example a frame of wlr-screencopy. */
struct compositor_taker {
	struct wl_list link; /* compositor.takers */
	struct compositor *compositor;
	struct wl_resource *resource;
	/* The newest buffer. */
	struct compositor_buffer buffer;
};

/** The program's handlers. Any member may be 0. */
struct compositor_impl {
	/* The size of the program's surface, which begins with struct compositor_surface.
	 * The rest is zeroed. */
	size_t surface_size;
	void (*handle_new_surface)(struct compositor_surface *surface);
	/* "buffer" is NULL for none. .pending has it already. */
	void (*handle_attach)(struct compositor_surface *surface,
		struct wl_resource *buffer);
	/* In surface or buffer coordinates. */
	void (*handle_damage)(struct compositor_surface *surface, int32_t x,
		int32_t y, int32_t width, int32_t height);
	/* .current is the attached buffer already; "replaced" (NULL for none) is the
	 * buffer before. Frame callbacks are sent afterwards. */
	void (*handle_commit)(struct compositor_surface *surface,
		struct wl_resource *replaced);
	/* Called before the surface is freed. */
	void (*handle_surface_destroy)(struct compositor_surface *surface);
	/* .buffer has it already. */
	void (*handle_take)(struct compositor_taker *taker,
		struct wl_resource *buffer);
};

/** A global whose objects have one implementation, with struct compositor as user
 * data. */
struct compositor_global {
	const struct wl_interface *interface;
	int version;
	const void *impl;
};

/** To be embedded. It must not move, and lives as long as the display. */
struct compositor {
	struct wl_display *display;
	const struct compositor_impl *impl;
	struct wl_list surfaces; /* compositor_surface.link, oldest first */
	struct wl_list takers; /* compositor_taker.link, newest first */
	struct compositor_offer {
		struct compositor *compositor;
		const struct compositor_global *global;
	} offers[COMPOSITOR_GLOBALS_MAX];
	size_t offers_len;
	/* The program's. */
	void *data;
};

/** Advertises wl_compositor. Returns false on failure. */
bool compositor_init(struct compositor *compositor, struct wl_display *display,
	const struct compositor_impl *impl, void *data);

/** Advertises another global, which must not move. */
bool compositor_offer(struct compositor *compositor,
	const struct compositor_global *global);

/** A wl_output that sends no events, and viewports that have no effect. */
extern const struct compositor_global compositor_output, compositor_viewporter;
/** Each of its frames is a taker. */
extern const struct compositor_global compositor_screencopy;

/** Returns a client's surface by its number, in the order of creation, from 0 on; NULL if
 * there is none. */
struct compositor_surface *compositor_get_surface(struct compositor *compositor,
	const struct wl_client *client, int index);

/**
 * Creates an object for a request on "manager", an object of a compositor_global. Its
 * implementation uses compositor_take() and compositor_handle_destroy().
 */
void compositor_create_taker(struct wl_client *client,
	struct wl_resource *manager, const struct wl_interface *interface,
	uint32_t id, const void *impl);

/** Handles a request that passes a wl_buffer to a taker. */
void compositor_take(struct wl_client *client, struct wl_resource *resource,
	struct wl_resource *buffer);

/** Handles a request that destroys its object. */
void compositor_handle_destroy(struct wl_client *client,
	struct wl_resource *resource);

#endif
