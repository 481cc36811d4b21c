/* SPDX-License-Identifier: MIT */
/*
 * A client's spare: its next pool gets that memory, but shows none of the last pool's
 * bytes; and when the spare is freed.
 */
#include <drm_fourcc.h>
#include <string.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "display.h"
#include "memfd.h"
#include "server/buffer.h"
#include "server/context.h"
#include "server/pool.h"
#include "traces.h"

/* The limits of a client, in pages and fds. */
#define PAGES 1024
#define ALL_PAGES 1200
#define FDS 6

/* Wide enough that holes are looked for. */
#define WIDE 512
#define HIGH 1024

struct fixture {
	struct display display;
	struct wl_client *clients[2];
	int fds[2];
};

static struct fixture fixture;

static int setup(void **state) {
	traces_setup(state);
	display_init(&fixture.display, &(struct sealpool_budget){
		.fds = FDS,
		.shadow_bytes = PAGES * page_size(),
		.all_shadow_bytes = ALL_PAGES * page_size(),
	});
	for (int i = 0; i < 2; i++) {
		fixture.clients[i] =
			display_connect(&fixture.display, &fixture.fds[i]);
	}
	return 0;
}

static int teardown(void **state) {
	display_finish(&fixture.display);
	close(fixture.fds[0]);
	close(fixture.fds[1]);
	return traces_teardown(state);
}

static struct sp_client *get_client(int i) {
	return sp_client_find(fixture.display.context, fixture.clients[i]);
}

/* Creates an unsealed file, with "byte" up to "filled". */
static int create_file(uint64_t size, uint64_t filled, uint8_t byte) {
	int fd = create_memfd((off_t)size, 0);
	fill_memfd(fd, (off_t)filled, byte);
	return fd;
}

struct picture {
	struct sp_pool *pool;
	struct sealpool_buffer *buffer;
	/* The data of the last read access. */
	const uint8_t *data;
};

struct shape {
	int32_t offset, width, height, stride;
};

static struct picture create_picture(int client, int fd, struct shape shape) {
	struct picture picture;
	struct sp_layout layout;
	struct sp_file file;
	const char *reason;
	const struct sp_format *format = sp_format_get(DRM_FORMAT_XRGB8888);
	assert_true(sp_layout_init(&layout, format, shape.offset, shape.width,
		shape.height, shape.stride));
	assert_int_equal(sp_file_init(&file, fd, &reason), 0);
	picture.pool = sp_pool_new(fixture.display.context,
		fixture.clients[client],
		&file, (int32_t)layout.end);
	assert_non_null(picture.pool);
	picture.buffer = sp_buffer_new(picture.pool, &layout, false);
	assert_non_null(picture.buffer);
	return picture;
}

static void destroy_picture(struct picture *picture) {
	sealpool_buffer_unref(picture->buffer);
	sp_pool_unref(picture->pool);
}

static void read_picture(struct picture *picture) {
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(picture->buffer,
		SEALPOOL_ACCESS_READ, &access), 0);
	picture->data = access.data;
	sealpool_buffer_end_access(&access);
}

static const struct shape small = { 0, 32, 32, 128 };
static const struct shape large = { 0, WIDE, HIGH, WIDE * 4 };

static uint64_t get_size(struct shape shape) {
	return (uint64_t)shape.offset +
		(uint64_t)shape.height * (uint64_t)shape.stride;
}

/* Reads and destroys a picture whose bytes are 0xee. Returns where they were read. */
static const uint8_t *leave(int client, struct shape shape) {
	uint64_t size = get_size(shape);
	struct picture picture = create_picture(client,
		create_file(size, size, 0xee), shape);
	read_picture(&picture);
	const uint8_t *data = picture.data;
	destroy_picture(&picture);
	return data;
}

static bool is_kept(int client) {
	return get_client(client)->spare.spare != NULL;
}

