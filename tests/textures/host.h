/* SPDX-License-Identifier: MIT */
#ifndef TEXTURES_HOST_H
#define TEXTURES_HOST_H

/**
 * A compositor on wlroots, in the test's own process, that uploads what its
 * clients commit: its renderer is wlroots' GLES2 one, on an EGL display without
 * a surface, a window system or a GPU.
 *
 * wlr_compositor makes and updates the textures, as in any compositor. This one
 * draws nothing. It reads each texture back right after the commit.
 */

#include "peer.h"
#include "server.h"

struct wlr_buffer;
struct wlr_client_buffer;
struct wlr_surface;
struct wlr_texture;

struct host {
	/* For the functions of server.h and peer.h that concern neither its
	 * sealpool_shm nor its surfaces. */
	struct server server;
	struct wl_list surfaces; /* host_surface.link, oldest first */
	struct wl_listener new_surface;
	/* Locks the wlr_buffer of the next commit with one, and puts it here. */
	bool keeps;
	struct wlr_buffer *kept;
};

struct host_surface {
	struct wl_list link;
	struct host *host;
	/* NULL once it is gone; what is below stays. */
	struct wlr_surface *wlr_surface;
	struct wl_client *client; /* to be compared, not used */
	unsigned commits;
	/* What its texture had at the last commit, as ARGB8888; no data where
	 * there was no texture. */
	struct client_image image;
	struct wl_listener commit;
	struct wl_listener destroy;
};

/**
 * Creates the renderer, which all tests of a program share. Returns false,
 * after a message, where there is no EGL or no GLES2 to be had.
 */
bool host_init(void);
void host_finish(void);

/** For cmocka: a host as the test's state. The teardown also checks that no fd
 * and no mapping is left. */
int host_setup(void **state);
int host_teardown(void **state);

/** A client's surfaces, from 0 on in the order of their making. It is valid
 * until the teardown. */
struct host_surface *host_get_surface(struct host *host,
	const struct peer *peer, int index);

/** What wlroots has made of a surface's buffers; fails if there is nothing. */
struct wlr_client_buffer *host_get_client_buffer(struct host *host,
	const struct peer *peer);

/** Makes an image of a texture, as ARGB8888. */
void host_read_texture(struct wlr_texture *texture, struct client_image *image);

/** Fails unless the image shows "expected", or all of it pattern "frame". */
void host_expect_image(const struct client_image *image,
	const struct client_image *expected);
void host_expect_frame(const struct client_image *image, uint32_t frame);

/** Fails unless a client's first surface showed so at its last commit, and its
 * texture still does. */
void host_expect_shown(struct host *host, const struct peer *peer,
	const struct client_image *expected);
void host_expect_shown_frame(struct host *host, const struct peer *peer,
	uint32_t frame);

/* Orders for clients, beside those of actor.h. */

/** Waits until .buffer was given back. */
bool wait_released(struct actor *actor, const struct args *args);
/** As show(), and then waits for the end of the connection. */
bool show_and_wait_for_end(struct actor *actor, const struct args *args);

#endif
