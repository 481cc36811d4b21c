/* SPDX-License-Identifier: MIT */
/*
 * The commit tracker: which pixels of a copied buffer are stale after what a
 * client has attached, damaged and committed.
 *
 * Client and compositor are one thread: requests are sent, then dispatched, and
 * then the stale region of the buffer's copy is looked at, and emptied again by
 * a read access. What that copies is counted as well.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <pixman.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>
#include <wayland-server-core.h>

#include "between.h"
#include "compositor.h"
#include "display.h"
#include "globals.h"
#include "image/copies.h"
#include "memfd.h"
#include "server/buffer.h"
#include "server/context.h"
#include "server/pool.h"
#include "server/surface.h"
#include "traces.h"
#include "viewporter-client-protocol.h"
#include "wlr-screencopy-unstable-v1-client-protocol.h"

/* Wide, so that the rows of a rectangle are copied one by one. */
#define WIDTH 512
#define HEIGHT 40
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

/* More than the tracker follows on one surface. */
#define BUFFERS 34
#define SURFACES 2

static struct {
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

	/* the compositor's, with a reference each */
	struct sealpool_buffer *buffers[BUFFERS];
	struct sealpool_buffer *newest;
	struct wl_listener new_buffer;
	struct wl_client *wl_client;
} test;

/* The compositor. It reads nothing by itself. */

static const struct compositor_impl impl = { 0 };

static void handle_new_buffer(struct wl_listener *listener, void *data) {
	test.newest = data;
}

/* The client */

/* Has the compositor do all that was sent. */
static void settle(void) {
	assert_true(wl_display_flush(test.client) >= 0);
	display_settle(&test.display);
	struct pollfd pollfd = {
		.fd = wl_display_get_fd(test.client),
		.events = POLLIN,
	};
	while (poll(&pollfd, 1, 0) > 0) {
		if (wl_display_dispatch(test.client) < 0) {
			fail_msg("disconnected: %s",
				strerror(wl_display_get_error(test.client)));
		}
	}
}

