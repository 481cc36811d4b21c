/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_FORMAT_H
#define SEALPOOL_IMAGE_FORMAT_H

#include <pixman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_PLANES_MAX 3

/** The smallest unit of a plane that has a whole number of bytes. */
struct sp_block {
	uint8_t bytes;
	/* The samples in the block, side by side. */
	uint8_t width;
	/* Pixels of the buffer for each sample, horizontally and vertically. */
	uint8_t hsub, vsub;
};

struct sp_format {
	uint32_t drm;
	uint8_t planes_len;
	struct sp_block planes[SP_PLANES_MAX];
};

/** Returns the format with this DRM fourcc code, or NULL if it is unknown. */
const struct sp_format *sp_format_get(uint32_t drm);

/** One plane of a buffer in its pool. */
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
	/* The format has the number of planes. */
	struct sp_plane planes[SP_PLANES_MAX];
	/* The offset after the last byte of the last plane. */
	uint64_t end;
};

/** Returns the offset of the first byte. */
static inline uint64_t sp_layout_start(const struct sp_layout *layout) {
	return layout->planes[0].offset;
}

/**
 * Computes the planes of a buffer. wl_shm has only one offset and one stride. By
 * convention, planes follow one another without a gap, and their strides have the same
 * ratio as the lengths of their rows.
 *
 * The offset must not be negative; width, height and stride must be positive. Returns
 * false if the stride is too small, or not a whole number of blocks.
 */
bool sp_layout_init(struct sp_layout *layout, const struct sp_format *format,
	int32_t offset, int32_t width, int32_t height, int32_t stride);

/** The same, but the stride of 24-bit pixels may also be a whole number of 32-bit
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
 * Returns the bytes that hold the pixels of a box, rounded outwards to whole blocks.
 * The box must lie within the buffer and not be empty. Rows without a gap between them
 * are returned as a single one.
 */
struct sp_span sp_plane_span(const struct sp_plane *plane,
	const pixman_box32_t *box);

/** Returns how many of the layout's bytes a region within the buffer has, roughly. */
uint64_t sp_layout_count_bytes(const struct sp_layout *layout,
	const pixman_region32_t *region);

#endif
