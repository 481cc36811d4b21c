/* SPDX-License-Identifier: MIT */
#ifndef INTEGRATION_SERVER_H
#define INTEGRATION_SERVER_H

/**
 * A minimal compositor: it keeps what was last committed to each surface, and reads it
 * when the test does. It makes no call that tells Sealpool what clients attach, damage
 * and commit.
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

/** The limit of any wait, also with a sanitizer on a busy machine. */
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

	/* The newest wl_buffer, while it exists; no reference. */
	struct sealpool_buffer *newest;
	struct wl_listener new_buffer;
	/* The buffer of the last screen capture; a reference. */
	struct sealpool_buffer *captured;
	/* Called at each commit, and before a surface is destroyed; may be NULL. */
	server_surface_func handle_commit, handle_surface_destroy;
	/* The test's. */
	void *data;

	/* Sealpool's last log message, and the number of messages. */
	char message[512];
	unsigned messages;

	/* The numbers before the server was created. */
	size_t fds_before, mappings_before;
};

struct server_surface {
	struct compositor_surface base;
	struct server *server;
	/* References, or NULL. */
	struct sealpool_buffer *pending, *current;
	/* The test's. */
	void *data;
};

/** Initializes a compositor that has only a display. server_destroy() frees it, so it
 * must be the first member of what malloc() returned. Returns false if there is no
 * memory. */
bool server_init(struct server *server);

/**
 * Creates the compositor, with options for Sealpool or NULL. It announces ARGB8888
 * (twice), XRGB8888, RGB565, NV12, YUV420, and one format that Sealpool does not know.
 */
struct server *server_create(const struct sealpool_options *options);

/**
 * Destroys all clients and the display, and checks that no fd and no mapping of a pool is
 * left. Returns false, after a message, if one is.
 */
bool server_destroy(struct server *server);

/** For struct sealpool_options.short_file: leaves the client alive. */
void server_ignore_short_file(struct sealpool_buffer *buffer,
	uint64_t file_size, void *data);

/** For cmocka: the test's state is a server without options, or one that ignores short
 * files. */
int server_setup(void **state);
int server_setup_lenient(void **state);
int server_teardown(void **state);

int64_t server_now_ms(void);

/**
 * Waits until "fd" (-1 for none) is readable, something was dispatched, or the deadline
 * has passed. Returns whether it is readable.
 */
bool server_dispatch(struct server *server, int fd, int64_t deadline);

/** Dispatches all pending events. */
void server_settle(struct server *server);

/** Returns a client's surface by its number, in the order of creation, from 0 on. */
struct server_surface *server_get_surface(struct server *server,
	const struct peer *peer, int index);

/** Returns what a client shows on its first surface. */
struct sealpool_buffer *server_get_shown(struct server *server,
	const struct peer *peer);

/** Returns a client's statistics. */
struct sealpool_stats server_get_stats(struct server *server,
	const struct peer *peer);

/** Returns the bytes copied for the client since "*before", and updates that. */
uint64_t server_count_copied(struct server *server, const struct peer *peer,
	uint64_t *before);

/* Reading, in a buffer of 4 bytes a pixel */

/** Makes an image of the buffer's contents. */
void read_image(struct sealpool_buffer *buffer, struct client_image *image);

/** Begins an access, which must not fail. */
void begin_read(struct sealpool_buffer *buffer,
	struct sealpool_access *access);
/** Begins and ends a read access. */
void read_buffer(struct sealpool_buffer *buffer);

/** Fails unless the whole buffer reads as zero. */
void expect_zeroes(struct sealpool_buffer *buffer);
/** Fails unless the whole buffer shows pattern "frame". */
void expect_frame(struct sealpool_buffer *buffer, uint32_t frame);
/** Fails unless the first rows show the pattern, and the others are zero. */
void expect_frame_cut(struct sealpool_buffer *buffer, uint32_t frame,
	int32_t rows);
void expect_image(struct sealpool_buffer *buffer,
	const struct client_image *expected);
void expect_kind(struct sealpool_buffer *buffer,
	enum sealpool_memory_kind kind);

/** Fails unless the text contains the number, with no digit next to it. */
void expect_number(const char *text, int64_t number);

/* Of this process */

/** Counts the mappings of pools and shadows. */
size_t count_pool_mappings(void);

#endif