static void bind_globals(void) {
	struct client_global globals[] = {
		{ .interface = &wl_compositor_interface, .version = 5 },
		{ .interface = &wl_shm_interface, .version = 1 },
		{ .interface = &wp_viewporter_interface, .version = 1 },
		{ .interface = &zwlr_screencopy_manager_v1_interface,
			.version = 1 },
		{ .interface = &wl_output_interface, .version = 1 },
		{ 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(test.client, globals);
	assert_non_null(registry);
	settle();
	wl_registry_destroy(registry);
	test.compositor = globals[0].object;
	test.shm = globals[1].object;
	test.viewporter = globals[2].object;
	test.screencopy = globals[3].object;
	test.output = globals[4].object;
}

static void create_buffer(int i, int32_t width, int32_t height) {
	test.wl_buffers[i] = wl_shm_pool_create_buffer(test.pool, i * BYTES,
		width, height, STRIDE, WL_SHM_FORMAT_XRGB8888);
	settle();
	test.buffers[i] = sealpool_buffer_ref(test.newest);
}

static int setup(void **state) {
	traces_setup(state);
	memset(&test, 0, sizeof(test));
	display_init(&test.display, NULL);
	test.new_buffer.notify = handle_new_buffer;
	sealpool_shm_add_new_buffer_listener(test.display.shm,
		&test.new_buffer);
	assert_true(compositor_init(&test.server, test.display.wl, &impl, NULL));
	assert_true(compositor_offer(&test.server, &compositor_viewporter));
	assert_true(compositor_offer(&test.server, &compositor_screencopy));
	assert_true(compositor_offer(&test.server, &compositor_output));
	int fd;
	test.wl_client = display_connect(&test.display, &fd);
	test.client = wl_display_connect_to_fd(fd);
	assert_non_null(test.client);
	bind_globals();

	test.memory = create_memfd(BUFFERS * BYTES, 0);
	test.pool = wl_shm_create_pool(test.shm, test.memory, BUFFERS * BYTES);
	for (int i = 0; i < 3; i++) {
		create_buffer(i, WIDTH, HEIGHT);
	}
	for (int i = 0; i < SURFACES; i++) {
		test.surfaces[i] =
			wl_compositor_create_surface(test.compositor);
	}
	settle();
	return 0;
}

static void destroy_buffer(int i) {
	wl_buffer_destroy(test.wl_buffers[i]);
	test.wl_buffers[i] = NULL;
}

static void destroy_surface(int i) {
	wl_surface_destroy(test.surfaces[i]);
	test.surfaces[i] = NULL;
}

static int teardown(void **state) {
	for (int i = 0; i < BUFFERS; i++) {
		if (test.wl_buffers[i] != NULL) {
			destroy_buffer(i);
		}
		if (test.buffers[i] != NULL) {
			sealpool_buffer_unref(test.buffers[i]);
		}
	}
	for (int i = 0; i < SURFACES; i++) {
		if (test.surfaces[i] != NULL) {
			destroy_surface(i);
		}
	}
	wl_shm_pool_destroy(test.pool);
	wl_shm_destroy(test.shm);
	wp_viewporter_destroy(test.viewporter);
	zwlr_screencopy_manager_v1_destroy(test.screencopy);
	wl_output_destroy(test.output);
	wl_compositor_destroy(test.compositor);
	wl_display_disconnect(test.client);
	close(test.memory);
	display_finish(&test.display);
	return traces_teardown(state);
}

/* Requests to the first surface */

static void attach(int i) {
	wl_surface_attach(test.surfaces[0], test.wl_buffers[i], 0, 0);
}

static void damage_buffer(int32_t x, int32_t y, int32_t width,
		int32_t height) {
	wl_surface_damage_buffer(test.surfaces[0], x, y, width, height);
}

static void damage(int32_t x, int32_t y, int32_t width, int32_t height) {
	wl_surface_damage(test.surfaces[0], x, y, width, height);
}

static void commit(void) {
	wl_surface_commit(test.surfaces[0]);
	settle();
}

static void show(int i, int32_t x, int32_t y, int32_t width, int32_t height) {
	attach(i);
	damage_buffer(x, y, width, height);
	commit();
}

/* What the compositor knows */

static void read_buffer(int i) {
	struct sealpool_access access;
	int ret = sealpool_buffer_begin_access(test.buffers[i],
		SEALPOOL_ACCESS_READ, &access);
	if (ret < 0) {
		fail_msg("buffer %d cannot be read: %s", i, strerror(-ret));
	}
	sealpool_buffer_end_access(&access);
}

static uint64_t count_copied(void) {
	struct sealpool_stats stats = { .size = sizeof(stats) };
	sealpool_shm_get_client_stats(test.display.shm, test.wl_client,
		&stats);
	return stats.bytes_copied_in;
}

static void get_stale(int i, pixman_region32_t *stale) {
	if (test.buffers[i]->view.copies == NULL) {
		fail_msg("buffer %d has not been read yet", i);
	}
	sp_copies_get_stale(test.buffers[i]->view.copies, stale);
}

static size_t print(char *text, size_t size, pixman_region32_t *region) {
	int boxes_len;
	const pixman_box32_t *boxes =
		pixman_region32_rectangles(region, &boxes_len);
	size_t length = (size_t)snprintf(text, size, "%d boxes:", boxes_len);
	for (int i = 0; i < boxes_len && i < 4; i++) {
		length += (size_t)snprintf(text + length, size - length,
			" %d,%d-%d,%d", boxes[i].x1, boxes[i].y1, boxes[i].x2,
			boxes[i].y2);
	}
	return length;
}

/* A rectangle of damage: x, y, width, height. */
struct rect {
	int32_t x, y, width, height;
};

/* Fails unless just these pixels are stale, and unless the read that follows
 * copies them, and no more than lies between them. */
static void expect_rects_stale(int line, int i, const struct rect *rects,
		size_t rects_len) {
	pixman_region32_t expected, stale;
	pixman_region32_init(&expected);
	for (size_t j = 0; j < rects_len; j++) {
		pixman_region32_union_rect(&expected, &expected, rects[j].x,
			rects[j].y, (unsigned)rects[j].width,
			(unsigned)rects[j].height);
	}
	pixman_region32_init(&stale);
	get_stale(i, &stale);
	char seen[256], wanted[256];
	print(seen, sizeof(seen), &stale);
	print(wanted, sizeof(wanted), &expected);
	bool equal = pixman_region32_equal(&stale, &expected);
	uint64_t bytes = 0;
	int boxes_len;
	const pixman_box32_t *boxes =
		pixman_region32_rectangles(&expected, &boxes_len);
	for (int j = 0; j < boxes_len; j++) {
		bytes += 4 * (uint64_t)(boxes[j].x2 - boxes[j].x1) *
			(uint64_t)(boxes[j].y2 - boxes[j].y1);
	}
	const pixman_box32_t *all = pixman_region32_extents(&expected);
	uint64_t bytes_max = 4 * (uint64_t)(all->x2 - all->x1) *
		(uint64_t)(all->y2 - all->y1);
	pixman_region32_fini(&stale);
	pixman_region32_fini(&expected);
	if (!equal) {
		fail_msg("line %d: in buffer %d are stale %s; expected %s",
			line, i, seen, wanted);
	}
	uint64_t before = count_copied();
	read_buffer(i);
	uint64_t copied = count_copied() - before;
	if (copied < bytes || copied > bytes_max) {
		fail_msg("line %d: %llu bytes were copied, not %llu to %llu",
			line, (unsigned long long)copied,
			(unsigned long long)bytes,
			(unsigned long long)bytes_max);
	}
}

#define expect_stale(i, ...) do { \
	const struct rect rects[] = { __VA_ARGS__ }; \
	expect_rects_stale(__LINE__, i, rects, \
		sizeof(rects) / sizeof(rects[0])); \
} while (0)
#define expect_all_stale(i) expect_stale(i, { 0, 0, WIDTH, HEIGHT })
#define expect_fresh(i) expect_rects_stale(__LINE__, i, NULL, 0)

/* A buffer that is shown on the first surface, and was read. */
static void begin_with(int i) {
	show(i, 0, 0, WIDTH, HEIGHT);
	read_buffer(i);
}

/* Several buffers that were each shown and read, the last one last, and lack
 * nothing of one another. */
static void begin_with_all(int count) {
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < count; i++) {
			attach(i);
			if (round == 0) {
				damage_buffer(0, 0, WIDTH, HEIGHT);
			}
			commit();
			read_buffer(i);
		}
	}
	/* Tells the first ones of nothing. */
	for (int i = 0; i < count; i++) {
		attach(i);
		commit();
		expect_fresh(i);
	}
}

