/* SPDX-License-Identifier: MIT */
/*
 * Buffers that are not within their pool, or have no valid place.
 */
#include "picture.h"

enum wrong_place {
	WIDTH_ZERO,
	WIDTH_MINUS_ONE,
	WIDTH_MIN,
	WIDTH_MAX,
	WIDTH_TIMES_4_IS_4,
	HEIGHT_ZERO,
	HEIGHT_MINUS_ONE,
	HEIGHT_MIN,
	HEIGHT_MAX,
	HEIGHT_AND_A_ROW,
	STRIDE_ZERO,
	STRIDE_NEGATIVE,
	STRIDE_MIN,
	STRIDE_MAX,
	STRIDE_BYTE_SHORT,
	STRIDE_PIXEL_SHORT,
	STRIDE_IN_PIXELS,
	OFFSET_MINUS_ONE,
	OFFSET_MINUS_PIXEL,
	OFFSET_MINUS_ALL,
	OFFSET_MIN,
	OFFSET_MAX,
	OFFSET_BYTE,
	OFFSET_PIXEL,
	OFFSET_END,
	OFFSET_BEYOND,
	POOL_BYTE_SHORT,
	POOL_ONE_BYTE,
	PRODUCT_IS_0,
	PRODUCT_IS_4,
	PRODUCT_IS_8,
	PRODUCT_IS_NEGATIVE,
	SUM_IS_NEGATIVE,
	SUM_IS_0,
	ALL_MAX,
};

static const struct place wrong_places[] = {
	[WIDTH_ZERO] = { 0, 0, HEIGHT, STRIDE },
	[WIDTH_MINUS_ONE] = { 0, -1, HEIGHT, STRIDE },
	[WIDTH_MIN] = { 0, INT32_MIN, HEIGHT, STRIDE },
	[WIDTH_MAX] = { 0, INT32_MAX, HEIGHT, STRIDE },
	[WIDTH_TIMES_4_IS_4] = { 0, 0x40000001, 1, 4 },
	[HEIGHT_ZERO] = { 0, WIDTH, 0, STRIDE },
	[HEIGHT_MINUS_ONE] = { 0, WIDTH, -1, STRIDE },
	[HEIGHT_MIN] = { 0, WIDTH, INT32_MIN, STRIDE },
	[HEIGHT_MAX] = { 0, WIDTH, INT32_MAX, STRIDE },
	[HEIGHT_AND_A_ROW] = { 0, WIDTH, HEIGHT + 1, STRIDE },
	[STRIDE_ZERO] = { 0, WIDTH, HEIGHT, 0 },
	/* With the bottom row first, it would be within the pool. */
	[STRIDE_NEGATIVE] = { BYTES - STRIDE, WIDTH, HEIGHT, -STRIDE },
	[STRIDE_MIN] = { 0, WIDTH, HEIGHT, INT32_MIN },
	[STRIDE_MAX] = { 0, WIDTH, HEIGHT, INT32_MAX },
	/* In all three, the last row ends outside of the pool. */
	[STRIDE_BYTE_SHORT] = { 0, WIDTH, HEIGHT, STRIDE - 1,
		(STRIDE - 1) * HEIGHT },
	[STRIDE_PIXEL_SHORT] = { 0, WIDTH, HEIGHT, STRIDE - 4,
		(STRIDE - 4) * HEIGHT },
	[STRIDE_IN_PIXELS] = { 0, WIDTH, HEIGHT, WIDTH, WIDTH * HEIGHT },
	[OFFSET_MINUS_ONE] = { -1, WIDTH, HEIGHT, STRIDE, 2 * BYTES },
	[OFFSET_MINUS_PIXEL] = { -4, WIDTH, HEIGHT, STRIDE, 2 * BYTES },
	[OFFSET_MINUS_ALL] = { -BYTES, WIDTH, HEIGHT, STRIDE, 2 * BYTES },
	[OFFSET_MIN] = { INT32_MIN, WIDTH, HEIGHT, STRIDE },
	[OFFSET_MAX] = { INT32_MAX, WIDTH, HEIGHT, STRIDE },
	[OFFSET_BYTE] = { 1, WIDTH, HEIGHT, STRIDE },
	[OFFSET_PIXEL] = { 4, WIDTH, HEIGHT, STRIDE },
	[OFFSET_END] = { BYTES, WIDTH, HEIGHT, STRIDE },
	[OFFSET_BEYOND] = { BYTES + 4, 1, 1, 4 },
	[POOL_BYTE_SHORT] = { 0, WIDTH, HEIGHT, STRIDE, BYTES - 1 },
	[POOL_ONE_BYTE] = { 0, 1, 1, 4, 1 },
	/* The result of the product in 32-bit arithmetic. */
	[PRODUCT_IS_0] = { 0, 1, 65536, 65536 },
	[PRODUCT_IS_4] = { 0, 1, 0x40000001, 4 },
	[PRODUCT_IS_8] = { 0, 1, 3, 0x55555558 },
	[PRODUCT_IS_NEGATIVE] = { 0, 1, 32768, 65536 },
	[SUM_IS_NEGATIVE] = { INT32_MAX - BYTES + 1, WIDTH, HEIGHT, STRIDE },
	[SUM_IS_0] = { 0x7fffff00, 1, 0x20000040, 4 },
	[ALL_MAX] = { INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX },
};

