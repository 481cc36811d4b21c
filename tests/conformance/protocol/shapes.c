/* SPDX-License-Identifier: MIT */
/*
 * Buffers of unusual shapes are shown correctly, or at least do no harm.
 */
#include <wayland-client.h>

#include "binding.h"
#include "picture.h"

enum odd_place {
	STRIDE_AND_1,
	STRIDE_AND_2,
	STRIDE_AND_3,
	LAST_ROW_UNPADDED,
};

static const struct place odd_places[] = {
	[STRIDE_AND_1] = { 0, WIDTH, HEIGHT, STRIDE + 1, 2 * BYTES },
	[STRIDE_AND_2] = { 0, WIDTH, HEIGHT, STRIDE + 2, 2 * BYTES },
	[STRIDE_AND_3] = { 0, WIDTH, HEIGHT, STRIDE + 3, 2 * BYTES },
	[LAST_ROW_UNPADDED] = { 0, WIDTH, HEIGHT, 2 * STRIDE,
		2 * BYTES - STRIDE },
};

static void odd_place_harms_nobody(struct test *test) {
	const struct place *place = &odd_places[test->argument];
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, place->size);
	must(test, client_buffer_create(&pool, &buffer, place->offset,
		place->width, place->height, place->stride));
	if (passes(test)) {
		struct client_window window;
		create_window(test, &window);
		commit_buffer(&window.surface, &buffer);
		passes(test);
	}
}

enum right_place {
	WHOLE_POOL,
	END_OF_POOL,
	AFTER_1_BYTE,
	AFTER_2_BYTES,
	AFTER_3_BYTES,
	ACROSS_PAGES,
	ONE_PIXEL,
	WIDE,
	TALL,
	PADDED,
};

static const struct place right_places[] = {
	[WHOLE_POOL] = { 0, WIDTH, HEIGHT, STRIDE },
	[END_OF_POOL] = { FAR, WIDTH, HEIGHT, STRIDE, FAR + BYTES },
	[AFTER_1_BYTE] = { 1, WIDTH, HEIGHT, STRIDE, BYTES + 1 },
	[AFTER_2_BYTES] = { 2, WIDTH, HEIGHT, STRIDE, BYTES + 2 },
	[AFTER_3_BYTES] = { 3, WIDTH, HEIGHT, STRIDE, BYTES + 3 },
	[ACROSS_PAGES] = { 4096 - 4, WIDTH, HEIGHT, STRIDE, 4096 + BYTES },
	[ONE_PIXEL] = { 0, 1, 1, 4, 4 },
	[WIDE] = { 0, 16384, 1, 16384 * 4, 16384 * 4 },
	[TALL] = { 0, 1, 16384, 4, 16384 * 4 },
	[PADDED] = { 0, WIDTH, HEIGHT, 4096, 4096 * HEIGHT },
};

static void right_buffer_works(struct test *test) {
	const struct place *place = &right_places[test->argument];
	int32_t size = place->size != 0 ? place->size : BYTES;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, size);
	must(test, client_buffer_create(&pool, &buffer, place->offset,
		place->width, place->height, place->stride));
	expect_alive_after(test, "wl_shm_pool.create_buffer");
	commit_without_role(test, &buffer);
	expect_alive_after(test, "a commit of the buffer");
	/* Others are too large for a window, or too small to be found. */
	if (place->width == WIDTH) {
		show_alone(test, &buffer, 1, "the buffer");
	}
}

static void pixels_of_two_bytes_may_be_odd(struct test *test) {
	static struct announced announced;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	get_formats(test, &announced);
	if (!has_format(&announced, WL_SHM_FORMAT_RGB565)) {
		test_skip(test, "rgb565 is not announced");
	}
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED,
		(WIDTH - 1) * 2 * HEIGHT);
	must(test, client_buffer_create_with_format(&pool, &buffer, 0,
		WIDTH - 1, HEIGHT, (WIDTH - 1) * 2, WL_SHM_FORMAT_RGB565));
	expect_alive_after(test, "wl_shm_pool.create_buffer");
	commit_without_role(test, &buffer);
	expect_alive_after(test, "a commit of the buffer");
}

