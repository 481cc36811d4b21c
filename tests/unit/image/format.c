/* SPDX-License-Identifier: MIT */
/*
 * How pixels lie in memory: how many bytes a picture of each known format needs, which
 * strides it can have, and which bytes hold the pixels of a box.
 */
#include <drm_fourcc.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "image/format.h"
#include "layout.h"
#include "traces.h"

/* Rows of this width are a whole number of blocks in each format. */
#define WIDTH 48
#define HEIGHT 48

/* The size of WIDTH x HEIGHT pixels in each format, from drm_fourcc.h. */
static const struct known {
	uint32_t drm;
	/* The smallest stride of the first plane, in bytes. */
	int32_t stride;
	/* The bits of one pixel in all planes together. */
	uint32_t bits;
	uint32_t planes;
} formats[] = {
#define PACKED(name, bits) { DRM_FORMAT_##name, WIDTH * (bits) / 8, bits, 1 }
	PACKED(ARGB8888, 32), PACKED(XRGB8888, 32),
	PACKED(ABGR8888, 32), PACKED(XBGR8888, 32),
	PACKED(RGBA8888, 32), PACKED(RGBX8888, 32),
	PACKED(BGRA8888, 32), PACKED(BGRX8888, 32),
	PACKED(ARGB2101010, 32), PACKED(XRGB2101010, 32),
	PACKED(ABGR2101010, 32), PACKED(XBGR2101010, 32),
	PACKED(RGBA1010102, 32), PACKED(RGBX1010102, 32),
	PACKED(BGRA1010102, 32), PACKED(BGRX1010102, 32),
	PACKED(RGB565, 16), PACKED(BGR565, 16),
	PACKED(ARGB4444, 16), PACKED(XRGB4444, 16),
	PACKED(ABGR4444, 16), PACKED(XBGR4444, 16),
	PACKED(RGBA4444, 16), PACKED(RGBX4444, 16),
	PACKED(BGRA4444, 16), PACKED(BGRX4444, 16),
	PACKED(ARGB1555, 16), PACKED(XRGB1555, 16),
	PACKED(ABGR1555, 16), PACKED(XBGR1555, 16),
	PACKED(RGBA5551, 16), PACKED(RGBX5551, 16),
	PACKED(BGRA5551, 16), PACKED(BGRX5551, 16),
	PACKED(RGB888, 24), PACKED(BGR888, 24),
	PACKED(RGB332, 8), PACKED(BGR233, 8),
	PACKED(ARGB16161616F, 64), PACKED(XRGB16161616F, 64),
	PACKED(ABGR16161616F, 64), PACKED(XBGR16161616F, 64),
	PACKED(ARGB16161616, 64), PACKED(XRGB16161616, 64),
	PACKED(ABGR16161616, 64), PACKED(XBGR16161616, 64),
	PACKED(AXBXGXRX106106106106, 64),
	/* libdrm 2.4.114 lacks some of these. */
#ifdef DRM_FORMAT_C1
	PACKED(C1, 1), PACKED(C2, 2), PACKED(C4, 4),
	PACKED(D1, 1), PACKED(D2, 2), PACKED(D4, 4), PACKED(D8, 8),
	PACKED(R1, 1), PACKED(R2, 2), PACKED(R4, 4),
#endif
	PACKED(C8, 8), PACKED(R8, 8),
	PACKED(R10, 16), PACKED(R12, 16), PACKED(R16, 16),
	PACKED(RG88, 16), PACKED(GR88, 16),
	PACKED(RG1616, 32), PACKED(GR1616, 32),
	PACKED(YUYV, 16), PACKED(YVYU, 16), PACKED(UYVY, 16), PACKED(VYUY, 16),
	PACKED(Y210, 32), PACKED(Y212, 32), PACKED(Y216, 32),
#ifdef DRM_FORMAT_AVUY8888
	PACKED(AVUY8888, 32), PACKED(XVUY8888, 32),
#endif
	PACKED(AYUV, 32), PACKED(XYUV8888, 32), PACKED(VUY888, 24),
	PACKED(Y410, 32), PACKED(XVYU2101010, 32),
	PACKED(Y412, 64), PACKED(Y416, 64),
	PACKED(XVYU12_16161616, 64), PACKED(XVYU16161616, 64),

	{ DRM_FORMAT_NV12, 48, 12, 2 }, { DRM_FORMAT_NV21, 48, 12, 2 },
	{ DRM_FORMAT_NV16, 48, 16, 2 }, { DRM_FORMAT_NV61, 48, 16, 2 },
	{ DRM_FORMAT_NV24, 48, 24, 2 }, { DRM_FORMAT_NV42, 48, 24, 2 },
	{ DRM_FORMAT_P010, 96, 24, 2 }, { DRM_FORMAT_P012, 96, 24, 2 },
	{ DRM_FORMAT_P016, 96, 24, 2 }, { DRM_FORMAT_P210, 96, 32, 2 },
	{ DRM_FORMAT_NV15, 60, 15, 2 }, { DRM_FORMAT_P030, 64, 16, 2 },
	{ DRM_FORMAT_YUV410, 48, 9, 3 }, { DRM_FORMAT_YVU410, 48, 9, 3 },
	{ DRM_FORMAT_YUV411, 48, 12, 3 }, { DRM_FORMAT_YVU411, 48, 12, 3 },
	{ DRM_FORMAT_YUV420, 48, 12, 3 }, { DRM_FORMAT_YVU420, 48, 12, 3 },
	{ DRM_FORMAT_YUV422, 48, 16, 3 }, { DRM_FORMAT_YVU422, 48, 16, 3 },
	{ DRM_FORMAT_YUV444, 48, 24, 3 }, { DRM_FORMAT_YVU444, 48, 24, 3 },
	{ DRM_FORMAT_Q410, 96, 48, 3 }, { DRM_FORMAT_Q401, 96, 48, 3 },
};

