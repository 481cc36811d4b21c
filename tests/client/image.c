/* SPDX-License-Identifier: MIT */
/*
 * Images whose pixels show what is wrong with them.
 *
 * Each pixel is a hash of its place and of the frame that drew it. So a wrong offset,
 * stride or damage results in wrong pixels, not in another shade of right ones. A pixel
 * that was left over often shows from which frame.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

/* The number of earlier frames in which a left-over pixel is looked for. */
#define FRAMES_LOOKED_BACK 64

bool client_image_create(struct client_image *image, int32_t width,
		int32_t height) {
	*image = (struct client_image){
		.width = width,
		.height = height,
		.stride = width * 4,
		.data = calloc((size_t)width * (size_t)height, 4),
		.owned = true,
	};
	return image->data != NULL;
}

void client_image_destroy(struct client_image *image) {
	if (image->owned) {
		free(image->data);
	}
	*image = (struct client_image){ 0 };
}

static uint8_t *pixel_at(const struct client_image *image, int32_t x,
		int32_t y) {
	return (uint8_t *)image->data + (size_t)y * (size_t)image->stride +
		(size_t)x * 4;
}

uint32_t client_image_get(const struct client_image *image, int32_t x,
		int32_t y) {
	uint32_t pixel;
	memcpy(&pixel, pixel_at(image, x, y), sizeof(pixel));
	return pixel;
}

void client_image_set(struct client_image *image, int32_t x, int32_t y,
		uint32_t pixel) {
	memcpy(pixel_at(image, x, y), &pixel, sizeof(pixel));
}

void client_image_paste(struct client_image *image, int32_t x, int32_t y,
		const struct client_image *from) {
	for (int32_t i = 0; i < from->height; i++) {
		for (int32_t j = 0; j < from->width; j++) {
			if (x + j >= 0 && x + j < image->width && y + i >= 0 &&
					y + i < image->height) {
				client_image_set(image, x + j, y + i,
					client_image_get(from, j, i));
			}
		}
	}
}

uint32_t client_pattern(int32_t x, int32_t y, uint32_t frame) {
	uint32_t hash = (uint32_t)x * 0x9e3779b1u ^ (uint32_t)y * 0x85ebca77u ^
		(frame + 1) * 0xc2b2ae3du;
	hash ^= hash >> 15;
	hash *= 0x2c1b3c6du;
	hash ^= hash >> 13;
	/* Bit 16 distinguishes it from memory that was never written. */
	return 0xff000000u | (hash & 0xffffffu) | 0x010000u;
}

void client_image_draw_rect(struct client_image *image, int32_t x, int32_t y,
		int32_t width, int32_t height, int32_t block, uint32_t frame) {
	for (int32_t i = y; i < y + height; i++) {
		for (int32_t j = x; j < x + width; j++) {
			client_image_set(image, j, i,
				client_pattern(j / block, i / block, frame));
		}
	}
}

void client_image_draw(struct client_image *image, uint32_t frame) {
	client_image_draw_rect(image, 0, 0, image->width, image->height, 1,
		frame);
}

static bool same(uint32_t a, uint32_t b) {
	return ((a ^ b) & 0xffffff) == 0;
}

/* Describes where a wrong pixel may come from. */
static void explain(uint32_t pixel, int32_t x, int32_t y, char *text,
		size_t size) {
	text[0] = '\0';
	for (uint32_t i = 0; i < FRAMES_LOOKED_BACK; i++) {
		if (same(pixel, client_pattern(x, y, i))) {
			snprintf(text, size, " (frame %u's)", i);
			return;
		}
	}
	for (int32_t dy = -16; dy <= 16; dy++) {
		for (int32_t dx = -16; dx <= 16; dx++) {
			for (uint32_t i = 0; i < FRAMES_LOOKED_BACK; i++) {
				if (same(pixel, client_pattern(x + dx, y + dy,
						i))) {
					snprintf(text, size,
						" (frame %u's of %d,%d)", i,
						x + dx, y + dy);
					return;
				}
			}
		}
	}
}