/* The distance between two buffers of one pool, in rows. */
static void buffers_share_rows(struct test *test) {
	int32_t rows = (int32_t)test->argument;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer all, upper, lower;
	struct client_image picture;
	struct client_window windows[2];
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 2 * BYTES);
	must(test, client_buffer_create(&pool, &all, 0, WIDTH, HEIGHT + rows,
		STRIDE));
	create_buffer(test, &pool, &upper, 0);
	create_buffer(test, &pool, &lower, rows * STRIDE);
	must(test, client_buffer_get_image(&test->client, &all, &picture));
	client_image_draw(&picture, 1);
	client_buffer_destroy(&all);
	struct client_buffer *both[] = { &upper, &lower };
	for (size_t i = 0; i < 2; i++) {
		create_window(test, &windows[i]);
		commit_buffer(&windows[i].surface, both[i]);
		expect_alive_after(test, "a commit of one of two buffers that "
			"share pixels");
		must(test, client_buffer_get_image(&test->client, both[i],
			&picture));
		if (picture_visible) {
			test_expect_seen(test, &picture,
				"one of two buffers that share pixels");
		}
	}
	/* The pixels of the other buffer are unchanged. */
	client_buffer_destroy(&upper);
	commit_buffer(&windows[1].surface, &lower);
	expect_alive_after(test, "a commit of the one buffer that is left");
}

const struct test_case protocol_shape_cases[] = {
	{ "protocol/odd-buffer:stride-and-1", CASE_ROBUSTNESS,
		"A stride that is not a whole number of pixels may be refused or not; "
		"no other client is affected.", odd_place_harms_nobody, STRIDE_AND_1 },
	{ "protocol/odd-buffer:stride-and-2", CASE_ROBUSTNESS,
		"A stride that is not a whole number of pixels may be refused or not; "
		"no other client is affected.", odd_place_harms_nobody, STRIDE_AND_2 },
	{ "protocol/odd-buffer:stride-and-3", CASE_ROBUSTNESS,
		"A stride that is not a whole number of pixels may be refused or not; "
		"no other client is affected.", odd_place_harms_nobody, STRIDE_AND_3 },
	{ "protocol/odd-buffer:last-row-unpadded", CASE_ROBUSTNESS,
		"A pool may end with the last pixel, before the end of the row. That "
		"may be an error or not, but the bytes after it must not be read.", odd_place_harms_nobody, LAST_ROW_UNPADDED },
	{ "protocol/odd-buffer:rgb565", CASE_QUALITY,
		"The width may be odd in a format with two bytes per pixel.",
		pixels_of_two_bytes_may_be_odd },

	{ "protocol/right-buffer:whole-pool", CASE_REQUIRED,
		"A buffer may fill its pool.", right_buffer_works, WHOLE_POOL },
	{ "protocol/right-buffer:end-of-pool", CASE_REQUIRED,
		"A buffer may end at the end of its pool.", right_buffer_works,
		END_OF_POOL },
	{ "protocol/right-buffer:across-pages", CASE_REQUIRED,
		"A buffer need not begin at a page boundary.", right_buffer_works,
		ACROSS_PAGES },
	{ "protocol/right-buffer:offset-1", CASE_QUALITY,
		"A buffer may begin at any byte.", right_buffer_works,
		AFTER_1_BYTE },
	{ "protocol/right-buffer:offset-2", CASE_QUALITY,
		"A buffer may begin at any byte.", right_buffer_works,
		AFTER_2_BYTES },
	{ "protocol/right-buffer:offset-3", CASE_QUALITY,
		"A buffer may begin at any byte.", right_buffer_works,
		AFTER_3_BYTES },
	{ "protocol/right-buffer:one-pixel", CASE_REQUIRED,
		"A buffer may be one pixel.", right_buffer_works, ONE_PIXEL },
	{ "protocol/right-buffer:wide", CASE_QUALITY,
		"A buffer may be much wider than any output.",
		right_buffer_works, WIDE },
	{ "protocol/right-buffer:tall", CASE_QUALITY,
		"A buffer may be much higher than any output.",
		right_buffer_works, TALL },
	{ "protocol/right-buffer:padded", CASE_REQUIRED,
		"A stride may be longer than a row.", right_buffer_works,
		PADDED },
	{ "protocol/right-buffer:overlapping", CASE_QUALITY,
		"Two buffers may share rows, as parts of one picture do.", buffers_share_rows, HEIGHT / 2 },
	{ "protocol/right-buffer:identical", CASE_REQUIRED,
		"Two buffers on two surfaces may have the same bytes.",
		buffers_share_rows, 0 },
	{ 0 },
};