/* One buffer */

static void first_commit_makes_all_of_a_buffer_stale(void **state) {
	/* Read before, as an icon may be. */
	read_buffer(0);
	show(0, 1, 2, 3, 4);
	expect_all_stale(0);
}

static void damage_of_a_commit_is_stale(void **state) {
	begin_with(0);
	show(0, 10, 11, 12, 13);
	expect_stale(0, { 10, 11, 12, 13 });
	expect_fresh(0);
}

static void damage_is_not_stale_before_its_commit(void **state) {
	begin_with(0);
	attach(0);
	damage_buffer(10, 11, 12, 13);
	settle();
	expect_fresh(0);
	commit();
	expect_stale(0, { 10, 11, 12, 13 });
}

static void damage_is_used_up_by_its_commit(void **state) {
	begin_with(0);
	show(0, 10, 11, 12, 13);
	read_buffer(0);
	attach(0);
	commit();
	expect_fresh(0);
}

static void damage_of_several_commits_adds_up_until_a_read(void **state) {
	begin_with(0);
	show(0, 10, 11, 12, 13);
	show(0, 100, 11, 5, 6);
	expect_stale(0, { 10, 11, 12, 13 }, { 100, 11, 5, 6 });
}

static void commit_without_damage_makes_nothing_stale(void **state) {
	begin_with(0);
	attach(0);
	commit();
	expect_fresh(0);
	commit();
	expect_fresh(0);
}

static void commit_without_attach_damages_what_is_shown(void **state) {
	begin_with(0);
	damage_buffer(10, 11, 12, 13);
	commit();
	expect_stale(0, { 10, 11, 12, 13 });
}

static void rectangles_of_damage_are_kept_apart(void **state) {
	begin_with(0);
	damage_buffer(10, 10, 5, 5);
	damage_buffer(100, 20, 5, 5);
	damage_buffer(102, 22, 5, 5);
	commit();
	expect_stale(0, { 10, 10, 5, 5 }, { 100, 20, 5, 5 },
		{ 102, 22, 5, 5 });
}

static void too_many_rectangles_become_one(void **state) {
	begin_with(0);
	for (int i = 0; i < 65; i++) {
		damage_buffer(4 * i, i % 2 * 4, 1, 1);
	}
	commit();
	expect_stale(0, { 0, 0, 257, 5 });
}