static void expect_held(int client, uint64_t bytes) {
	const struct sp_account *account = &get_client(client)->account;
	assert_int_equal(account->used[SP_RESOURCE_SHADOW_BYTES], bytes);
}

/* Fails unless the picture shows "byte" up to "filled", and zeroes after that. */
static void expect_shown(const struct picture *picture, struct shape shape,
		uint64_t filled, uint8_t byte) {
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(picture->buffer,
		SEALPOOL_ACCESS_READ, &access), 0);
	const uint8_t *data = access.data;
	for (uint64_t y = 0; y < (uint64_t)shape.height; y++) {
		for (uint64_t x = 0; x < (uint64_t)shape.width * 4; x++) {
			uint64_t at = y * (uint64_t)shape.stride + x;
			uint8_t wanted = (uint64_t)shape.offset + at < filled ?
				byte : 0;
			if (data[at] != wanted) {
				fail_msg("byte %llu is 0x%02x, not 0x%02x",
					(unsigned long long)at, data[at],
					wanted);
			}
		}
	}
	sealpool_buffer_end_access(&access);
}

/* Fails unless a picture whose file is filled up to here gets the memory of the last
 * one. */
static void expect_in_its_place(struct shape shape, uint64_t size,
		uint64_t filled, const uint8_t *data) {
	struct picture picture = create_picture(0,
		create_file(size, filled, 0x11), shape);
	read_picture(&picture);
	assert_ptr_equal(picture.data, data);
	expect_shown(&picture, shape, filled, 0x11);
	destroy_picture(&picture);
}

static void next_pool_gets_the_memory_of_the_last_one(void **state) {
	uint64_t size = get_size(small);
	const uint8_t *data = leave(0, small);
	assert_true(is_kept(0));
	expect_held(0, size);
	struct picture picture =
		create_picture(0, create_file(size, size, 0x11), small);
	read_picture(&picture);
	assert_ptr_equal(picture.data, data);
	expect_shown(&picture, small, size, 0x11);
	expect_held(0, size);
	assert_false(is_kept(0));
	destroy_picture(&picture);
}

/* A client may destroy its pool first. */
static void buffer_that_outlives_its_pool_leaves_memory_too(void **state) {
	uint64_t size = get_size(small);
	struct picture picture =
		create_picture(0, create_file(size, size, 0xee), small);
	read_picture(&picture);
	sp_pool_unref(picture.pool);
	sealpool_buffer_unref(picture.buffer);
	assert_true(is_kept(0));
}

static void missing_bytes_are_zero(void **state) {
	const struct shape shapes[] = { small, large };
	for (size_t i = 0; i < 2; i++) {
		uint64_t size = get_size(shapes[i]);
		const uint8_t *data = leave(0, shapes[i]);
		expect_in_its_place(shapes[i], 1000, 1000, data);
		data = leave(0, shapes[i]);
		expect_in_its_place(shapes[i], 0, 0, data);
		data = leave(0, shapes[i]);
		expect_in_its_place(shapes[i], size, size, data);
	}
}

static void holes_are_zero(void **state) {
	const uint8_t *data = leave(0, small);
	expect_in_its_place(small, get_size(small), 0, data);
	/* Holes are not copied. */
	data = leave(0, large);
	expect_in_its_place(large, get_size(large), 3 * 4096, data);
	data = leave(0, large);
	expect_in_its_place(large, get_size(large), 0, data);
}

static void memory_that_does_not_fit_is_given_back(void **state) {
	const struct shape shapes[] = { small, large, small };
	leave(0, small);
	for (size_t i = 1; i < 3; i++) {
		uint64_t size = get_size(shapes[i]);
		struct picture picture = create_picture(0,
			create_file(size, size, 0x11), shapes[i]);
		read_picture(&picture);
		expect_held(0, size);
		expect_shown(&picture, shapes[i], size, 0x11);
		destroy_picture(&picture);
	}
}

