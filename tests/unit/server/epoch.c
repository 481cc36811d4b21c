/* SPDX-License-Identifier: MIT */
/* What is copied for several requests that were read from the socket at once. */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <pixman.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "display.h"
#include "image/format.h"
#include "memfd.h"
#include "memory/file.h"
#include "server/buffer.h"
#include "server/context.h"
#include "server/pool.h"

#define SIDE 64
#define BYTES (SIDE * SIDE * 4)

struct fixture {
	struct display display;
	int fd;
	/* The client's own fd. */
	int file_fd;
	struct sp_pool *pool;
	struct sealpool_buffer *buffer;
	uint64_t copied;
};

static struct fixture fixture;

static uint64_t get_epoch(void) {
	return sp_client_get_epoch(fixture.pool->client);
}

static void draw(uint8_t value) {
	uint8_t bytes[BYTES];
	memset(bytes, value, sizeof(bytes));
	assert_int_equal(pwrite(fixture.file_fd, bytes, BYTES, 0), BYTES);
}

/* A buffer in an unsealed file, which is copied. */
static int setup(void **state) {
	traces_setup(state);
	display_init(&fixture.display, NULL);
	struct wl_client *client =
		display_connect(&fixture.display, &fixture.fd);
	int fd = create_memfd(0, 0);
	fixture.file_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	draw(1);
	struct sp_file file;
	const char *reason;
	struct sp_layout layout;
	const struct sp_format *format = sp_format_get(DRM_FORMAT_XRGB8888);
	if (sp_file_init(&file, fd, &reason) < 0 || !sp_layout_init(&layout,
			format, 0, SIDE, SIDE, SIDE * 4)) {
		return -1;
	}
	fixture.pool = sp_pool_new(fixture.display.context, client, &file, BYTES);
	assert_int_equal(sp_backing_pin(&fixture.pool->backing), 0);
	fixture.buffer = sp_buffer_new(fixture.pool, &layout, true);
	fixture.buffer->resource = wl_resource_create(client,
		&wl_buffer_interface, 1, 0);
	sp_view_set_tracked(&fixture.buffer->view, true, get_epoch());
	fixture.copied = 0;
	return 0;
}

static int teardown(void **state) {
	sealpool_buffer_unref(fixture.buffer);
	sp_pool_unref(fixture.pool);
	display_finish(&fixture.display);
	close(fixture.fd);
	close(fixture.file_fd);
	return traces_teardown(state);
}

static void end_epoch(void) {
	wl_event_loop_dispatch(fixture.display.loop, 0);
}

/* Commits the pixels from "left" to "right", and reads them. Returns the number of bytes
 * copied. */
static uint64_t commit(int32_t left, int32_t right) {
	pixman_region32_t region;
	pixman_region32_init_rect(&region, left, 0, (unsigned)(right - left),
		SIDE);
	sp_client_note_request(fixture.pool->client);
	sp_view_age(&fixture.buffer->view, &region, get_epoch());
	pixman_region32_fini(&region);
	assert_int_equal(sp_view_sync(&fixture.buffer->view, get_epoch()), 0);
	uint64_t before = fixture.copied;
	fixture.copied = fixture.pool->client->counters.copied_in;
	return fixture.copied - before;
}

static uint8_t shown(void) {
	const uint8_t *data = fixture.pool->backing.pinned.shadow.mapping->data;
	return data[BYTES - 1];
}

static void what_is_committed_again_is_copied_once(void **state) {
	assert_int_equal(commit(0, SIDE), BYTES);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(commit(0, SIDE), 0);
	}
	assert_int_equal(shown(), 1);
}

static void the_next_epoch_copies_again(void **state) {
	assert_int_equal(commit(0, SIDE), BYTES);
	for (uint8_t i = 2; i < 5; i++) {
		end_epoch();
		draw(i);
		assert_int_equal(commit(0, SIDE), BYTES);
		assert_int_equal(shown(), i);
		assert_int_equal(commit(0, SIDE), 0);
	}
}

static void what_was_not_copied_yet_is(void **state) {
	commit(0, SIDE);
	end_epoch();
	draw(2);
	assert_int_equal(commit(0, SIDE / 2), BYTES / 2);
	assert_int_equal(shown(), 1);
	assert_int_equal(commit(SIDE / 4, SIDE), BYTES / 2);
	assert_int_equal(shown(), 2);
	assert_int_equal(commit(0, SIDE), 0);
}

/* It may have been read before the client's requests were read from the socket. */
static void what_was_read_before_them_counts_for_nothing(void **state) {
	commit(0, SIDE);
	end_epoch();
	sp_view_age(&fixture.buffer->view, NULL, get_epoch());
	assert_int_equal(sp_view_sync(&fixture.buffer->view, get_epoch()), 0);
	fixture.copied = fixture.pool->client->counters.copied_in;
	draw(2);
	assert_int_equal(commit(0, SIDE), BYTES);
	assert_int_equal(shown(), 2);
}

