/* SPDX-License-Identifier: MIT */
#ifndef INTEGRATION_SERVER_H
#define INTEGRATION_SERVER_H

/**
 * The least that can be called a compositor: it keeps what was last committed
 * to each surface, and looks at it when the test does. It does nothing at all
 * for Sealpool to know what clients attach, damage and commit.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "between.h"
#include "compositor.h"
#include "image.h"
#include "process.h"

/** For any wait, also with a sanitizer on a busy machine. */
#define SERVER_PATIENCE_MS 300000

struct peer;
struct server_surface;

typedef void (*server_surface_func)(struct server_surface *surface);

struct server {
	struct wl_display *display;
	struct wl_event_loop *loop;
	struct sealpool_shm *shm;
	struct compositor compositor; /* of struct server_surface */
	struct wl_list peers; /* peer.link */

	/* The wl_buffer made last, while it is there; no reference. */
	struct sealpool_buffer *newest;
	struct wl_listener new_buffer;
	/* Given to the last screen capture. A reference. */
	struct sealpool_buffer *captured;
	/* Called at each commit, and before a surface is gone, if set. */
	server_surface_func handle_commit, handle_surface_destroy;
	/* For the test. */
	void *data;

	/* What Sealpool logged last, and how often it did since it began. */
	char message[512];
	unsigned messages;

	/* Before there was any of this. */
	size_t fds_before, mappings_before;
};

struct server_surface {
	struct compositor_surface base;
	struct server *server;
	/* References, or NULL for none. */
	struct sealpool_buffer *pending, *current;
	/* For the test. */
	void *data;
};

/** Begins a compositor that has a display and nothing else yet. server_destroy() frees
 * it: it is the first member of what malloc() gave. Returns false when there is no
 * memory. */
bool server_init(struct server *server);

/**
 * Starts the compositor, with options for Sealpool or NULL. Formats announced
 * are ARGB8888 (twice), XRGB8888, RGB565, NV12 and YUV420, and one that Sealpool
 * cannot know.
 */
struct server *server_create(const struct sealpool_options *options);

/**
 * Ends all clients and the display, and checks that no fd and no mapping of a
 * pool is left. Returns false, after a message, if there is.
 */
bool server_destroy(struct server *server);

/** For struct sealpool_options.short_file: leaves the client alive. */
void server_ignore_short_file(struct sealpool_buffer *buffer,
	uint64_t file_size, void *data);

/** For cmocka: a server without options, or one that is lenient, as the test's
 * state. */
int server_setup(void **state);
int server_setup_lenient(void **state);
int server_teardown(void **state);

int64_t server_now_ms(void);

/**
 * Waits until "fd" (-1 for none) is readable or something was dispatched, but
 * not for longer than until the deadline. Returns whether it is readable.
 */
bool server_dispatch(struct server *server, int fd, int64_t deadline);

/** Does all that is to be done now. */
void server_settle(struct server *server);

/** A client's surfaces, from 0 on in the order of their making. */
struct server_surface *server_get_surface(struct server *server,
	const struct peer *peer, int index);

/** What a client shows on its first surface. */
struct sealpool_buffer *server_get_shown(struct server *server,
	const struct peer *peer);

/** What a client holds and has cost. */
struct sealpool_stats server_get_stats(struct server *server,
	const struct peer *peer);

/** Bytes copied for the client since "*before", which is brought up to date. */
uint64_t server_count_copied(struct server *server, const struct peer *peer,
	uint64_t *before);

/* Reading, in a buffer of 4 bytes a pixel */

/** Makes an image of what is in the buffer. */
void read_image(struct sealpool_buffer *buffer, struct client_image *image);

/** Begins and ends a read access. */
void read_buffer(struct sealpool_buffer *buffer);

/** Fails unless all of the buffer reads as zero. */
void expect_zeroes(struct sealpool_buffer *buffer);
/** Fails unless all of the buffer shows pattern "frame". */
void expect_frame(struct sealpool_buffer *buffer, uint32_t frame);
void expect_image(struct sealpool_buffer *buffer,
	const struct client_image *expected);
void expect_kind(struct sealpool_buffer *buffer,
	enum sealpool_memory_kind kind);

/** Fails unless the text has the number in it, by itself. */
void expect_number(const char *text, int64_t number);

/* Of this process */

/** Of pools and shadows. */
size_t count_pool_mappings(void);

#endif
