/* SPDX-License-Identifier: MIT */
/*
 * Requests for buffers: which are accepted, and which are refused, with which error.
 */
#include <drm_fourcc.h>
#include <wayland-client.h>

#include "peer.h"
#include "server.h"

/* A valid buffer. */
#define WIDTH 16
#define HEIGHT 8
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

struct buffer_case {
	int32_t offset, width, height, stride;
	uint32_t format;
};

static void expect_buffer_refused(struct server *server, int32_t pool_size,
		const struct buffer_case *wrong, uint32_t code) {
	struct peer *peer = peer_create_with_pool(server, CLIENT_MEMORY_SEALED,
		pool_size);
	refused(peer, "wl_shm_pool", 0, code, create_buffer,
		.offset = wrong->offset, .width = wrong->width,
		.height = wrong->height, .stride = wrong->stride,
		.format = wrong->format);
	peer_finish(peer);
}

static void expect_buffers_refused(struct server *server, int32_t pool_size,
		const struct buffer_case *wrong, size_t wrong_len) {
	for (size_t i = 0; i < wrong_len; i++) {
		expect_buffer_refused(server, pool_size, &wrong[i],
			WL_SHM_ERROR_INVALID_STRIDE);
	}
}

#define EXPECT_BUFFERS_REFUSED(server, pool_size, wrong) \
	expect_buffers_refused(server, pool_size, wrong, \
		sizeof(wrong) / sizeof(wrong[0]))

static void expect_buffer_accepted(struct server *server, int32_t pool_size,
		const struct buffer_case *right) {
	struct peer *peer = peer_create_with_pool(server, CLIENT_MEMORY_SEALED,
		pool_size);
	tell(peer, create_buffer, .offset = right->offset,
		.width = right->width, .height = right->height,
		.stride = right->stride, .format = right->format);
	assert_int_equal(sealpool_buffer_get_offset(server->newest),
		right->offset);
	assert_int_equal(sealpool_buffer_get_width(server->newest),
		right->width);
	assert_int_equal(sealpool_buffer_get_height(server->newest),
		right->height);
	assert_int_equal(sealpool_buffer_get_stride(server->newest),
		right->stride);
	peer_finish(peer);
}

static void buffer_without_pixels_is_refused(void **state) {
	static const struct buffer_case wrong[] = {
		{ 0, 0, HEIGHT, STRIDE },
		{ 0, -1, HEIGHT, STRIDE },
		{ 0, INT32_MIN, HEIGHT, STRIDE },
		{ 0, WIDTH, 0, STRIDE },
		{ 0, WIDTH, -1, STRIDE },
		{ 0, WIDTH, INT32_MIN, STRIDE },
	};
	EXPECT_BUFFERS_REFUSED(*state, BYTES, wrong);
}

static void buffer_without_a_positive_stride_is_refused(void **state) {
	static const struct buffer_case wrong[] = {
		{ 0, WIDTH, HEIGHT, 0 },
		{ 0, WIDTH, HEIGHT, -STRIDE },
		{ BYTES, WIDTH, HEIGHT, -STRIDE },
		{ 0, WIDTH, HEIGHT, INT32_MIN },
	};
	EXPECT_BUFFERS_REFUSED(*state, BYTES, wrong);
}

static void buffer_that_begins_before_its_pool_is_refused(void **state) {
	static const struct buffer_case wrong[] = {
		{ -1, WIDTH, HEIGHT, STRIDE },
		{ -4, WIDTH, HEIGHT, STRIDE },
		{ INT32_MIN, WIDTH, HEIGHT, STRIDE },
	};
	EXPECT_BUFFERS_REFUSED(*state, 2 * BYTES, wrong);
}

static void buffer_that_ends_after_its_pool_is_refused(void **state) {
	static const struct buffer_case wrong[] = {
		{ 1, WIDTH, HEIGHT, STRIDE },
		{ 4, WIDTH, HEIGHT, STRIDE },
		{ 0, WIDTH, HEIGHT + 1, STRIDE },
		{ 0, WIDTH, HEIGHT, STRIDE + 4 },
		{ BYTES, WIDTH, HEIGHT, STRIDE },
		{ INT32_MAX, WIDTH, HEIGHT, STRIDE },
	};
	EXPECT_BUFFERS_REFUSED(*state, BYTES, wrong);
}

static void buffer_that_ends_with_its_pool_is_accepted(void **state) {
	expect_buffer_accepted(*state, BYTES,
		&(struct buffer_case){ 0, WIDTH, HEIGHT, STRIDE });
	expect_buffer_accepted(*state, BYTES + 4,
		&(struct buffer_case){ 4, WIDTH, HEIGHT, STRIDE });
}

/* Each end is small or negative in 32-bit arithmetic. */
static void buffer_larger_than_numbers_are_is_refused(void **state) {
	static const struct buffer_case wrong[] = {
		{ 0, 1, 65536, 65536 },
		{ 0, 1, 32768, 65536 },
		{ 0, 1, INT32_MAX, INT32_MAX & ~3 },
		{ 0, 1, 3, 0x55555558 },
		{ 0, 1, 0x40000001, 4 },
		{ INT32_MAX, 1, INT32_MAX, INT32_MAX & ~3 },
		{ INT32_MAX - 3, 1, 1, 4 },
		{ INT32_MAX - BYTES + 1, WIDTH, HEIGHT, STRIDE },
		{ 0, 0x40000000, 1, 4 },
		{ 0, 0x40000001, 1, 4 },
		{ 0, INT32_MAX, 1, INT32_MAX & ~3 },
	};
	EXPECT_BUFFERS_REFUSED(*state, BYTES, wrong);
}