#define FORMATS_LEN (sizeof(formats) / sizeof(formats[0]))

/* Returns the name of the format for a failure. */
static const char *name_of(uint32_t drm) {
	static char name[5];
	for (int i = 0; i < 4; i++) {
		name[i] = (char)(drm >> 8 * i);
	}
	return name;
}

static const struct sp_format *get_format(uint32_t drm) {
	const struct sp_format *format = sp_format_get(drm);
	if (format == NULL) {
		fail_msg("%s is not known", name_of(drm));
	}
	return format;
}

static bool fits(uint32_t drm, int32_t width, int32_t stride) {
	struct sp_layout layout;
	return sp_layout_init(&layout, get_format(drm), 0, width, 1, stride);
}

/* Which formats */

static void each_format_is_known_by_its_code(void **state) {
	for (size_t i = 0; i < FORMATS_LEN; i++) {
		const struct sp_format *format = get_format(formats[i].drm);
		assert_int_equal(format->drm, formats[i].drm);
		if (format->planes_len != formats[i].planes) {
			fail_msg("%s has %u planes, not %u",
				name_of(formats[i].drm), format->planes_len,
				formats[i].planes);
		}
	}
}

static void unknown_formats_have_no_layout(void **state) {
	static const uint32_t unknown[] = {
		0, 1, UINT32_MAX, fourcc_code('?', '?', '?', '?'),
		/* Formats that exist only in tiles, or with blocks of several rows. */
		DRM_FORMAT_X0L0, DRM_FORMAT_Y0L2, DRM_FORMAT_X0L2,
		DRM_FORMAT_YUV420_8BIT, DRM_FORMAT_YUV420_10BIT,
		DRM_FORMAT_VUY101010,
		DRM_FORMAT_BIG_ENDIAN | DRM_FORMAT_XRGB8888,
	};
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		if (sp_format_get(unknown[i]) != NULL) {
			fail_msg("0x%08" PRIx32 " is known", unknown[i]);
		}
	}
}

/* Sizes and strides */

static void each_format_takes_as_many_bytes_as_it_has_bits(void **state) {
	for (size_t i = 0; i < FORMATS_LEN; i++) {
		struct sp_layout layout = make_layout(formats[i].drm, 0, WIDTH,
			HEIGHT, formats[i].stride);
		uint64_t bytes = WIDTH * HEIGHT * formats[i].bits / 8;
		if (layout.end != bytes) {
			fail_msg("%s takes %" PRIu64 " bytes, not %" PRIu64,
				name_of(formats[i].drm), layout.end, bytes);
		}
		assert_int_equal(layout.width, WIDTH);
		assert_int_equal(layout.height, HEIGHT);
		assert_int_equal(layout.format->planes_len, formats[i].planes);
	}
}

static void each_format_refuses_a_stride_that_is_too_small(void **state) {
	for (size_t i = 0; i < FORMATS_LEN; i++) {
		for (int32_t stride = 1; stride < formats[i].stride;
				stride++) {
			if (fits(formats[i].drm, WIDTH, stride)) {
				fail_msg("%s fits a stride of %d",
					name_of(formats[i].drm), stride);
			}
		}
	}
}