/* Syncs the buffer, as for a request. Returns the number of bytes copied. */
static uint64_t sync_untracked(void) {
	sp_client_note_request(fixture.pool->client);
	sp_view_set_tracked(&fixture.buffer->view, false, get_epoch());
	pixman_region32_t stale;
	pixman_region32_init(&stale);
	sp_view_get_stale(&fixture.buffer->view, get_epoch(), &stale);
	pixman_box32_t told = *pixman_region32_extents(&stale);
	pixman_region32_fini(&stale);
	assert_int_equal(sp_view_sync(&fixture.buffer->view, get_epoch()), 0);
	uint64_t before = fixture.copied;
	fixture.copied = fixture.pool->client->counters.copied_in;
	assert_int_equal(fixture.copied - before,
		(told.x2 - told.x1) * (told.y2 - told.y1) * 4);
	return fixture.copied - before;
}

/* A buffer in another request than wl_surface's is drawn without a commit, but before the
 * request. */
static void what_is_not_tracked_is_copied_once_an_epoch(void **state) {
	assert_int_equal(sync_untracked(), BYTES);
	for (uint8_t i = 2; i < 5; i++) {
		assert_int_equal(sync_untracked(), 0);
		end_epoch();
		draw(i);
		assert_int_equal(sync_untracked(), BYTES);
		assert_int_equal(shown(), i);
	}
}

static void what_becomes_tracked_is_copied_once_an_epoch(void **state) {
	assert_int_equal(sync_untracked(), BYTES);
	sp_view_set_tracked(&fixture.buffer->view, true, get_epoch());
	assert_int_equal(commit(0, SIDE), 0);
	end_epoch();
	assert_int_equal(sync_untracked(), BYTES);
	end_epoch();
	draw(2);
	sp_client_note_request(fixture.pool->client);
	sp_view_set_tracked(&fixture.buffer->view, true, get_epoch());
	assert_int_equal(commit(0, 1), BYTES);
	assert_int_equal(shown(), 2);
}

/* An access of the compositor's own, without a request. */
static void what_is_not_tracked_is_copied_for_each_access(void **state) {
	commit(0, SIDE);
	sp_view_set_tracked(&fixture.buffer->view, false, get_epoch());
	for (uint8_t i = 2; i < 5; i++) {
		draw(i);
		struct sealpool_access access;
		assert_int_equal(sealpool_buffer_begin_access(fixture.buffer,
			SEALPOOL_ACCESS_READ, &access), 0);
		uint8_t seen = shown();
		sealpool_buffer_end_access(&access);
		assert_int_equal(seen, i);
	}
}

static void what_is_missing_is_looked_for_each_time(void **state) {
	assert_int_equal(ftruncate(fixture.file_fd, BYTES / 2), 0);
	assert_int_equal(commit(0, SIDE), BYTES / 2);
	assert_int_equal(shown(), 0);
	draw(2);
	assert_int_equal(commit(0, SIDE), BYTES);
	assert_int_equal(shown(), 2);
}

/* The number of remembered rectangles is limited, and the result stays right. */
static void many_shapes_are_copied_at_least_once(void **state) {
	commit(0, SIDE);
	end_epoch();
	draw(2);
	for (int32_t i = 0; i < SIDE; i += 2) {
		sp_client_note_request(fixture.pool->client);
		pixman_box32_t boxes[SIDE / 2];
		for (int32_t y = 0; y < SIDE; y += 2) {
			boxes[y / 2] = (pixman_box32_t){ i, y, i + 1, y + 1 };
		}
		pixman_region32_t region;
		pixman_region32_init_rects(&region, boxes, SIDE / 2);
		sp_view_age(&fixture.buffer->view, &region, get_epoch());
		pixman_region32_fini(&region);
		assert_int_equal(sp_view_sync(&fixture.buffer->view, get_epoch()), 0);
	}
	const uint8_t *data = fixture.pool->backing.pinned.shadow.mapping->data;
	for (int32_t y = 0; y < SIDE; y += 2) {
		for (int32_t x = 0; x < SIDE; x += 2) {
			assert_int_equal(data[(y * SIDE + x) * 4], 2);
		}
	}
	commit(0, SIDE);
	assert_int_equal(shown(), 2);
}

int main(void) {
#define TEST_TURN(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST_TURN(what_is_committed_again_is_copied_once),
		TEST_TURN(the_next_epoch_copies_again),
		TEST_TURN(what_was_not_copied_yet_is),
		TEST_TURN(what_was_read_before_them_counts_for_nothing),
		TEST_TURN(what_is_not_tracked_is_copied_once_an_epoch),
		TEST_TURN(what_becomes_tracked_is_copied_once_an_epoch),
		TEST_TURN(what_is_not_tracked_is_copied_for_each_access),
		TEST_TURN(what_is_missing_is_looked_for_each_time),
		TEST_TURN(many_shapes_are_copied_at_least_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
