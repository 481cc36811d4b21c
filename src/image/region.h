/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_REGION_H
#define SEALPOOL_IMAGE_REGION_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * Regions that only grow. A region that cannot be represented exactly, because it has too
 * many rectangles or there is no memory, is rounded up, which is always correct for pixels
 * that may have changed.
 */

/** Sets the region to all pixels from 0, 0 to width, height. */
void sp_region_set_all(pixman_region32_t *region, int32_t width,
	int32_t height);

/** Returns whether the region has all of these pixels. */
bool sp_region_is_all(const pixman_region32_t *region, int32_t width,
	int32_t height);

/** Adds a box, which must not be empty, or a region. */
void sp_region_add_box(pixman_region32_t *region, const pixman_box32_t *box);
void sp_region_add(pixman_region32_t *region, const pixman_region32_t *added);

#endif