static void each_format_takes_a_stride_with_padding(void **state) {
	for (size_t i = 0; i < FORMATS_LEN; i++) {
		struct sp_layout tight = make_layout(formats[i].drm, 0, WIDTH,
			HEIGHT, formats[i].stride);
		struct sp_layout loose = make_layout(formats[i].drm, 0, WIDTH,
			HEIGHT, 4 * formats[i].stride);
		if (loose.end != 4 * tight.end) {
			fail_msg("%s ends at %" PRIu64 " with four times the "
				"stride, and at %" PRIu64 " without",
				name_of(formats[i].drm), loose.end, tight.end);
		}
	}
}

static bool fits_padded(uint32_t drm, int32_t width, int32_t stride) {
	struct sp_layout layout;
	return sp_layout_init_padded(&layout, get_format(drm), 0, width, 2,
			stride) && layout.end == (uint64_t)stride * 2;
}

static void rows_of_24_bit_pixels_may_be_padded_to_words(void **state) {
	assert_int_equal(fits(DRM_FORMAT_RGB888, 5, 15), true);
	assert_int_equal(fits(DRM_FORMAT_RGB888, 5, 16), false);
	assert_int_equal(fits_padded(DRM_FORMAT_RGB888, 5, 15), true);
	assert_int_equal(fits_padded(DRM_FORMAT_RGB888, 5, 16), true);
	assert_int_equal(fits_padded(DRM_FORMAT_RGB888, 5, 17), false);
	assert_int_equal(fits_padded(DRM_FORMAT_RGB888, 6, 16), false);
	assert_int_equal(fits_padded(DRM_FORMAT_XRGB8888, 10, 42), false);
	assert_int_equal(fits_padded(DRM_FORMAT_XRGB16161616, 3, 28), false);
}

static void stride_is_a_whole_number_of_pixels(void **state) {
	assert_int_equal(fits(DRM_FORMAT_XRGB8888, 10, 40), true);
	assert_int_equal(fits(DRM_FORMAT_XRGB8888, 10, 41), false);
	assert_int_equal(fits(DRM_FORMAT_XRGB8888, 10, 42), false);
	assert_int_equal(fits(DRM_FORMAT_XRGB8888, 10, 43), false);
	assert_int_equal(fits(DRM_FORMAT_XRGB8888, 10, 44), true);
	assert_int_equal(fits(DRM_FORMAT_RGB888, 10, 31), false);
	assert_int_equal(fits(DRM_FORMAT_RGB888, 10, 33), true);
	assert_int_equal(fits(DRM_FORMAT_R8, 10, 11), true);
	assert_int_equal(fits(DRM_FORMAT_YUYV, 10, 22), false);
	assert_int_equal(fits(DRM_FORMAT_YUYV, 10, 24), true);
}

static void width_is_rounded_up_to_whole_blocks(void **state) {
	assert_int_equal(fits(DRM_FORMAT_YUYV, 3, 4), false);
	assert_int_equal(fits(DRM_FORMAT_YUYV, 3, 8), true);
#ifdef DRM_FORMAT_C1
	assert_int_equal(fits(DRM_FORMAT_C1, 8, 1), true);
	assert_int_equal(fits(DRM_FORMAT_C1, 9, 1), false);
	assert_int_equal(fits(DRM_FORMAT_C1, 9, 2), true);
	assert_int_equal(fits(DRM_FORMAT_C4, 3, 1), false);
#endif
	assert_int_equal(fits(DRM_FORMAT_NV15, 5, 5), false);
	assert_int_equal(fits(DRM_FORMAT_NV15, 5, 10), true);
	assert_int_equal(fits(DRM_FORMAT_P030, 4, 4), false);
	assert_int_equal(fits(DRM_FORMAT_P030, 4, 8), true);
}

/* The second plane is wider than the first, by half a pair of samples. */
static void stride_must_do_for_the_second_plane_as_well(void **state) {
	assert_int_equal(fits(DRM_FORMAT_NV12, 5, 5), false);
	assert_int_equal(fits(DRM_FORMAT_NV12, 5, 6), true);
	assert_int_equal(fits(DRM_FORMAT_YUV420, 5, 5), true);
}

static void expect_plane(const struct sp_layout *layout, int i,
		uint64_t offset, uint32_t stride, uint32_t columns,
		uint32_t rows) {
	const struct sp_plane *plane = &layout->planes[i];
	if (plane->offset != offset || plane->stride != stride ||
			plane->columns != columns || plane->rows != rows) {
		fail_msg("plane %d of %u x %u blocks is at %" PRIu64 " with a "
			"stride of %u", i, plane->columns, plane->rows,
			plane->offset, plane->stride);
	}
}