static void create_wrong_buffer(struct test *test) {
	const struct place *place = &wrong_places[test->argument];
	int32_t size = place->size != 0 ? place->size : BYTES;
	static struct client_memory memory;
	static struct client_pool pool;
	static struct client_buffer buffer;
	/* The file is larger: only the pool counts. */
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, (size_t)size + FAR));
	must(test, client_pool_create(&test->client, &pool, &memory, size));
	test_expect_alive(test);
	must(test, client_buffer_create(&pool, &buffer, place->offset,
		place->width, place->height, place->stride));
}

static const char *const stride_errors[] = { "wl_shm.invalid_stride", NULL };

static void size_is_refused(struct test *test) {
	create_wrong_buffer(test);
	test_expect_error(test, NULL, stride_errors);
}

static void place_is_refused(struct test *test) {
	create_wrong_buffer(test);
	expect_place_error(test);
}

#define WRONG_SIZE(name, wrong, description) \
	{ "protocol/buffer-size:" name, CASE_REQUIRED, description, \
		size_is_refused, wrong }
#define WRONG_PLACE(name, wrong, description) \
	{ "protocol/buffer-place:" name, CASE_REQUIRED, description, \
		place_is_refused, wrong }

/* The descriptions of several cases. */
static const char every_pixel[] = "Every pixel of a buffer lies in its pool.";
static const char in_32_bits[] = "A buffer that is too large for its pool is an error, "
	"even if its size overflows 32 bits.";
static const char some_pixels[] = "A buffer has pixels: its width and height "
	"are more than 0.";
static const char whole_row[] = "A stride is the distance between two rows, so it is "
	"at least as long as a row.";
static const char forward[] = "A buffer begins inside its pool; its offset is not "
	"negative.";

const struct test_case protocol_place_cases[] = {
	WRONG_SIZE("width-zero", WIDTH_ZERO, some_pixels),
	WRONG_SIZE("width-negative", WIDTH_MINUS_ONE, some_pixels),
	WRONG_SIZE("width-min", WIDTH_MIN, some_pixels),
	WRONG_SIZE("width-max", WIDTH_MAX, whole_row),
	WRONG_SIZE("width-wraps", WIDTH_TIMES_4_IS_4, in_32_bits),
	WRONG_SIZE("height-zero", HEIGHT_ZERO, some_pixels),
	WRONG_SIZE("height-negative", HEIGHT_MINUS_ONE, some_pixels),
	WRONG_SIZE("height-min", HEIGHT_MIN, some_pixels),
	WRONG_PLACE("height-max", HEIGHT_MAX, every_pixel),
	WRONG_PLACE("one-row-more", HEIGHT_AND_A_ROW, every_pixel),
	WRONG_SIZE("stride-zero", STRIDE_ZERO, whole_row),
	WRONG_SIZE("stride-negative", STRIDE_NEGATIVE, whole_row),
	WRONG_SIZE("stride-min", STRIDE_MIN, whole_row),
	WRONG_PLACE("stride-max", STRIDE_MAX, every_pixel),
	WRONG_SIZE("stride-byte-short", STRIDE_BYTE_SHORT, whole_row),
	WRONG_SIZE("stride-pixel-short", STRIDE_PIXEL_SHORT, whole_row),
	WRONG_SIZE("stride-in-pixels", STRIDE_IN_PIXELS, whole_row),
	WRONG_PLACE("offset-minus-one", OFFSET_MINUS_ONE, forward),
	WRONG_PLACE("offset-minus-pixel", OFFSET_MINUS_PIXEL, forward),
	WRONG_PLACE("offset-minus-all", OFFSET_MINUS_ALL, forward),
	WRONG_PLACE("offset-min", OFFSET_MIN, forward),
	WRONG_PLACE("offset-max", OFFSET_MAX, in_32_bits),
	WRONG_PLACE("offset-byte-too-far", OFFSET_BYTE, every_pixel),
	WRONG_PLACE("offset-pixel-too-far", OFFSET_PIXEL, every_pixel),
	WRONG_PLACE("offset-at-end", OFFSET_END, every_pixel),
	WRONG_PLACE("offset-beyond-end", OFFSET_BEYOND, every_pixel),
	WRONG_PLACE("pool-byte-short", POOL_BYTE_SHORT, every_pixel),
	WRONG_PLACE("pool-of-one-byte", POOL_ONE_BYTE, every_pixel),
	WRONG_PLACE("product-wraps-to-0", PRODUCT_IS_0, in_32_bits),
	WRONG_PLACE("product-wraps-to-4", PRODUCT_IS_4, in_32_bits),
	WRONG_PLACE("product-wraps-to-8", PRODUCT_IS_8, in_32_bits),
	WRONG_PLACE("product-overflows", PRODUCT_IS_NEGATIVE, in_32_bits),
	WRONG_PLACE("sum-overflows", SUM_IS_NEGATIVE, in_32_bits),
	WRONG_PLACE("sum-wraps-to-0", SUM_IS_0, in_32_bits),
	WRONG_PLACE("all-max", ALL_MAX, in_32_bits),
	{ 0 },
};
