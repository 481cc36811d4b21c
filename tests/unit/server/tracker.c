/* SPDX-License-Identifier: MIT */
#include <pixman.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "globals.h"
#include "image/copies.h"
#include "memfd.h"
#include "server/buffer.h"
#include "tracker.h"
#include "viewporter-client-protocol.h"
#include "wlr-screencopy-unstable-v1-client-protocol.h"

struct tracker test;

/* The compositor does not read buffers by itself. */

static const struct compositor_impl impl = { 0 };

static void handle_new_buffer(struct wl_listener *listener, void *data) {
	test.newest = data;
}

/* The client */

void settle(void) {
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

void create_buffer(int i, int32_t width, int32_t height) {
	test.wl_buffers[i] = wl_shm_pool_create_buffer(test.pool, i * BYTES,
		width, height, STRIDE, WL_SHM_FORMAT_XRGB8888);
	settle();
	test.buffers[i] = sealpool_buffer_ref(test.newest);
}

static void connect_client(void **state) {
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
}

void create_pool(void) {
	test.memory = create_memfd(BUFFERS * BYTES, 0);
	test.pool = wl_shm_create_pool(test.shm, test.memory, BUFFERS * BYTES);
	settle();
}

static void create_surfaces(void) {
	for (int i = 0; i < SURFACES; i++) {
		test.surfaces[i] =
			wl_compositor_create_surface(test.compositor);
	}
	settle();
}

int tracker_setup(void **state) {
	connect_client(state);
	create_pool();
	for (int i = 0; i < 3; i++) {
		create_buffer(i, WIDTH, HEIGHT);
	}
	create_surfaces();
	return 0;
}

int tracker_setup_surfaces(void **state) {
	connect_client(state);
	create_surfaces();
	return 0;
}

void destroy_buffer(int i) {
	wl_buffer_destroy(test.wl_buffers[i]);
	test.wl_buffers[i] = NULL;
}

void destroy_surface(int i) {
	wl_surface_destroy(test.surfaces[i]);
	test.surfaces[i] = NULL;
}

int tracker_teardown(void **state) {
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

void attach(int i) {
	wl_surface_attach(test.surfaces[0], test.wl_buffers[i], 0, 0);
}

void damage_buffer(int32_t x, int32_t y, int32_t width,
		int32_t height) {
	wl_surface_damage_buffer(test.surfaces[0], x, y, width, height);
}

void damage(int32_t x, int32_t y, int32_t width, int32_t height) {
	wl_surface_damage(test.surfaces[0], x, y, width, height);
}

void commit(void) {
	wl_surface_commit(test.surfaces[0]);
	settle();
}

void show(int i, int32_t x, int32_t y, int32_t width, int32_t height) {
	attach(i);
	damage_buffer(x, y, width, height);
	commit();
}

void show_elsewhere(int i, int32_t x, int32_t y, int32_t width,
		int32_t height) {
	wl_surface_attach(test.surfaces[1], test.wl_buffers[i], 0, 0);
	wl_surface_damage_buffer(test.surfaces[1], x, y, width, height);
	wl_surface_commit(test.surfaces[1]);
	settle();
}

/* The compositor's view */

void read_buffer(int i) {
	struct sealpool_access access;
	int ret = sealpool_buffer_begin_access(test.buffers[i],
		SEALPOOL_ACCESS_READ, &access);
	if (ret < 0) {
		fail_msg("buffer %d cannot be read: %s", i, strerror(-ret));
	}
	sealpool_buffer_end_access(&access);
}

uint64_t count_copied(void) {
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

void expect_rects_stale(int line, int i, const struct rect *rects,
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
		fail_msg("line %d: buffer %d has %s stale; expected %s",
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

void expect_copied_each_time(int i) {
	for (int round = 0; round < 2; round++) {
		uint64_t before = count_copied();
		read_buffer(i);
		assert_int_equal(count_copied() - before, BYTES);
	}
}

void begin_with(int i) {
	show(i, 0, 0, WIDTH, HEIGHT);
	read_buffer(i);
}

void begin_with_all(int count) {
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
	/* Damages nothing of the first ones. */
	for (int i = 0; i < count; i++) {
		attach(i);
		commit();
		expect_current(i);
	}
}
