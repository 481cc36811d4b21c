/* SPDX-License-Identifier: MIT */
/*
 * The memory layout of the formats of wl_shm, from the comments of drm_fourcc.h. It
 * lacks formats that exist only in tiled layouts, which wl_shm cannot express, and those
 * whose blocks span several rows.
 */
#include <drm_fourcc.h>

#include "format.h"

/* One plane of pixels, or of pairs of pixels that share their chroma. */
#define PIXEL(bytes) 1, { { bytes, 1, 1, 1 } }
#define PAIR(bytes) 1, { { bytes, 2, 1, 1 } }
/* Several pixels in a byte. */
#define PER_BYTE(pixels) 1, { { 1, pixels, 1, 1 } }
/* A plane of luma, and one plane of both chroma samples, or one for each. */
#define SEMIPLANAR(bytes, hsub, vsub) \
	2, { { bytes, 1, 1, 1 }, { 2 * (bytes), 1, hsub, vsub } }
#define PLANAR(bytes, hsub, vsub) \
	3, { { bytes, 1, 1, 1 }, { bytes, 1, hsub, vsub }, \
		{ bytes, 1, hsub, vsub } }

static const struct sp_format formats[] = {
	{ DRM_FORMAT_ARGB8888, PIXEL(4) },
	{ DRM_FORMAT_XRGB8888, PIXEL(4) },
	{ DRM_FORMAT_ABGR8888, PIXEL(4) },
	{ DRM_FORMAT_XBGR8888, PIXEL(4) },
	{ DRM_FORMAT_RGBA8888, PIXEL(4) },
	{ DRM_FORMAT_RGBX8888, PIXEL(4) },
	{ DRM_FORMAT_BGRA8888, PIXEL(4) },
	{ DRM_FORMAT_BGRX8888, PIXEL(4) },

	{ DRM_FORMAT_ARGB2101010, PIXEL(4) },
	{ DRM_FORMAT_XRGB2101010, PIXEL(4) },
	{ DRM_FORMAT_ABGR2101010, PIXEL(4) },
	{ DRM_FORMAT_XBGR2101010, PIXEL(4) },
	{ DRM_FORMAT_RGBA1010102, PIXEL(4) },
	{ DRM_FORMAT_RGBX1010102, PIXEL(4) },
	{ DRM_FORMAT_BGRA1010102, PIXEL(4) },
	{ DRM_FORMAT_BGRX1010102, PIXEL(4) },

	{ DRM_FORMAT_RGB565, PIXEL(2) },
	{ DRM_FORMAT_BGR565, PIXEL(2) },
	{ DRM_FORMAT_ARGB4444, PIXEL(2) },
	{ DRM_FORMAT_XRGB4444, PIXEL(2) },
	{ DRM_FORMAT_ABGR4444, PIXEL(2) },
	{ DRM_FORMAT_XBGR4444, PIXEL(2) },
	{ DRM_FORMAT_RGBA4444, PIXEL(2) },
	{ DRM_FORMAT_RGBX4444, PIXEL(2) },
	{ DRM_FORMAT_BGRA4444, PIXEL(2) },
	{ DRM_FORMAT_BGRX4444, PIXEL(2) },
	{ DRM_FORMAT_ARGB1555, PIXEL(2) },
	{ DRM_FORMAT_XRGB1555, PIXEL(2) },
	{ DRM_FORMAT_ABGR1555, PIXEL(2) },
	{ DRM_FORMAT_XBGR1555, PIXEL(2) },
	{ DRM_FORMAT_RGBA5551, PIXEL(2) },
	{ DRM_FORMAT_RGBX5551, PIXEL(2) },
	{ DRM_FORMAT_BGRA5551, PIXEL(2) },
	{ DRM_FORMAT_BGRX5551, PIXEL(2) },

	{ DRM_FORMAT_RGB888, PIXEL(3) },
	{ DRM_FORMAT_BGR888, PIXEL(3) },
	{ DRM_FORMAT_RGB332, PIXEL(1) },
	{ DRM_FORMAT_BGR233, PIXEL(1) },

	{ DRM_FORMAT_ARGB16161616F, PIXEL(8) },
	{ DRM_FORMAT_XRGB16161616F, PIXEL(8) },
	{ DRM_FORMAT_ABGR16161616F, PIXEL(8) },
	{ DRM_FORMAT_XBGR16161616F, PIXEL(8) },
	{ DRM_FORMAT_ARGB16161616, PIXEL(8) },
	{ DRM_FORMAT_XRGB16161616, PIXEL(8) },
	{ DRM_FORMAT_ABGR16161616, PIXEL(8) },
	{ DRM_FORMAT_XBGR16161616, PIXEL(8) },
	{ DRM_FORMAT_AXBXGXRX106106106106, PIXEL(8) },

	/* libdrm 2.4.114 lacks these. */
#ifdef DRM_FORMAT_C1
	{ DRM_FORMAT_C1, PER_BYTE(8) },
	{ DRM_FORMAT_C2, PER_BYTE(4) },
	{ DRM_FORMAT_C4, PER_BYTE(2) },
	{ DRM_FORMAT_D1, PER_BYTE(8) },
	{ DRM_FORMAT_D2, PER_BYTE(4) },
	{ DRM_FORMAT_D4, PER_BYTE(2) },
	{ DRM_FORMAT_D8, PIXEL(1) },
	{ DRM_FORMAT_R1, PER_BYTE(8) },
	{ DRM_FORMAT_R2, PER_BYTE(4) },
	{ DRM_FORMAT_R4, PER_BYTE(2) },
#endif
	{ DRM_FORMAT_C8, PIXEL(1) },
	{ DRM_FORMAT_R8, PIXEL(1) },
	{ DRM_FORMAT_R10, PIXEL(2) },
	{ DRM_FORMAT_R12, PIXEL(2) },
	{ DRM_FORMAT_R16, PIXEL(2) },
	{ DRM_FORMAT_RG88, PIXEL(2) },
	{ DRM_FORMAT_GR88, PIXEL(2) },
	{ DRM_FORMAT_RG1616, PIXEL(4) },
	{ DRM_FORMAT_GR1616, PIXEL(4) },

	{ DRM_FORMAT_YUYV, PAIR(4) },
	{ DRM_FORMAT_YVYU, PAIR(4) },
	{ DRM_FORMAT_UYVY, PAIR(4) },
	{ DRM_FORMAT_VYUY, PAIR(4) },
	{ DRM_FORMAT_Y210, PAIR(8) },
	{ DRM_FORMAT_Y212, PAIR(8) },
	{ DRM_FORMAT_Y216, PAIR(8) },
	{ DRM_FORMAT_AYUV, PIXEL(4) },
#ifdef DRM_FORMAT_AVUY8888
	{ DRM_FORMAT_AVUY8888, PIXEL(4) },
	{ DRM_FORMAT_XVUY8888, PIXEL(4) },
#endif
	{ DRM_FORMAT_XYUV8888, PIXEL(4) },
	{ DRM_FORMAT_VUY888, PIXEL(3) },
	{ DRM_FORMAT_Y410, PIXEL(4) },
	{ DRM_FORMAT_XVYU2101010, PIXEL(4) },
	{ DRM_FORMAT_Y412, PIXEL(8) },
	{ DRM_FORMAT_Y416, PIXEL(8) },
	{ DRM_FORMAT_XVYU12_16161616, PIXEL(8) },
	{ DRM_FORMAT_XVYU16161616, PIXEL(8) },

	{ DRM_FORMAT_NV12, SEMIPLANAR(1, 2, 2) },
	{ DRM_FORMAT_NV21, SEMIPLANAR(1, 2, 2) },
	{ DRM_FORMAT_NV16, SEMIPLANAR(1, 2, 1) },
	{ DRM_FORMAT_NV61, SEMIPLANAR(1, 2, 1) },
	{ DRM_FORMAT_NV24, SEMIPLANAR(1, 1, 1) },
	{ DRM_FORMAT_NV42, SEMIPLANAR(1, 1, 1) },
	{ DRM_FORMAT_P010, SEMIPLANAR(2, 2, 2) },
	{ DRM_FORMAT_P012, SEMIPLANAR(2, 2, 2) },
	{ DRM_FORMAT_P016, SEMIPLANAR(2, 2, 2) },
	{ DRM_FORMAT_P210, SEMIPLANAR(2, 2, 1) },
	/* Four samples of 10 bits in 5 bytes, three in 4 bytes. */
	{ DRM_FORMAT_NV15, 2, { { 5, 4, 1, 1 }, { 5, 2, 2, 2 } } },
	{ DRM_FORMAT_P030, 2, { { 4, 3, 1, 1 }, { 8, 3, 2, 2 } } },

	{ DRM_FORMAT_YUV410, PLANAR(1, 4, 4) },
	{ DRM_FORMAT_YVU410, PLANAR(1, 4, 4) },
	{ DRM_FORMAT_YUV411, PLANAR(1, 4, 1) },
	{ DRM_FORMAT_YVU411, PLANAR(1, 4, 1) },
	{ DRM_FORMAT_YUV420, PLANAR(1, 2, 2) },
	{ DRM_FORMAT_YVU420, PLANAR(1, 2, 2) },
	{ DRM_FORMAT_YUV422, PLANAR(1, 2, 1) },
	{ DRM_FORMAT_YVU422, PLANAR(1, 2, 1) },
	{ DRM_FORMAT_YUV444, PLANAR(1, 1, 1) },
	{ DRM_FORMAT_YVU444, PLANAR(1, 1, 1) },
	{ DRM_FORMAT_Q410, PLANAR(2, 1, 1) },
	{ DRM_FORMAT_Q401, PLANAR(2, 1, 1) },
};