static void damage_outside_of_the_buffer_is_cut_off(void **state) {
	begin_with(0);
	damage_buffer(-10, -10, 15, 14);
	damage_buffer(WIDTH - 3, HEIGHT - 2, 100, 100);
	damage_buffer(WIDTH, 0, 10, 10);
	damage_buffer(0, HEIGHT, 10, 10);
	damage_buffer(-20, 0, 20, 10);
	commit();
	expect_stale(0, { 0, 0, 5, 4 }, { WIDTH - 3, HEIGHT - 2, 3, 2 });
}

static void damage_without_an_area_is_none(void **state) {
	begin_with(0);
	damage_buffer(5, 5, 0, 10);
	damage_buffer(5, 5, 10, 0);
	damage_buffer(5, 5, -1, 10);
	damage_buffer(5, 5, 10, -1);
	damage_buffer(5, 5, INT32_MIN, INT32_MIN);
	damage(5, 5, -1, 10);
	commit();
	expect_fresh(0);
}

static void damage_of_the_largest_size_is_all_there_is(void **state) {
	begin_with(0);
	damage(0, 0, INT32_MAX, INT32_MAX);
	commit();
	expect_all_stale(0);
	damage_buffer(100, 20, INT32_MAX, INT32_MAX);
	commit();
	expect_stale(0, { 100, 20, WIDTH - 100, HEIGHT - 20 });
	damage_buffer(INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX);
	damage_buffer(INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX);
	commit();
	expect_fresh(0);
}

/* Several buffers */

static void damage_becomes_stale_in_a_buffer_that_is_shown_again(
		void **state) {
	begin_with_all(2);
	show(0, 10, 0, 10, 10);
	expect_stale(0, { 10, 0, 10, 10 });
	/* It holds what it held, until it is committed again. */
	expect_fresh(1);
	show(1, 50, 0, 10, 10);
	expect_stale(1, { 10, 0, 10, 10 }, { 50, 0, 10, 10 });
	expect_fresh(0);
	show(0, 90, 0, 10, 10);
	expect_stale(0, { 50, 0, 10, 10 }, { 90, 0, 10, 10 });
	show(0, 130, 0, 10, 10);
	expect_stale(0, { 130, 0, 10, 10 });
	show(1, 170, 0, 10, 10);
	expect_stale(1, { 90, 0, 10, 10 }, { 130, 0, 10, 10 },
		{ 170, 0, 10, 10 });
}

static void third_buffer_lacks_the_damage_of_two_frames(void **state) {
	begin_with_all(3);
	show(0, 10, 0, 10, 10);
	show(1, 50, 0, 10, 10);
	show(2, 90, 0, 10, 10);
	expect_stale(0, { 10, 0, 10, 10 });
	expect_stale(1, { 10, 0, 10, 10 }, { 50, 0, 10, 10 });
	expect_stale(2, { 10, 0, 10, 10 }, { 50, 0, 10, 10 },
		{ 90, 0, 10, 10 });
	show(0, 130, 0, 10, 10);
	expect_stale(0, { 50, 0, 10, 10 }, { 90, 0, 10, 10 },
		{ 130, 0, 10, 10 });
}

static void buffer_that_comes_late_is_stale_as_a_whole(void **state) {
	begin_with_all(2);
	read_buffer(2);
	show(2, 10, 0, 10, 10);
	expect_all_stale(2);
	show(0, 50, 0, 10, 10);
	expect_stale(0, { 10, 0, 10, 10 }, { 50, 0, 10, 10 });
}

static void attach_that_is_replaced_is_none(void **state) {
	begin_with_all(2);
	attach(0);
	attach(1);
	damage_buffer(10, 0, 10, 10);
	commit();
	expect_stale(1, { 10, 0, 10, 10 });
	show(0, 50, 0, 10, 10);
	expect_stale(0, { 10, 0, 10, 10 }, { 50, 0, 10, 10 });
}

static void copies_that_are_in_use_grow_stale_as_well(void **state) {
	begin_with(0);
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(test.buffers[0],
		SEALPOOL_ACCESS_READ, &access), 0);
	show(0, 10, 0, 10, 10);
	/* Into a second copy, which has nothing yet. */
	uint64_t before = count_copied();
	read_buffer(0);
	assert_int_equal(count_copied() - before, BYTES);
	sealpool_buffer_end_access(&access);
	show(0, 50, 0, 10, 10);
	before = count_copied();
	read_buffer(0);
	expect_between(count_copied() - before, 800, 2000);
	read_buffer(0);
	expect_between(count_copied() - before, 800, 2000);
}

