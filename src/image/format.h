/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_FORMAT_H
#define SEALPOOL_IMAGE_FORMAT_H

#include <pixman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_PLANES_MAX 3

/** One plane's smallest unit that has a whole number of bytes. */
struct sp_block {
	uint8_t bytes;
	/* Samples of the plane in it, side by side. */
	uint8_t width;
	/* Pixels of the buffer for each sample, across and down. */
	uint8_t hsub, vsub;
};

struct sp_format {
	uint32_t drm;
	uint8_t planes_len;
	struct sp_block planes[SP_PLANES_MAX];
};

/** The format with this DRM fourcc code, or NULL if it is not known. */
const struct sp_format *sp_format_get(uint32_t drm);

/** One plane of one buffer, as it lies in its pool. */
struct sp_plane {
	/* From the start of the pool, in bytes. */
	uint64_t offset;
	/* Bytes from one row of blocks to the next. */
	uint32_t stride;
	/* The size of the plane in blocks. */
	uint32_t columns, rows;
	struct sp_block block;
};

struct sp_layout {
	const struct sp_format *format;
	int32_t width, height;
	/* As many as the format has. */
	struct sp_plane planes[SP_PLANES_MAX];
	/* The offset behind the last byte of the last plane. */
	uint64_t end;
};

/** The offset of the first byte. */
static inline uint64_t sp_layout_start(const struct sp_layout *layout) {
	return layout->planes[0].offset;
}

/**
 * Where the planes of a buffer lie, if its size and stride are ones that the
 * format can have. wl_shm tells one offset and one stride: as clients and
 * compositors have it, planes follow one another without a gap, and a plane's
 * stride is to the first one's as the bytes of their rows are.
 *
 * Offset must not be negative; width, height and stride must be positive.
 * Returns false when the stride is too small, or not a whole number of blocks.
 */
bool sp_layout_init(struct sp_layout *layout, const struct sp_format *format,
	int32_t offset, int32_t width, int32_t height, int32_t stride);

/** The same, but rows of 24-bit pixels may also have a whole number of 32-bit
 * words. */
bool sp_layout_init_padded(struct sp_layout *layout,
	const struct sp_format *format, int32_t offset, int32_t width,
	int32_t height, int32_t stride);

/** Bytes of a plane, row by row; rows lie the plane's stride apart. */
struct sp_span {
	uint64_t offset;
	size_t row_bytes;
	uint32_t rows;
};

/**
 * The bytes that hold the pixels of a box, rounded outwards to whole blocks.
 * The box must lie within the buffer and not be empty. Rows without a gap
 * between them are returned as a single one.
 */
struct sp_span sp_plane_span(const struct sp_plane *plane,
	const pixman_box32_t *box);

#endif