static void another_client_does_not_get_it(void **state) {
	const uint8_t *data = leave(0, large);
	uint64_t size = get_size(small);
	struct picture picture =
		create_picture(1, create_file(size, 0, 0), small);
	read_picture(&picture);
	assert_ptr_not_equal(picture.data, data);
	expect_shown(&picture, small, 0, 0);
	assert_true(is_kept(0));
	destroy_picture(&picture);
}

static void memory_goes_when_it_is_idle(void **state) {
	struct sp_cache *cache = &fixture.display.context->memory.cache;
	leave(0, small);
	uint64_t since = sp_cache_drop_old(cache, 0);
	assert_int_equal(sp_cache_drop_old(cache, since - 1), since);
	assert_true(is_kept(0));
	assert_int_equal(sp_cache_drop_old(cache, since), UINT64_MAX);
	assert_false(is_kept(0));
	expect_held(0, 0);
}

static void timer_looks_at_it(void **state) {
	fixture.display.context->memory.idle_ms = 1;
	leave(0, small);
	for (int i = 0; i < 2000 && is_kept(0); i++) {
		usleep(1000);
		display_settle(&fixture.display);
	}
	assert_false(is_kept(0));
	expect_held(0, 0);
}

static int charge(int client, uint64_t bytes) {
	return sp_account_charge(&get_client(client)->account,
		SP_RESOURCE_SHADOW_BYTES, bytes);
}

static void discharge(int client, uint64_t bytes) {
	sp_account_discharge(&get_client(client)->account,
		SP_RESOURCE_SHADOW_BYTES, bytes);
}

static void memory_goes_when_its_client_is_short_of_bytes(void **state) {
	leave(0, small);
	assert_int_equal(charge(0, PAGES * page_size()), 0);
	assert_false(is_kept(0));
	discharge(0, PAGES * page_size());
	expect_held(0, 0);
}

static void memory_goes_when_all_are_short_of_bytes(void **state) {
	leave(0, large);
	leave(1, small);
	uint64_t bytes = (ALL_PAGES - PAGES / 2) * page_size();
	assert_int_equal(charge(1, bytes), 0);
	/* Freeing the oldest spare is enough. */
	assert_false(is_kept(0));
	assert_true(is_kept(1));
	discharge(1, bytes);
}

static void memory_goes_with_its_client(void **state) {
	struct sp_account *all = &fixture.display.context->all;
	leave(0, small);
	struct sp_client *client = get_client(0);
	sp_client_ref(client);
	wl_client_destroy(fixture.clients[0]);
	assert_null(client->spare.spare);
	assert_int_equal(all->used[SP_RESOURCE_SHADOW_BYTES], 0);
	sp_client_unref(client);
}

static void nothing_is_kept_for_a_client_that_has_gone(void **state) {
	uint64_t size = get_size(small);
	struct picture picture =
		create_picture(0, create_file(size, size, 0xee), small);
	read_picture(&picture);
	struct sp_client *client = get_client(0);
	sp_client_ref(client);
	wl_client_destroy(fixture.clients[0]);
	destroy_picture(&picture);
	assert_null(client->spare.spare);
	sp_client_unref(client);
}

#define TEST_SPARE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_SPARE(next_pool_gets_the_memory_of_the_last_one),
		TEST_SPARE(buffer_that_outlives_its_pool_leaves_memory_too),
		TEST_SPARE(missing_bytes_are_zero),
		TEST_SPARE(holes_are_zero),
		TEST_SPARE(memory_that_does_not_fit_is_given_back),
		TEST_SPARE(another_client_does_not_get_it),
		TEST_SPARE(memory_goes_when_it_is_idle),
		TEST_SPARE(timer_looks_at_it),
		TEST_SPARE(memory_goes_when_its_client_is_short_of_bytes),
		TEST_SPARE(memory_goes_when_all_are_short_of_bytes),
		TEST_SPARE(memory_goes_with_its_client),
		TEST_SPARE(nothing_is_kept_for_a_client_that_has_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
