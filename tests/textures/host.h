/* SPDX-License-Identifier: MIT */
#ifndef TEXTURES_HOST_H
#define TEXTURES_HOST_H

/**
 * A compositor on wlroots, in the test's own process, which uploads what its clients
 * commit. It has wlroots' GLES2 renderer, on an EGL display without a surface, a window
 * system or a GPU.
 *
 * As in any compositor, wlr_compositor creates and updates the textures. This compositor
 * draws nothing. It reads each texture back right after the commit.
 */

#include "peer.h"
#include "server.h"

struct wlr_buffer;
struct wlr_client_buffer;
struct wlr_renderer;
struct wlr_surface;
struct wlr_texture;

struct host {
	/* For the functions of server.h and peer.h that do not depend on its sealpool_shm
	 * or its surfaces. */
	struct server server;
	struct wl_list surfaces; /* host_surface.link, oldest first */
	struct wl_listener new_surface;
	/* If set, the wlr_buffer of the next commit that has one is locked, and stored
	 * here. */
	bool keeps;
	struct wlr_buffer *kept;
	/* Reads no textures. */
	bool is_blind;
};

struct host_surface {
	struct wl_list link;
	struct host *host;
	/* NULL once the surface is destroyed. The members below stay. */
	struct wlr_surface *wlr_surface;
	struct wl_client *client; /* Only compared, not used. */
	unsigned commits;
	/* The texture at the last commit, as ARGB8888; without data if there was none. */
	struct client_image image;
	struct wl_listener commit;
	struct wl_listener destroy;
};

/**
 * Creates the renderer, which all tests of a program share. Returns false, after a
 * message, if there is no EGL or no GLES2.
 */
bool host_init(void);
void host_finish(void);

/** For cmocka: the test's state is a host. Teardown also checks that no fd and no mapping
 * is left. */
int host_setup(void **state);
int host_teardown(void **state);
/** The same with options for Sealpool. */
int host_setup_with_options(void **state,
	const struct sealpool_options *options);

/** The renderer of all tests. */
struct wlr_renderer *host_get_renderer(void);

/** Fails unless the last line about a client in wlroots' log has these words. Forgets
 * that line. */
void host_expect_logged(const char *words);

/** Returns a client's surface by its number, in the order of creation, from 0 on. Valid
 * until teardown. */
struct host_surface *host_get_surface(struct host *host,
	const struct peer *peer, int index);

/** Returns the wlr_client_buffer of a surface; fails if there is none. */
struct wlr_client_buffer *host_get_client_buffer(struct host *host,
	const struct peer *peer);

/** Makes an image of a texture, as ARGB8888. */
void host_read_texture(struct wlr_texture *texture, struct client_image *image);

/** Fail unless the image shows "expected", or pattern "frame" everywhere. */
void host_expect_image(const struct client_image *image,
	const struct client_image *expected);
void host_expect_frame(const struct client_image *image, uint32_t frame);

/** Fail unless a client's first surface showed this at its last commit, and its texture
 * still does. */
void host_expect_shown(struct host *host, const struct peer *peer,
	const struct client_image *expected);
void host_expect_shown_frame(struct host *host, const struct peer *peer,
	uint32_t frame);

/* Orders for clients, in addition to those of actor.h. */

/** Waits until .buffer was released. */
bool wait_released(struct actor *actor, const struct args *args);
/** Like show(), and then waits for the end of the connection. */
bool show_and_wait_for_end(struct actor *actor, const struct args *args);

#endif
