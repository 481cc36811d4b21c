/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_IMAGE_H
#define CLIENT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Pixels as 0xXXRRGGBB; the top byte means nothing. */
struct client_image {
	int32_t width, height;
	/* From one row to the next, in bytes. */
	int32_t stride;
	void *data;
	/* Whether data is this image's own. */
	bool owned;
};

/** All zero. Returns false when there is no memory. */
bool client_image_create(struct client_image *image, int32_t width,
	int32_t height);
void client_image_destroy(struct client_image *image);

uint32_t client_image_get(const struct client_image *image, int32_t x,
	int32_t y);
void client_image_set(struct client_image *image, int32_t x, int32_t y,
	uint32_t pixel);

/** Puts all of "from" at x, y; what does not fit is cut off. */
void client_image_paste(struct client_image *image, int32_t x, int32_t y,
	const struct client_image *from);

/**
 * The test pattern: a value that depends on each of x, y and frame, so that two
 * pixels are hardly ever alike. Never 0, and opaque.
 */
uint32_t client_pattern(int32_t x, int32_t y, uint32_t frame);

/** Draws the pattern over a whole image. */
void client_image_draw(struct client_image *image, uint32_t frame);

/**
 * Draws the pattern over a rectangle, which must lie within the image, each
 * value of it "block" pixels wide and high.
 */
void client_image_draw_rect(struct client_image *image, int32_t x, int32_t y,
	int32_t width, int32_t height, int32_t block, uint32_t frame);

/**
 * Compares "expected" with what "image" holds at x, y. Returns true when all
 * pixels are equal, else writes a sentence to "error" that tells the first
 * wrong one, what it should be, and how many there are and where.
 */
bool client_image_expect(const struct client_image *image, int32_t x, int32_t y,
	const struct client_image *expected, char *error, size_t error_size);

/** Finds where "image" shows "part" exactly. */
bool client_image_find(const struct client_image *image,
	const struct client_image *part, int32_t *x, int32_t *y);

/** Finds where "image" shows most of "part", whose pixels should all differ.
 * Returns false where there is nothing of it. */
bool client_image_find_closest(const struct client_image *image,
	const struct client_image *part, int32_t *x, int32_t *y);

#endif