const struct sp_format *sp_format_get(uint32_t drm) {
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (formats[i].drm == drm) {
			return &formats[i];
		}
	}
	return NULL;
}

static uint64_t div_round_up(uint64_t dividend, uint64_t divisor) {
	return (dividend + divisor - 1) / divisor;
}

bool sp_layout_init(struct sp_layout *layout, const struct sp_format *format,
		int32_t offset, int32_t width, int32_t height, int32_t stride) {
	return stride % format->planes[0].bytes == 0 && sp_layout_init_padded(
		layout, format, offset, width, height, stride);
}

bool sp_layout_init_padded(struct sp_layout *layout,
		const struct sp_format *format, int32_t offset, int32_t width,
		int32_t height, int32_t stride) {
	*layout = (struct sp_layout){
		.format = format,
		.width = width,
		.height = height,
		.end = (uint64_t)offset,
	};
	const struct sp_block *first = &format->planes[0];
	/* Rows of 24-bit pixels are often padded to whole words. */
	if (stride % first->bytes != 0 && (first->bytes != 3 ||
			stride % 4 != 0 || format->planes_len > 1)) {
		return false;
	}
	for (uint32_t i = 0; i < format->planes_len; i++) {
		const struct sp_block *block = &format->planes[i];
		struct sp_plane *plane = &layout->planes[i];
		/* The largest product is 2^31 * 8 * 4. */
		uint64_t plane_stride = div_round_up(
			(uint64_t)stride * block->bytes * first->width,
			(uint64_t)first->bytes * block->width * block->hsub);
		uint64_t samples = div_round_up((uint64_t)width, block->hsub);
		uint64_t columns = div_round_up(samples, block->width);
		if (columns * block->bytes > plane_stride ||
				plane_stride > UINT32_MAX) {
			return false;
		}
		*plane = (struct sp_plane){
			.block = *block,
			.offset = layout->end,
			.stride = (uint32_t)plane_stride,
			.columns = (uint32_t)columns,
			.rows = (uint32_t)div_round_up((uint64_t)height,
				block->vsub),
		};
		layout->end += plane_stride * plane->rows;
	}
	return true;
}