static void planes_follow_one_another(void **state) {
	struct sp_layout layout = make_layout(DRM_FORMAT_NV12, 100, 10, 6, 16);
	expect_plane(&layout, 0, 100, 16, 10, 6);
	expect_plane(&layout, 1, 196, 16, 5, 3);
	assert_int_equal(layout.end, 244);

	layout = make_layout(DRM_FORMAT_YUV420, 100, 10, 6, 16);
	expect_plane(&layout, 0, 100, 16, 10, 6);
	expect_plane(&layout, 1, 196, 8, 5, 3);
	expect_plane(&layout, 2, 220, 8, 5, 3);
	assert_int_equal(layout.end, 244);

	layout = make_layout(DRM_FORMAT_NV24, 0, 10, 6, 16);
	expect_plane(&layout, 0, 0, 16, 10, 6);
	expect_plane(&layout, 1, 96, 32, 10, 6);
	assert_int_equal(layout.end, 288);
}

static void odd_sizes_are_rounded_up_in_planes_of_colour(void **state) {
	struct sp_layout layout = make_layout(DRM_FORMAT_NV12, 0, 5, 3, 6);
	expect_plane(&layout, 0, 0, 6, 5, 3);
	expect_plane(&layout, 1, 18, 6, 3, 2);
	assert_int_equal(layout.end, 30);

	layout = make_layout(DRM_FORMAT_YUV420, 0, 5, 3, 5);
	expect_plane(&layout, 1, 15, 3, 3, 2);
	expect_plane(&layout, 2, 21, 3, 3, 2);
	assert_int_equal(layout.end, 27);

	layout = make_layout(DRM_FORMAT_YUV410, 0, 5, 5, 8);
	expect_plane(&layout, 1, 40, 2, 2, 2);
	assert_int_equal(layout.end, 48);
}

/* What does not fit into 32 bits */

static void largest_size_ends_where_it_does(void **state) {
	int32_t stride = INT32_MAX - 3;
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, INT32_MAX,
		stride / 4, INT32_MAX, stride);
	assert_true(layout.end == (uint64_t)INT32_MAX +
		(uint64_t)INT32_MAX * (uint64_t)stride);
	assert_int_equal(layout.planes[0].rows, INT32_MAX);
}

static void width_that_overflows_32_bits_does_not_fit(void **state) {
	/* Four times the width is 4 in 32-bit arithmetic. */
	assert_int_equal(fits(DRM_FORMAT_XRGB8888, 0x40000001, 4), false);
	assert_int_equal(fits(DRM_FORMAT_XRGB8888, INT32_MAX, INT32_MAX - 3),
		false);
	assert_int_equal(fits(DRM_FORMAT_ARGB16161616F, 0x20000001, 8), false);
	assert_int_equal(fits(DRM_FORMAT_NV24, INT32_MAX, INT32_MAX), true);
	assert_int_equal(fits(DRM_FORMAT_NV12, INT32_MAX, INT32_MAX), false);
}

static void each_format_at_its_largest_has_all_planes_in_order(void **state) {
	for (size_t i = 0; i < FORMATS_LEN; i++) {
		const struct sp_format *format = get_format(formats[i].drm);
		int32_t stride = INT32_MAX -
			INT32_MAX % format->planes[0].bytes;
		struct sp_layout layout = make_layout(formats[i].drm,
			INT32_MAX, 1, INT32_MAX, stride);
		uint64_t at = INT32_MAX;
		for (uint32_t j = 0; j < layout.format->planes_len; j++) {
			const struct sp_plane *plane = &layout.planes[j];
			if (plane->offset != at) {
				fail_msg("plane %u of %s is at %" PRIu64
					", not %" PRIu64, j,
					name_of(formats[i].drm),
					plane->offset, at);
			}
			at += (uint64_t)plane->stride * plane->rows;
		}
		assert_true(layout.end == at);
		assert_true(at >= (uint64_t)INT32_MAX * (uint32_t)stride);
	}
}

/* Spans */

static void expect_span(const struct sp_layout *layout, int plane,
		pixman_box32_t box, uint64_t offset, size_t row_bytes,
		uint32_t rows) {
	struct sp_span span = sp_plane_span(&layout->planes[plane], &box);
	if (span.offset != offset || span.row_bytes != row_bytes ||
			span.rows != rows) {
		fail_msg("box %d,%d-%d,%d in plane %d is %u rows of %zu bytes "
			"from %" PRIu64, box.x1, box.y1, box.x2, box.y2, plane,
			span.rows, span.row_bytes, span.offset);
	}
}