static void stride_shorter_than_a_row_is_refused(void **state) {
	static const struct buffer_case wrong[] = {
		{ 0, WIDTH, HEIGHT, STRIDE - 4 },
		{ 0, WIDTH, HEIGHT, WIDTH },
		{ 0, WIDTH, HEIGHT, 4 },
		{ 0, WIDTH, HEIGHT, WIDTH * 2 - 2, WL_SHM_FORMAT_RGB565 },
	};
	EXPECT_BUFFERS_REFUSED(*state, BYTES, wrong);
}

static void stride_that_splits_a_pixel_is_refused(void **state) {
	static const struct buffer_case wrong[] = {
		{ 0, WIDTH, HEIGHT, STRIDE + 1 },
		{ 0, WIDTH, HEIGHT, STRIDE + 2 },
		{ 0, WIDTH, HEIGHT, STRIDE + 3 },
		{ 0, WIDTH, HEIGHT, WIDTH * 2 + 1, WL_SHM_FORMAT_RGB565 },
	};
	EXPECT_BUFFERS_REFUSED(*state, 2 * BYTES, wrong);
}

static void stride_longer_than_a_row_is_accepted(void **state) {
	expect_buffer_accepted(*state, 2 * BYTES,
		&(struct buffer_case){ 0, WIDTH, HEIGHT, STRIDE + 4 });
	expect_buffer_accepted(*state, BYTES, &(struct buffer_case){
		0, WIDTH, HEIGHT, WIDTH * 2 + 2, WL_SHM_FORMAT_RGB565 });
}

static void format_that_nobody_knows_is_refused(void **state) {
	static const struct buffer_case wrong = {
		0, WIDTH, HEIGHT, STRIDE, fourcc_code('n', 'o', 'n', 'e'),
	};
	expect_buffer_refused(*state, BYTES, &wrong,
		WL_SHM_ERROR_INVALID_FORMAT);
}

static void format_that_was_not_announced_is_refused(void **state) {
	/* A format that server_create() does not offer. */
	static const struct buffer_case known = {
		0, WIDTH, HEIGHT, STRIDE, WL_SHM_FORMAT_XBGR8888,
	};
	expect_buffer_refused(*state, BYTES, &known,
		WL_SHM_ERROR_INVALID_FORMAT);
	/* The compositor offers it, but Sealpool does not know its layout. */
	static const struct buffer_case unknown = {
		0, WIDTH, HEIGHT, STRIDE, fourcc_code('?', '?', '?', '?'),
	};
	expect_buffer_refused(*state, BYTES, &unknown,
		WL_SHM_ERROR_INVALID_FORMAT);
}

/* In wl_shm, these two formats have other codes than in DRM. */
static void drm_code_of_a_required_format_is_refused(void **state) {
	static const struct buffer_case wrong = {
		0, WIDTH, HEIGHT, STRIDE, DRM_FORMAT_ARGB8888,
	};
	struct peer *peer = peer_create_with_pool(*state, CLIENT_MEMORY_SEALED,
		BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = WL_SHM_FORMAT_ARGB8888);
	struct server *server = *state;
	assert_int_equal(sealpool_buffer_get_format(server->newest),
		DRM_FORMAT_ARGB8888);
	peer_finish(peer);
	expect_buffer_refused(*state, BYTES, &wrong,
		WL_SHM_ERROR_INVALID_FORMAT);
}

static void planes_after_the_first_must_be_in_the_pool(void **state) {
	/* 16x8 pixels: 128 bytes of luma, then a quarter as many samples of each
	 * colour. */
	static const struct buffer_case semiplanar = {
		0, 16, 8, 16, WL_SHM_FORMAT_NV12,
	};
	static const struct buffer_case planar = {
		0, 16, 8, 16, WL_SHM_FORMAT_YUV420,
	};
	static const int32_t too_small[] = { 128, 160, 191 };
	for (int i = 0; i < 3; i++) {
		expect_buffer_refused(*state, too_small[i], &semiplanar,
			WL_SHM_ERROR_INVALID_STRIDE);
		expect_buffer_refused(*state, too_small[i], &planar,
			WL_SHM_ERROR_INVALID_STRIDE);
	}
	expect_buffer_accepted(*state, 192, &semiplanar);
	expect_buffer_accepted(*state, 192, &planar);
}

static void planes_of_an_odd_height_round_up(void **state) {
	/* 7 rows of luma, and 4 of colours. */
	static const struct buffer_case odd = {
		0, 16, 7, 16, WL_SHM_FORMAT_NV12,
	};
	expect_buffer_refused(*state, 7 * 16 + 3 * 16, &odd,
		WL_SHM_ERROR_INVALID_STRIDE);
	expect_buffer_refused(*state, 7 * 16 + 4 * 16 - 1, &odd,
		WL_SHM_ERROR_INVALID_STRIDE);
	expect_buffer_accepted(*state, 7 * 16 + 4 * 16, &odd);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)
	const struct CMUnitTest tests[] = {
		TEST(buffer_without_pixels_is_refused),
		TEST(buffer_without_a_positive_stride_is_refused),
		TEST(buffer_that_begins_before_its_pool_is_refused),
		TEST(buffer_that_ends_after_its_pool_is_refused),
		TEST(buffer_that_ends_with_its_pool_is_accepted),
		TEST(buffer_larger_than_numbers_are_is_refused),
		TEST(stride_shorter_than_a_row_is_refused),
		TEST(stride_that_splits_a_pixel_is_refused),
		TEST(stride_longer_than_a_row_is_accepted),
		TEST(format_that_nobody_knows_is_refused),
		TEST(format_that_was_not_announced_is_refused),
		TEST(drm_code_of_a_required_format_is_refused),
		TEST(planes_after_the_first_must_be_in_the_pool),
		TEST(planes_of_an_odd_height_round_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