static void buffer_committed_least_recently_is_forgotten(void **state) {
	enum { FOLLOWED = 32 };
	for (int i = 3; i <= FOLLOWED; i++) {
		create_buffer(i, WIDTH, HEIGHT);
	}
	for (int i = 0; i < FOLLOWED; i++) {
		show(i, 10, 0, 10, 10);
	}
	/* This one is newer than the second by now. */
	show(0, 10, 0, 10, 10);
	show(FOLLOWED, 10, 0, 10, 10);
	assert_false(sp_surface_follows(test.buffers[1]));
	for (int i = 0; i <= FOLLOWED; i++) {
		if (i != 1 && !sp_surface_follows(test.buffers[i])) {
			fail_msg("buffer %d is not followed", i);
		}
	}
	/* It is copied each time, and begins anew when it comes back. */
	for (int i = 0; i < 2; i++) {
		uint64_t before = count_copied();
		read_buffer(1);
		assert_int_equal(count_copied() - before, BYTES);
	}
	show(1, 10, 0, 10, 10);
	expect_all_stale(1);
	assert_false(sp_surface_follows(test.buffers[2]));
	/* What is gone makes room. */
	destroy_buffer(3);
	settle();
	show(2, 10, 0, 10, 10);
	assert_true(sp_surface_follows(test.buffers[4]));
}

/* Coordinates */

static void damage_of_the_surface_is_that_of_the_buffer(void **state) {
	begin_with(0);
	damage(10, 11, 12, 13);
	damage_buffer(100, 20, 5, 5);
	commit();
	expect_stale(0, { 10, 11, 12, 13 }, { 100, 20, 5, 5 });
}

static void set_scale(int32_t scale) {
	wl_surface_set_buffer_scale(test.surfaces[0], scale);
}

static void damage_of_the_surface_is_scaled_with_it(void **state) {
	begin_with(0);
	set_scale(3);
	commit();
	read_buffer(0);
	damage(10, 2, 5, 4);
	commit();
	expect_stale(0, { 30, 6, 15, 12 });
	damage(-5, -5, 6, 6);
	damage(WIDTH / 3, 0, 100, 1);
	commit();
	expect_stale(0, { 0, 0, 3, 3 }, { WIDTH / 3 * 3, 0, 2, 3 });
}

static void damage_of_the_buffer_is_not_scaled(void **state) {
	begin_with(0);
	set_scale(2);
	commit();
	read_buffer(0);
	damage_buffer(10, 11, 12, 13);
	commit();
	expect_stale(0, { 10, 11, 12, 13 });
}

static void scaled_damage_does_not_overflow(void **state) {
	begin_with(0);
	set_scale(INT32_MAX);
	commit();
	read_buffer(0);
	damage(0, 0, INT32_MAX, INT32_MAX);
	commit();
	expect_all_stale(0);
	damage(INT32_MIN, INT32_MIN, 10, 10);
	damage(2, 0, INT32_MAX, INT32_MAX);
	commit();
	expect_fresh(0);
}

static void change_of_scale_makes_all_stale(void **state) {
	begin_with_all(2);
	set_scale(2);
	settle();
	expect_fresh(1);
	show(1, 10, 0, 10, 10);
	expect_all_stale(1);
	show(0, 10, 0, 10, 10);
	expect_all_stale(0);
	set_scale(2);
	show(0, 10, 0, 10, 10);
	expect_stale(0, { 10, 0, 10, 10 });
}

static void scale_that_cannot_be_is_ignored(void **state) {
	begin_with(0);
	set_scale(0);
	set_scale(-1);
	damage(10, 11, 12, 13);
	commit();
	expect_stale(0, { 10, 11, 12, 13 });
}

static void scale_before_the_first_buffer_counts(void **state) {
	set_scale(2);
	commit();
	begin_with(0);
	damage(10, 2, 5, 4);
	commit();
	expect_stale(0, { 20, 4, 10, 8 });
}

static void set_transform(int32_t transform) {
	wl_surface_set_buffer_transform(test.surfaces[0], transform);
}

static void change_of_transform_makes_all_stale(void **state) {
	begin_with(0);
	set_transform(WL_OUTPUT_TRANSFORM_90);
	show(0, 10, 0, 10, 10);
	expect_all_stale(0);
	set_transform(WL_OUTPUT_TRANSFORM_NORMAL);
	show(0, 10, 0, 10, 10);
	expect_all_stale(0);
	damage(10, 11, 12, 13);
	commit();
	expect_stale(0, { 10, 11, 12, 13 });
}