struct sp_span sp_plane_span(const struct sp_plane *plane,
		const pixman_box32_t *box) {
	const struct sp_block *block = &plane->block;
	uint32_t pixels = (uint32_t)block->width * block->hsub;
	uint32_t left = (uint32_t)box->x1 / pixels;
	uint32_t right = (uint32_t)div_round_up((uint64_t)box->x2, pixels);
	uint32_t top = (uint32_t)box->y1 / block->vsub;
	uint32_t bottom = (uint32_t)div_round_up((uint64_t)box->y2,
		block->vsub);
	struct sp_span span = {
		.offset = plane->offset + (uint64_t)plane->stride * top +
			(uint64_t)left * block->bytes,
		.row_bytes = (size_t)(right - left) * block->bytes,
		.rows = bottom - top,
	};
	if (span.row_bytes == plane->stride) {
		span.row_bytes *= span.rows;
		span.rows = 1;
	}
	return span;
}

uint64_t sp_layout_count_bytes(const struct sp_layout *layout,
		const pixman_region32_t *region) {
	const uint64_t all = layout->end - sp_layout_start(layout);
	int boxes_len;
	const pixman_box32_t *boxes = pixman_region32_rectangles(
		(pixman_region32_t *)region, &boxes_len);
	uint64_t bytes = 0;
	for (int i = 0; i < boxes_len; i++) {
		/* In this order no product exceeds 2^62. All bytes times all pixels may
		 * exceed 2^64 where a byte has eight pixels. */
		uint64_t rows = all * (uint64_t)(boxes[i].y2 - boxes[i].y1) /
			(uint64_t)layout->height;
		bytes += rows * (uint64_t)(boxes[i].x2 - boxes[i].x1) /
			(uint64_t)layout->width;
	}
	return bytes;
}