static void span_has_just_the_pixels_of_a_box(void **state) {
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 1000, 100,
		50, 512);
	expect_span(&layout, 0, (pixman_box32_t){ 0, 0, 1, 1 }, 1000, 4, 1);
	expect_span(&layout, 0, (pixman_box32_t){ 10, 3, 30, 7 },
		1000 + 3 * 512 + 40, 80, 4);
	expect_span(&layout, 0, (pixman_box32_t){ 99, 49, 100, 50 },
		1000 + 49 * 512 + 396, 4, 1);
	expect_span(&layout, 0, (pixman_box32_t){ 0, 0, 100, 50 }, 1000, 400,
		50);
}

static void rows_without_a_gap_are_one_span(void **state) {
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 1000, 100,
		50, 400);
	expect_span(&layout, 0, (pixman_box32_t){ 0, 10, 100, 30 },
		1000 + 10 * 400, 20 * 400, 1);
	expect_span(&layout, 0, (pixman_box32_t){ 0, 10, 99, 30 },
		1000 + 10 * 400, 396, 20);
}

static void span_is_rounded_outwards_to_whole_blocks(void **state) {
	struct sp_layout layout = make_layout(DRM_FORMAT_NV12, 0, 10, 6, 16);
	expect_span(&layout, 0, (pixman_box32_t){ 3, 3, 4, 4 }, 51, 1, 1);
	expect_span(&layout, 1, (pixman_box32_t){ 3, 3, 4, 4 }, 96 + 16 + 2, 2,
		1);
	expect_span(&layout, 1, (pixman_box32_t){ 3, 1, 7, 5 }, 96 + 2, 6, 3);

	layout = make_layout(DRM_FORMAT_YUYV, 0, 10, 6, 32);
	expect_span(&layout, 0, (pixman_box32_t){ 1, 0, 3, 2 }, 0, 8, 2);
#ifdef DRM_FORMAT_C1
	layout = make_layout(DRM_FORMAT_C1, 0, 100, 6, 20);
	expect_span(&layout, 0, (pixman_box32_t){ 7, 1, 9, 2 }, 20, 2, 1);
#endif
}

/* Checks every box of a small picture in every format. */
static void each_span_stays_within_its_plane(void **state) {
	enum { W = 7, H = 5, PITCH = 120 };
	for (size_t i = 0; i < FORMATS_LEN; i++) {
		struct sp_layout layout = make_layout(formats[i].drm, 64, W, H,
			PITCH);
		for (int n = 0; n < W * H * W * H; n++) {
			pixman_box32_t box = {
				n % W, n / W % H,
				1 + n / (W * H) % W, 1 + n / (W * H * W),
			};
			if (box.x1 >= box.x2 || box.y1 >= box.y2) {
				continue;
			}
			for (uint32_t j = 0; j < layout.format->planes_len; j++) {
				const struct sp_plane *plane =
					&layout.planes[j];
				struct sp_span span =
					sp_plane_span(plane, &box);
				uint64_t end = span.offset + span.row_bytes +
					(span.rows - 1) *
					(uint64_t)plane->stride;
				uint64_t plane_end = plane->offset +
					(uint64_t)plane->stride * plane->rows;
				if (span.offset < plane->offset ||
						end > plane_end ||
						span.rows == 0 ||
						span.row_bytes == 0) {
					fail_msg("%s, plane %u, box "
						"%d,%d-%d,%d: bytes %" PRIu64
						" to %" PRIu64,
						name_of(formats[i].drm), j,
						box.x1, box.y1, box.x2, box.y2,
						span.offset, end);
				}
			}
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(each_format_is_known_by_its_code),
		TEST(unknown_formats_have_no_layout),

		TEST(each_format_takes_as_many_bytes_as_it_has_bits),
		TEST(each_format_refuses_a_stride_that_is_too_small),
		TEST(each_format_takes_a_stride_with_padding),
		TEST(rows_of_24_bit_pixels_may_be_padded_to_words),
		TEST(stride_is_a_whole_number_of_pixels),
		TEST(width_is_rounded_up_to_whole_blocks),
		TEST(stride_must_do_for_the_second_plane_as_well),
		TEST(planes_follow_one_another),
		TEST(odd_sizes_are_rounded_up_in_planes_of_colour),

		TEST(largest_size_ends_where_it_does),
		TEST(width_that_overflows_32_bits_does_not_fit),
		TEST(each_format_at_its_largest_has_all_planes_in_order),

		TEST(span_has_just_the_pixels_of_a_box),
		TEST(rows_without_a_gap_are_one_span),
		TEST(span_is_rounded_outwards_to_whole_blocks),
		TEST(each_span_stays_within_its_plane),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