static void damage_of_a_transformed_surface_makes_all_stale(void **state) {
	begin_with(0);
	for (int32_t transform = WL_OUTPUT_TRANSFORM_90;
			transform <= WL_OUTPUT_TRANSFORM_FLIPPED_270;
			transform++) {
		set_transform(transform);
		commit();
		read_buffer(0);
		damage(10, 11, 12, 13);
		commit();
		expect_all_stale(0);
		damage_buffer(10, 11, 12, 13);
		commit();
		expect_stale(0, { 10, 11, 12, 13 });
	}
}

static void damage_of_a_surface_with_a_viewport_makes_all_stale(
		void **state) {
	begin_with(0);
	struct wp_viewport *viewport = wp_viewporter_get_viewport(
		test.viewporter, test.surfaces[0]);
	wp_viewport_set_destination(viewport, 100, 100);
	damage(10, 11, 12, 13);
	commit();
	expect_all_stale(0);
	damage_buffer(10, 11, 12, 13);
	commit();
	expect_stale(0, { 10, 11, 12, 13 });
	/* It goes at a commit, and damage may come before or after. */
	damage(10, 11, 12, 13);
	wp_viewport_destroy(viewport);
	commit();
	expect_all_stale(0);
}

static void viewport_before_the_first_buffer_counts(void **state) {
	struct wp_viewport *viewport = wp_viewporter_get_viewport(
		test.viewporter, test.surfaces[0]);
	settle();
	begin_with(0);
	damage(10, 11, 12, 13);
	commit();
	expect_all_stale(0);
	wp_viewport_destroy(viewport);
}

static void surface_that_moves_makes_all_stale(void **state) {
	begin_with(0);
	wl_surface_attach(test.surfaces[0], test.wl_buffers[0], 0, 0);
	wl_surface_offset(test.surfaces[0], 0, 0);
	commit();
	expect_fresh(0);
	wl_surface_offset(test.surfaces[0], 0, 1);
	commit();
	expect_all_stale(0);
	wl_surface_offset(test.surfaces[0], -1, 0);
	commit();
	expect_all_stale(0);
	commit();
	expect_fresh(0);
}

/* Before version 5, attach moves the surface. */
static void attach_that_moves_the_surface_makes_all_stale(void **state) {
	begin_with(0);
	wl_surface_attach(test.surfaces[0], test.wl_buffers[0], 1, 0);
	commit();
	expect_all_stale(0);
	wl_surface_attach(test.surfaces[0], test.wl_buffers[0], 0, -1);
	commit();
	expect_all_stale(0);
}

static void change_of_size_makes_all_stale(void **state) {
	begin_with_all(2);
	create_buffer(3, WIDTH, HEIGHT - 1);
	show(3, 10, 0, 10, 10);
	show(0, 10, 0, 10, 10);
	expect_all_stale(0);
	destroy_buffer(3);
	sealpool_buffer_unref(test.buffers[3]);
	create_buffer(3, WIDTH - 1, HEIGHT);
	show(3, 10, 0, 10, 10);
	show(1, 10, 0, 10, 10);
	expect_all_stale(1);
}

/* Coming and going */

static void buffer_that_returns_after_none_is_stale(void **state) {
	begin_with(0);
	wl_surface_attach(test.surfaces[0], NULL, 0, 0);
	commit();
	expect_fresh(0);
	show(0, 10, 0, 10, 10);
	expect_all_stale(0);
}

static void buffer_that_is_destroyed_before_its_commit_is_none(void **state) {
	begin_with_all(2);
	attach(0);
	settle();
	destroy_buffer(0);
	damage_buffer(10, 0, 10, 10);
	commit();
	expect_fresh(0);
	show(1, 10, 0, 10, 10);
	expect_all_stale(1);
}

/* It shows the last commit for as long as the compositor holds it. */
static void buffer_that_is_destroyed_grows_stale_no_more(void **state) {
	begin_with(0);
	destroy_buffer(0);
	damage_buffer(10, 0, 10, 10);
	commit();
	expect_fresh(0);
	show(1, 0, 0, WIDTH, HEIGHT);
	expect_fresh(0);
}

static void buffer_of_a_destroyed_surface_is_copied_each_time(void **state) {
	begin_with(0);
	expect_fresh(0);
	destroy_surface(0);
	settle();
	for (int i = 0; i < 2; i++) {
		uint64_t before = count_copied();
		read_buffer(0);
		assert_int_equal(count_copied() - before, BYTES);
	}
}