bool client_image_expect(const struct client_image *image, int32_t x, int32_t y,
		const struct client_image *expected, char *error,
		size_t error_size) {
	if (x < 0 || y < 0 || expected->width > image->width - x ||
			expected->height > image->height - y) {
		snprintf(error, error_size,
			"%dx%d pixels at %d,%d exceed a picture of %dx%d",
			expected->width, expected->height, x, y, image->width,
			image->height);
		return false;
	}
	int64_t wrong = 0;
	int32_t first_x = 0, first_y = 0;
	int32_t left = expected->width, top = expected->height;
	int32_t right = 0, bottom = 0;
	for (int32_t i = 0; i < expected->height; i++) {
		for (int32_t j = 0; j < expected->width; j++) {
			if (same(client_image_get(image, x + j, y + i),
					client_image_get(expected, j, i))) {
				continue;
			}
			if (wrong++ == 0) {
				first_x = j;
				first_y = i;
				top = i;
			}
			bottom = i + 1;
			left = j < left ? j : left;
			right = j + 1 > right ? j + 1 : right;
		}
	}
	if (wrong == 0) {
		return true;
	}
	uint32_t got = client_image_get(image, x + first_x, y + first_y);
	char origin[64];
	explain(got, first_x, first_y, origin, sizeof(origin));
	snprintf(error, error_size,
		"%lld of %lld pixels are wrong, all within %dx%d at %d,%d; "
		"the first at %d,%d: expected %06x, got %06x%s",
		(long long)wrong,
		(long long)expected->width * expected->height, right - left,
		bottom - top, left, top, first_x, first_y,
		client_image_get(expected, first_x, first_y) & 0xffffff,
		got & 0xffffff, origin);
	return false;
}

static bool shows(const struct client_image *image, int32_t x, int32_t y,
		const struct client_image *part) {
	for (int32_t i = 0; i < part->height; i++) {
		for (int32_t j = 0; j < part->width; j++) {
			if (!same(client_image_get(image, x + j, y + i),
					client_image_get(part, j, i))) {
				return false;
			}
		}
	}
	return true;
}

/* A pixel that differs from those before it. */
static void find_mark(const struct client_image *image, int32_t *x,
		int32_t *y) {
	uint32_t first = client_image_get(image, 0, 0);
	for (int32_t i = 0; i < image->height; i++) {
		for (int32_t j = 0; j < image->width; j++) {
			if (!same(client_image_get(image, j, i), first)) {
				*x = j;
				*y = i;
				return;
			}
		}
	}
	*x = *y = 0;
}

/* If the part begins with black, much of a screen does too. So a distinctive pixel is
 * looked for first. */
bool client_image_find(const struct client_image *image,
		const struct client_image *part, int32_t *x, int32_t *y) {
	int32_t mark_x, mark_y;
	find_mark(part, &mark_x, &mark_y);
	uint32_t mark = client_image_get(part, mark_x, mark_y);
	for (int32_t i = 0; i + part->height <= image->height; i++) {
		for (int32_t j = 0; j + part->width <= image->width; j++) {
			if (same(client_image_get(image, j + mark_x,
					i + mark_y), mark) &&
					shows(image, j, i, part)) {
				*x = j;
				*y = i;
				return true;
			}
		}
	}
	return false;
}

struct place {
	uint32_t pixel;
	int32_t x, y;
};

static int compare_places(const void *a, const void *b) {
	const struct place *left = a, *right = b;
	return (left->pixel > right->pixel) - (left->pixel < right->pixel);
}

/* Each pixel of the image that is in the part votes for the place of the part. */
bool client_image_find_closest(const struct client_image *image,
		const struct client_image *part, int32_t *x, int32_t *y) {
	size_t places_len = (size_t)part->width * (size_t)part->height;
	struct place *places = calloc(places_len, sizeof(places[0]));
	uint32_t *votes = calloc((size_t)image->width * (size_t)image->height,
		sizeof(votes[0]));
	uint32_t most = 0;
	if (places == NULL || votes == NULL) {
		goto out;
	}
	for (size_t i = 0; i < places_len; i++) {
		places[i].x = (int32_t)(i % (size_t)part->width);
		places[i].y = (int32_t)(i / (size_t)part->width);
		places[i].pixel = client_image_get(part, places[i].x,
			places[i].y) & 0xffffff;
	}
	qsort(places, places_len, sizeof(places[0]), compare_places);
	for (int32_t i = 0; i < image->height; i++) {
		for (int32_t j = 0; j < image->width; j++) {
			struct place key = {
				.pixel = client_image_get(image, j, i) &
					0xffffff,
			};
			const struct place *place = bsearch(&key, places,
				places_len, sizeof(places[0]), compare_places);
			if (place == NULL || place->x > j || place->y > i) {
				continue;
			}
			uint32_t *vote = &votes[(size_t)(i - place->y) *
				(size_t)image->width + (size_t)(j - place->x)];
			if (++*vote > most) {
				most = *vote;
				*x = j - place->x;
				*y = i - place->y;
			}
		}
	}
out:
	free(votes);
	free(places);
	return most > 0;
}
