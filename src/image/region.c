/* SPDX-License-Identifier: MIT */
/*
 * Regions of pixels that may have changed.
 *
 * The client chooses the number and places of the rectangles, and each costs time
 * whenever the region is used. So a region with too many is replaced by the smallest box
 * around them.
 */
#include <stdbool.h>

#include "region.h"

#define BOXES_MAX 64

static void set_box(pixman_region32_t *region, pixman_box32_t box) {
	pixman_region32_fini(region);
	pixman_region32_init_with_extents(region, &box);
}

void sp_region_set_all(pixman_region32_t *region, int32_t width,
		int32_t height) {
	set_box(region, (pixman_box32_t){ 0, 0, width, height });
}

bool sp_region_is_all(const pixman_region32_t *region, int32_t width,
		int32_t height) {
	pixman_box32_t all = { 0, 0, width, height };
	return pixman_region32_contains_rectangle(
		(pixman_region32_t *)region, &all) == PIXMAN_REGION_IN;
}

static int32_t min(int32_t a, int32_t b) {
	return a < b ? a : b;
}

static int32_t max(int32_t a, int32_t b) {
	return a > b ? a : b;
}

static pixman_box32_t box_around(const pixman_box32_t *a,
		const pixman_box32_t *b) {
	return (pixman_box32_t){
		.x1 = min(a->x1, b->x1), .y1 = min(a->y1, b->y1),
		.x2 = max(a->x2, b->x2), .y2 = max(a->y2, b->y2),
	};
}

void sp_region_add(pixman_region32_t *region, const pixman_region32_t *added) {
	/* pixman does not change this argument, though it is not const. A union without
	 * memory leaves an empty region. */
	pixman_region32_t *other = (pixman_region32_t *)added;
	if (!pixman_region32_not_empty(other)) {
		return;
	}
	pixman_box32_t box = *pixman_region32_extents(other);
	if (pixman_region32_not_empty(region)) {
		box = box_around(pixman_region32_extents(region), &box);
	}
	if (!pixman_region32_union(region, region, other) ||
			pixman_region32_n_rects(region) > BOXES_MAX) {
		set_box(region, box);
	}
}

void sp_region_add_box(pixman_region32_t *region, const pixman_box32_t *box) {
	pixman_region32_t added;
	pixman_region32_init_with_extents(&added, (pixman_box32_t *)box);
	sp_region_add(region, &added);
	pixman_region32_fini(&added);
}