static void surface_that_is_destroyed_with_a_buffer_attached(void **state) {
	begin_with_all(2);
	attach(0);
	damage_buffer(10, 0, 10, 10);
	destroy_surface(0);
	settle();
	destroy_buffer(0);
	destroy_buffer(1);
	settle();
	assert_false(sp_surface_follows(test.buffers[0]));
	assert_false(sp_surface_follows(test.buffers[1]));
}

static void buffer_that_is_shown_elsewhere_is_stale(void **state) {
	begin_with_all(2);
	wl_surface_attach(test.surfaces[1], test.wl_buffers[0], 0, 0);
	wl_surface_damage_buffer(test.surfaces[1], 10, 0, 10, 10);
	wl_surface_commit(test.surfaces[1]);
	settle();
	expect_all_stale(0);
	/* And is the other surface's from now on. */
	show(1, 10, 0, 10, 10);
	wl_surface_attach(test.surfaces[1], test.wl_buffers[0], 0, 0);
	wl_surface_damage_buffer(test.surfaces[1], 50, 0, 10, 10);
	wl_surface_commit(test.surfaces[1]);
	settle();
	expect_stale(0, { 50, 0, 10, 10 });
	expect_stale(1, { 10, 0, 10, 10 });
}

static void buffer_on_two_surfaces_is_stale_at_commits_of_both(void **state) {
	begin_with(0);
	wl_surface_attach(test.surfaces[1], test.wl_buffers[0], 0, 0);
	wl_surface_commit(test.surfaces[1]);
	settle();
	read_buffer(0);
	damage_buffer(10, 0, 10, 10);
	commit();
	expect_all_stale(0);
}

static void surfaces_do_not_damage_each_other(void **state) {
	begin_with(0);
	wl_surface_attach(test.surfaces[1], test.wl_buffers[1], 0, 0);
	wl_surface_commit(test.surfaces[1]);
	settle();
	read_buffer(1);
	show(0, 10, 0, 10, 10);
	expect_fresh(1);
	wl_surface_damage_buffer(test.surfaces[1], 50, 0, 10, 10);
	wl_surface_commit(test.surfaces[1]);
	settle();
	expect_stale(0, { 10, 0, 10, 10 });
	expect_stale(1, { 50, 0, 10, 10 });
}

/* A capture may draw into it without a commit. */
static void buffer_that_is_handed_to_another_request_is_unknown(
		void **state) {
	begin_with_all(2);
	struct zwlr_screencopy_frame_v1 *frame =
		zwlr_screencopy_manager_v1_capture_output(test.screencopy, 0,
			test.output);
	zwlr_screencopy_frame_v1_copy(frame, test.wl_buffers[1]);
	settle();
	for (int i = 0; i < 2; i++) {
		uint64_t before = count_copied();
		read_buffer(1);
		assert_int_equal(count_copied() - before, BYTES);
	}
	expect_fresh(0);
	/* Until it is committed again. */
	show(1, 10, 0, 10, 10);
	expect_all_stale(1);
	show(1, 10, 0, 10, 10);
	expect_stale(1, { 10, 0, 10, 10 });
	zwlr_screencopy_frame_v1_destroy(frame);
}

static void client_that_goes_leaves_its_last_frame(void **state) {
	begin_with_all(2);
	attach(0);
	damage_buffer(10, 0, 10, 10);
	settle();
	wl_client_destroy(test.wl_client);
	assert_null(test.buffers[0]->resource);
	assert_false(sp_surface_follows(test.buffers[0]));
	read_buffer(0);
	read_buffer(1);
}

/* Buffers that are read in place */

/* Makes the file such that all buffers in it can be direct. */
static void fill_and_seal(void) {
	static const char bytes[BYTES] = { 1 };
	for (int i = 0; i < BUFFERS; i++) {
		assert_int_equal(pwrite(test.memory, bytes, BYTES, i * BYTES),
			BYTES);
	}
	assert_int_equal(fcntl(test.memory, F_ADD_SEALS, F_SEAL_SHRINK), 0);
}

static void direct_buffers_are_not_followed(void **state) {
	fill_and_seal();
	create_buffer(3, WIDTH, HEIGHT);
	show(3, 10, 0, 10, 10);
	assert_int_equal(sealpool_buffer_get_kind(test.buffers[3]),
		SEALPOOL_MEMORY_DIRECT);
	assert_false(sp_surface_follows(test.buffers[3]));
	assert_null(test.buffers[3]->view.copies);
}

