/* SPDX-License-Identifier: MIT */
#ifndef UNIT_TRACKER_H
#define UNIT_TRACKER_H

/**
 * The commit tracker: which pixels of a copied buffer are stale after attach, damage and
 * commit.
 *
 * Client and compositor are one thread. Requests are sent and dispatched; then the stale
 * region of the buffer's copy is inspected, and emptied by a read access. The bytes that
 * the access copies are counted as well.
 */

#include <wayland-client.h>
#include <wayland-server-core.h>

#include "compositor.h"
#include "display.h"
#include "traces.h"

/** Wide enough that the rows of a rectangle are copied one by one. */
#define WIDTH 512
#define HEIGHT 40
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

/** More than the tracker tracks on one surface. */
#define BUFFERS 4
#define SURFACES 2

struct tracker {
	struct display display;
	struct compositor server;

	/* the client's */
	struct wl_display *client;
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	struct wp_viewporter *viewporter;
	struct zwlr_screencopy_manager_v1 *screencopy;
	struct wl_output *output;
	int memory;
	struct wl_shm_pool *pool;
	struct wl_buffer *wl_buffers[BUFFERS];
	struct wl_surface *surfaces[SURFACES];

	/* the compositor's; each is a reference */
	struct sealpool_buffer *buffers[BUFFERS];
	struct sealpool_buffer *newest;
	struct wl_listener new_buffer;
	struct wl_client *wl_client;
};

extern struct tracker test;

/** For cmocka. There are three buffers of WIDTH x HEIGHT. */
int tracker_setup(void **state);
/** The same without a pool, which the test creates. */
int tracker_setup_surfaces(void **state);
int tracker_teardown(void **state);
#define TEST_TRACKER(name) \
	cmocka_unit_test_setup_teardown(name, tracker_setup, tracker_teardown)

/** Has the compositor dispatch all that was sent. */
void settle(void);

/** Creates an unsealed file, and a pool of the whole file. */
void create_pool(void);
void create_buffer(int i, int32_t width, int32_t height);
void destroy_buffer(int i);
void destroy_surface(int i);

/* Requests to the first surface. These two also commit and settle. */

void attach(int i);
void damage_buffer(int32_t x, int32_t y, int32_t width, int32_t height);
void damage(int32_t x, int32_t y, int32_t width, int32_t height);
void commit(void);
void show(int i, int32_t x, int32_t y, int32_t width, int32_t height);

/** The same as show(), on the second surface. */
void show_elsewhere(int i, int32_t x, int32_t y, int32_t width, int32_t height);

void read_buffer(int i);
/** Returns the number of bytes copied so far. */
uint64_t count_copied(void);

/** A rectangle of damage: x, y, width, height. */
struct rect {
	int32_t x, y, width, height;
};

/** Fails unless exactly these pixels are stale, and the read that follows copies them,
 * and no more than lies between them. */
void expect_rects_stale(int line, int i, const struct rect *rects,
	size_t rects_len);
#define expect_stale(i, ...) do { \
	const struct rect rects[] = { __VA_ARGS__ }; \
	expect_rects_stale(__LINE__, i, rects, \
		sizeof(rects) / sizeof(rects[0])); \
} while (0)
#define expect_all_stale(i) expect_stale(i, { 0, 0, WIDTH, HEIGHT })
#define expect_current(i) expect_rects_stale(__LINE__, i, NULL, 0)

/** Fails unless each of two reads copies the whole buffer. */
void expect_copied_each_time(int i);

/** Shows a buffer on the first surface, and reads it. */
void begin_with(int i);

/** Shows and reads several buffers, one after another. Each is current afterwards. */
void begin_with_all(int count);

#endif
