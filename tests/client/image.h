/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_IMAGE_H
#define CLIENT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Pixels as 0xXXRRGGBB; the top byte is ignored. */
struct client_image {
	int32_t width, height;
	/* From one row to the next, in bytes. */
	int32_t stride;
	void *data;
	/* Whether the image owns its data. */
	bool owned;
};

/** Creates an image of zeroes. Returns false if there is no memory. */
bool client_image_create(struct client_image *image, int32_t width,
	int32_t height);
void client_image_destroy(struct client_image *image);

uint32_t client_image_get(const struct client_image *image, int32_t x,
	int32_t y);
void client_image_set(struct client_image *image, int32_t x, int32_t y,
	uint32_t pixel);

/** Copies "from" to x, y. What does not fit is cut off. */
void client_image_paste(struct client_image *image, int32_t x, int32_t y,
	const struct client_image *from);

/**
 * The test pattern: the pixels of one frame, or of two frames, nearly always differ. A
 * pixel is never 0, and is opaque.
 */
uint32_t client_pattern(int32_t x, int32_t y, uint32_t frame);

/** Draws the pattern on the whole image. */
void client_image_draw(struct client_image *image, uint32_t frame);

/**
 * Draws the pattern on a rectangle, which must lie within the image. Each value is
 * "block" pixels wide and high.
 */
void client_image_draw_rect(struct client_image *image, int32_t x, int32_t y,
	int32_t width, int32_t height, int32_t block, uint32_t frame);

/**
 * Compares "expected" with "image" at x, y. Returns true if all pixels are equal.
 * Otherwise, writes a sentence to "error" with the first wrong pixel, its right value,
 * and the number and extent of the wrong ones.
 */
bool client_image_expect(const struct client_image *image, int32_t x, int32_t y,
	const struct client_image *expected, char *error, size_t error_size);

/** Finds the place where "image" shows "part" exactly. */
bool client_image_find(const struct client_image *image,
	const struct client_image *part, int32_t *x, int32_t *y);

/** Finds the place where "image" shows most pixels of "part", which should all differ.
 * Returns false if it shows none. */
bool client_image_find_closest(const struct client_image *image,
	const struct client_image *part, int32_t *x, int32_t *y);

#endif
