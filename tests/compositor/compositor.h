/* SPDX-License-Identifier: MIT */
#ifndef COMPOSITOR_COMPOSITOR_H
#define COMPOSITOR_COMPOSITOR_H

/**
 * The compositor that test programs run in a process of their own or of the test:
 * surfaces that keep what was last committed, and objects of other protocols that are
 * handed a wl_buffer. It draws nothing and knows nothing of any wl_shm. When a buffer
 * is read, and how, is up to the program, which sets the functions below.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-server-core.h>

#define COMPOSITOR_GLOBALS_MAX 8

struct compositor;

/** A wl_buffer while it exists, NULL from then on. */
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

/** An object that a wl_buffer is handed to: a frame of wlr-screencopy, say. */
struct compositor_taker {
	struct wl_list link; /* compositor.takers */
	struct compositor *compositor;
	struct wl_resource *resource;
	/* The newest one. */
	struct compositor_buffer buffer;
};

/** What a program does at its clients' requests. Any member may be 0. */
struct compositor_impl {
	/* Bytes of a surface that begins with struct compositor_surface. The rest
	 * is zero at first. */
	size_t surface_size;
	void (*handle_new_surface)(struct compositor_surface *surface);
	/* "buffer" is NULL for none. It is .pending already. */
	void (*handle_attach)(struct compositor_surface *surface,
		struct wl_resource *buffer);
	/* In surface or in buffer coordinates. */
	void (*handle_damage)(struct compositor_surface *surface, int32_t x,
		int32_t y, int32_t width, int32_t height);
	/* What was attached is .current already, in the place of "replaced" (NULL
	 * for none). Frame callbacks are sent afterwards. */
	void (*handle_commit)(struct compositor_surface *surface,
		struct wl_resource *replaced);
	/* Before it is freed. */
	void (*handle_surface_destroy)(struct compositor_surface *surface);
	/* It is .buffer already. */
	void (*handle_take)(struct compositor_taker *taker,
		struct wl_resource *buffer);
};

/** A global whose objects have one implementation, and struct compositor as user
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

/** Offers wl_compositor. Returns false where that cannot be done. */
bool compositor_init(struct compositor *compositor, struct wl_display *display,
	const struct compositor_impl *impl, void *data);

/** Offers one more global, which must not move either. */
bool compositor_offer(struct compositor *compositor,
	const struct compositor_global *global);

/** A wl_output that tells nothing, and viewports that change nothing. */
extern const struct compositor_global compositor_output, compositor_viewporter;
/** Each of its frames is a taker. */
extern const struct compositor_global compositor_screencopy;

/** A client's surfaces, from 0 on in the order of their making; NULL if there is no
 * such surface. */
struct compositor_surface *compositor_get_surface(struct compositor *compositor,
	const struct wl_client *client, int index);

/**
 * Creates an object that "manager", an object of a compositor_global, was asked for.
 * Its implementation uses compositor_take() and compositor_handle_destroy().
 */
void compositor_create_taker(struct wl_client *client,
	struct wl_resource *manager, const struct wl_interface *interface,
	uint32_t id, const void *impl);

/** A request that hands a wl_buffer to a taker. */
void compositor_take(struct wl_client *client, struct wl_resource *resource,
	struct wl_resource *buffer);

/** A request that destroys its object. */
void compositor_handle_destroy(struct wl_client *client,
	struct wl_resource *resource);

#endif