static void buffer_becomes_direct_at_its_commit(void **state) {
	begin_with_all(2);
	fill_and_seal();
	show(0, 10, 0, 10, 10);
	assert_int_equal(sealpool_buffer_get_kind(test.buffers[0]),
		SEALPOOL_MEMORY_DIRECT);
	show(1, 10, 0, 10, 10);
	assert_false(sp_surface_follows(test.buffers[0]));
}

/* Two globals on one display */

static void second_tracker_leaves_buffers_of_the_first_alone(void **state) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888,
	};
	assert_non_null(sealpool_shm_create(test.display.wl, 2, formats, 2,
		NULL));
	begin_with_all(2);
	show(0, 10, 0, 10, 10);
	uint64_t before = count_copied();
	read_buffer(0);
	expect_between(count_copied() - before, 400, BYTES);
	destroy_surface(0);
	settle();
}

#define TEST_COMMITS(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_COMMITS(first_commit_makes_all_of_a_buffer_stale),
		TEST_COMMITS(damage_of_a_commit_is_stale),
		TEST_COMMITS(damage_is_not_stale_before_its_commit),
		TEST_COMMITS(damage_is_used_up_by_its_commit),
		TEST_COMMITS(damage_of_several_commits_adds_up_until_a_read),
		TEST_COMMITS(commit_without_damage_makes_nothing_stale),
		TEST_COMMITS(commit_without_attach_damages_what_is_shown),
		TEST_COMMITS(rectangles_of_damage_are_kept_apart),
		TEST_COMMITS(too_many_rectangles_become_one),
		TEST_COMMITS(damage_outside_of_the_buffer_is_cut_off),
		TEST_COMMITS(damage_without_an_area_is_none),
		TEST_COMMITS(damage_of_the_largest_size_is_all_there_is),

		TEST_COMMITS(
			damage_becomes_stale_in_a_buffer_that_is_shown_again),
		TEST_COMMITS(third_buffer_lacks_the_damage_of_two_frames),
		TEST_COMMITS(buffer_that_comes_late_is_stale_as_a_whole),
		TEST_COMMITS(attach_that_is_replaced_is_none),
		TEST_COMMITS(copies_that_are_in_use_grow_stale_as_well),
		TEST_COMMITS(buffer_committed_least_recently_is_forgotten),

		TEST_COMMITS(damage_of_the_surface_is_that_of_the_buffer),
		TEST_COMMITS(damage_of_the_surface_is_scaled_with_it),
		TEST_COMMITS(damage_of_the_buffer_is_not_scaled),
		TEST_COMMITS(scaled_damage_does_not_overflow),
		TEST_COMMITS(change_of_scale_makes_all_stale),
		TEST_COMMITS(scale_that_cannot_be_is_ignored),
		TEST_COMMITS(scale_before_the_first_buffer_counts),
		TEST_COMMITS(change_of_transform_makes_all_stale),
		TEST_COMMITS(damage_of_a_transformed_surface_makes_all_stale),
		TEST_COMMITS(
			damage_of_a_surface_with_a_viewport_makes_all_stale),
		TEST_COMMITS(viewport_before_the_first_buffer_counts),
		TEST_COMMITS(surface_that_moves_makes_all_stale),
		TEST_COMMITS(attach_that_moves_the_surface_makes_all_stale),
		TEST_COMMITS(change_of_size_makes_all_stale),

		TEST_COMMITS(buffer_that_returns_after_none_is_stale),
		TEST_COMMITS(
			buffer_that_is_destroyed_before_its_commit_is_none),
		TEST_COMMITS(buffer_that_is_destroyed_grows_stale_no_more),
		TEST_COMMITS(buffer_of_a_destroyed_surface_is_copied_each_time),
		TEST_COMMITS(surface_that_is_destroyed_with_a_buffer_attached),
		TEST_COMMITS(buffer_that_is_shown_elsewhere_is_stale),
		TEST_COMMITS(
			buffer_on_two_surfaces_is_stale_at_commits_of_both),
		TEST_COMMITS(surfaces_do_not_damage_each_other),
		TEST_COMMITS(
			buffer_that_is_handed_to_another_request_is_unknown),
		TEST_COMMITS(client_that_goes_leaves_its_last_frame),

		TEST_COMMITS(direct_buffers_are_not_followed),
		TEST_COMMITS(buffer_becomes_direct_at_its_commit),
		TEST_COMMITS(second_tracker_leaves_buffers_of_the_first_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
