/* SPDX-License-Identifier: MIT */
/*
 * Shadows that are used again: that a client's next pool gets one, that nothing
 * of the last pool shows through it, and when one is given back.
 */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "context.h"
#include "display.h"
#include "idle.h"
#include "kept.h"
#include "memory.h"
#include "pool.h"
#include "traces.h"

/* What clients may hold here, in pages and fds. */
#define PAGES 1024
#define ALL_PAGES 1200
#define FDS 6

/* Large enough to be looked for holes. */
#define WIDE 512
#define HIGH 1024

struct fixture {
	struct display display;
	struct wl_client *clients[2];
	int fds[2];
};

static struct fixture fixture;

static uint64_t page_size(void) {
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static int setup(void **state) {
	traces_setup(state);
	display_init(&fixture.display, &(struct sealpool_budget){
		.fds = FDS,
		.shadow_bytes = PAGES * page_size(),
		.all_shadow_bytes = ALL_PAGES * page_size(),
	});
	/* It is copies that this is about. */
	fixture.display.context->nofault = false;
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

/* An unsealed file, all of "byte" up to "filled". */
static int create_file(uint64_t size, uint64_t filled, uint8_t byte) {
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	uint8_t bytes[4096];
	memset(bytes, byte, sizeof(bytes));
	for (uint64_t at = 0; at < filled; at += sizeof(bytes)) {
		size_t length = filled - at < sizeof(bytes) ?
			(size_t)(filled - at) : sizeof(bytes);
		assert_int_equal(pwrite(fd, bytes, length, (off_t)at), length);
	}
	return fd;
}

struct picture {
	struct sp_pool *pool;
	struct sealpool_buffer *buffer;
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
	picture.buffer = sp_buffer_new(picture.pool, &layout);
	assert_non_null(picture.buffer);
	sp_memory_init(picture.buffer);
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
	sealpool_access_end(&access);
	assert_true(picture->pool->has_shadow);
}

static ino_t get_ino(const struct picture *picture) {
	struct stat st;
	assert_int_equal(fstat(picture->pool->shadow.fd, &st), 0);
	return st.st_ino;
}

static const struct shape small = { 0, 32, 32, 128 };
static const struct shape large = { 0, WIDE, HIGH, WIDE * 4 };

static uint64_t get_size(struct shape shape) {
	return (uint64_t)shape.offset +
		(uint64_t)shape.height * (uint64_t)shape.stride;
}

/* A picture all of 0xee was read and is gone; returns its shadow's file. */
static ino_t leave(int client, struct shape shape) {
	uint64_t size = get_size(shape);
	struct picture picture = create_picture(client,
		create_file(size, size, 0xee), shape);
	read_picture(&picture);
	ino_t ino = get_ino(&picture);
	destroy_picture(&picture);
	return ino;
}

static bool is_kept(int client) {
	return get_client(client)->kept != NULL;
}

static void expect_held(int client, uint64_t fds, uint64_t bytes) {
	const struct sp_client *held = get_client(client);
	if (held->fds != fds || held->shadow_bytes != bytes) {
		fail_msg("the client has %llu fds and %llu bytes, not %llu "
			"and %llu", (unsigned long long)held->fds,
			(unsigned long long)held->shadow_bytes,
			(unsigned long long)fds, (unsigned long long)bytes);
	}
}

/* The shadow's pixels: of "byte" up to "filled", and zeroes. What is between and
 * beside them may be the last pool's. */
static void expect_shadow(const struct picture *picture, struct shape shape,
		uint64_t filled, uint8_t byte) {
	uint8_t page[4096];
	for (uint64_t at = 0;; at += sizeof(page)) {
		ssize_t got = pread(picture->pool->shadow.fd, page,
			sizeof(page), (off_t)at);
		assert_true(got >= 0);
		for (uint64_t i = 0; i < (uint64_t)got; i++) {
			uint64_t from = at + i - (uint64_t)shape.offset;
			bool pixel = at + i >= (uint64_t)shape.offset &&
				at + i < get_size(shape) &&
				from % (uint64_t)shape.stride <
					(uint64_t)shape.width * 4;
			uint8_t wanted = at + i < filled ? byte : 0;
			if (pixel && page[i] != wanted) {
				fail_msg("byte %llu is 0x%02x, not 0x%02x",
					(unsigned long long)(at + i), page[i],
					wanted);
			}
		}
		if (got < (ssize_t)sizeof(page)) {
			return;
		}
	}
}

/* A picture, of a file that is filled so far, in the place of the last one. */
static void expect_in_its_place(struct shape shape, uint64_t size,
		uint64_t filled, ino_t ino) {
	struct picture picture = create_picture(0,
		create_file(size, filled, 0x11), shape);
	read_picture(&picture);
	assert_int_equal(get_ino(&picture), ino);
	expect_shadow(&picture, shape, filled, 0x11);
	destroy_picture(&picture);
}

static void next_pool_gets_the_shadow_of_the_last_one(void **state) {
	uint64_t size = get_size(small);
	struct picture picture =
		create_picture(0, create_file(size, size, 0xee), small);
	read_picture(&picture);
	ino_t ino = get_ino(&picture);
	const uint8_t *data = picture.pool->shadow.mapping->data;
	expect_held(0, 2, size);
	destroy_picture(&picture);
	expect_held(0, 1, size);

	picture = create_picture(0, create_file(size, size, 0x11), small);
	read_picture(&picture);
	assert_int_equal(get_ino(&picture), ino);
	assert_ptr_equal(picture.pool->shadow.mapping->data, data);
	expect_shadow(&picture, small, size, 0x11);
	expect_held(0, 2, size);
	assert_false(is_kept(0));
	destroy_picture(&picture);
}

/* A client may destroy its pool first. */
static void buffer_that_outlives_its_pool_leaves_a_shadow_too(void **state) {
	uint64_t size = get_size(small);
	struct picture picture =
		create_picture(0, create_file(size, size, 0xee), small);
	read_picture(&picture);
	sp_pool_unref(picture.pool);
	sealpool_buffer_unref(picture.buffer);
	assert_true(is_kept(0));
}

static void missing_bytes_are_zero(void **state) {
	uint64_t size = get_size(small);
	ino_t ino = leave(0, small);
	expect_in_its_place(small, 1000, 1000, ino);
	ino = leave(0, small);
	expect_in_its_place(small, 0, 0, ino);
	ino = leave(0, small);
	expect_in_its_place(small, size, size, ino);
}

static void missing_bytes_of_a_large_file_are_zero(void **state) {
	ino_t ino = leave(0, large);
	expect_in_its_place(large, 5000, 5000, ino);
	ino = leave(0, large);
	expect_in_its_place(large, 0, 0, ino);
}

static void holes_are_zero(void **state) {
	ino_t ino = leave(0, small);
	expect_in_its_place(small, get_size(small), 0, ino);
	/* These are not copied. */
	ino = leave(0, large);
	expect_in_its_place(large, get_size(large), 3 * 4096, ino);
	ino = leave(0, large);
	expect_in_its_place(large, get_size(large), 0, ino);
}

static void memory_that_is_not_needed_is_given_back(void **state) {
	const struct shape full = { 0, 1024, 10, 4096 };
	const struct shape within = { 3 * 4096, 1024, 6, 4096 };
	ino_t ino = leave(0, full);
	struct picture picture = create_picture(0,
		create_file(get_size(within), get_size(within), 0x11), within);
	read_picture(&picture);
	assert_int_equal(get_ino(&picture), ino);
	expect_held(0, 2, 6 * 4096);
	expect_shadow(&picture, within, get_size(within), 0x11);
	destroy_picture(&picture);
	expect_held(0, 1, 6 * 4096);
}

static void shadow_that_does_not_fit_is_given_back(void **state) {
	const struct shape others[] = {
		/* Larger; much smaller; elsewhere. */
		{ 0, 32, 33, 128 }, { 0, 32, 32, 128 }, { 4096, 32, 96, 128 },
	};
	const struct shape left[] = {
		{ 0, 32, 32, 128 }, { 0, 32, 96, 128 }, { 0, 32, 96, 128 },
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		leave(0, left[i]);
		uint64_t size = get_size(others[i]);
		struct picture picture = create_picture(0,
			create_file(size, size, 0x11), others[i]);
		read_picture(&picture);
		assert_false(is_kept(0));
		expect_shadow(&picture, others[i], size, 0x11);
		/* And its memory is the other's alone. */
		uint64_t bytes = size - (uint64_t)others[i].offset + 4095;
		expect_held(0, 2, bytes & ~4095ull);
		destroy_picture(&picture);
		sp_kept_drop(get_client(0));
	}
}

static void another_buffer_of_the_pool_sees_nothing_of_it(void **state) {
	ino_t ino = leave(0, (struct shape){ 0, 32, 64, 128 });
	const struct shape first = { 0, 32, 32, 128 };
	uint64_t size = get_size(first);
	struct picture picture =
		create_picture(0, create_file(size, size, 0x11), first);
	read_picture(&picture);
	assert_int_equal(get_ino(&picture), ino);
	struct sp_layout layout;
	const struct sp_format *format = sp_format_get(DRM_FORMAT_XRGB8888);
	assert_true(sp_layout_init(&layout, format, 0, 16, 64, 128));
	struct sealpool_buffer *other = sp_buffer_new(picture.pool, &layout);
	sp_memory_init(other);
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(other,
		SEALPOOL_ACCESS_READ, &access), 0);
	sealpool_access_end(&access);
	expect_shadow(&picture, first, size, 0x11);
	sealpool_buffer_unref(other);
	destroy_picture(&picture);
}

static void another_client_does_not_get_it(void **state) {
	ino_t ino = leave(0, small);
	uint64_t size = get_size(small);
	struct picture picture =
		create_picture(1, create_file(size, 0, 0), small);
	read_picture(&picture);
	assert_int_not_equal(get_ino(&picture), ino);
	expect_shadow(&picture, small, 0, 0);
	assert_true(is_kept(0));
	destroy_picture(&picture);
}

static void shadow_that_is_lent_is_not_kept(void **state) {
	uint64_t size = get_size(small);
	struct picture picture =
		create_picture(0, create_file(size, size, 0xee), small);
	assert_int_equal(sp_pool_need_shadow(picture.pool), 0);
	picture.pool->shadow_lent = true;
	assert_int_equal(sp_memory_sync(picture.buffer, 0), 0);
	destroy_picture(&picture);
	assert_false(is_kept(0));
	expect_held(0, 0, 0);
}

static void shadow_goes_when_it_is_idle(void **state) {
	leave(0, small);
	uint64_t since = get_client(0)->kept->since;
	assert_int_equal(sp_kept_drop_idle(get_client(0), since + 99, 100),
		since + 100);
	assert_true(is_kept(0));
	assert_int_equal(sp_kept_drop_idle(get_client(0), since + 100, 100),
		UINT64_MAX);
	assert_false(is_kept(0));
	expect_held(0, 0, 0);
	assert_int_equal(sp_kept_drop_idle(get_client(0), since + 100, 100),
		UINT64_MAX);
}

static void timer_looks_at_it(void **state) {
	struct sp_idle *idle = &fixture.display.context->idle;
	idle->after = 1;
	leave(0, small);
	for (int i = 0; i < 2000 && is_kept(0); i++) {
		usleep(1000);
		display_settle(&fixture.display);
	}
	assert_false(is_kept(0));
	expect_held(0, 0, 0);
}

static void shadow_goes_when_its_client_is_short_of_bytes(void **state) {
	leave(0, small);
	assert_int_equal(sp_client_charge_bytes(get_client(0),
		PAGES * page_size()), 0);
	assert_false(is_kept(0));
	sp_client_discharge_bytes(get_client(0), PAGES * page_size());
	expect_held(0, 0, 0);
}

static void shadow_goes_when_its_client_is_short_of_fds(void **state) {
	leave(0, small);
	for (int i = 0; i < FDS; i++) {
		assert_int_equal(sp_client_charge_fd(get_client(0)), 0);
	}
	assert_false(is_kept(0));
	for (int i = 0; i < FDS; i++) {
		sp_client_discharge_fd(get_client(0));
	}
	expect_held(0, 0, 0);
}

/* Rather than a client that holds much. */
static void shadow_goes_when_all_are_short_of_bytes(void **state) {
	leave(0, large);
	leave(1, small);
	uint64_t bytes = (ALL_PAGES - PAGES / 2) * page_size();
	assert_int_equal(sp_client_charge_bytes(get_client(1), bytes), 0);
	display_settle(&fixture.display);
	assert_false(is_kept(0));
	assert_int_equal(fixture.display.messages, 0);
	sp_client_discharge_bytes(get_client(1), bytes);
}

static void shadow_goes_with_its_client(void **state) {
	leave(0, small);
	struct sp_client *client = get_client(0);
	sp_client_ref(client);
	wl_client_destroy(fixture.clients[0]);
	assert_int_equal(client->shadow_bytes, 0);
	assert_int_equal(client->fds, 0);
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
	assert_int_equal(client->shadow_bytes, 0);
	assert_int_equal(client->fds, 0);
	sp_client_unref(client);
}

#define TEST_KEPT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_KEPT(next_pool_gets_the_shadow_of_the_last_one),
		TEST_KEPT(buffer_that_outlives_its_pool_leaves_a_shadow_too),
		TEST_KEPT(missing_bytes_are_zero),
		TEST_KEPT(missing_bytes_of_a_large_file_are_zero),
		TEST_KEPT(holes_are_zero),
		TEST_KEPT(memory_that_is_not_needed_is_given_back),
		TEST_KEPT(shadow_that_does_not_fit_is_given_back),
		TEST_KEPT(another_buffer_of_the_pool_sees_nothing_of_it),
		TEST_KEPT(another_client_does_not_get_it),
		TEST_KEPT(shadow_that_is_lent_is_not_kept),
		TEST_KEPT(shadow_goes_when_it_is_idle),
		TEST_KEPT(timer_looks_at_it),
		TEST_KEPT(shadow_goes_when_its_client_is_short_of_bytes),
		TEST_KEPT(shadow_goes_when_its_client_is_short_of_fds),
		TEST_KEPT(shadow_goes_when_all_are_short_of_bytes),
		TEST_KEPT(shadow_goes_with_its_client),
		TEST_KEPT(nothing_is_kept_for_a_client_that_has_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
