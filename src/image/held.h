/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_HELD_H
#define SEALPOOL_IMAGE_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "access.h"

/**
 * An access that lasts as long as its view, for compositors that keep the address of a
 * buffer's bytes. Zero at first. Use it on one thread only.
 */
struct sp_held {
	struct sp_access access;
	bool begun, writing;
};

/**
 * Makes the bytes current, as at the begin of an access. The first call begins the
 * access: from then on, the view's kind and the address do not change. Returns the first
 * byte; NULL if the memory cannot be written. Without memory for a copy, returns zeroes,
 * and the next call tries again.
 */
uint8_t *sp_view_hold(struct sp_view *view, uint64_t epoch, struct sp_held *held,
	bool writing);

/** Writes back what was written since sp_view_hold(), as at the end of an access. */
void sp_view_flush(struct sp_view *view, struct sp_held *held);

/** Ends the access, without writing anything back. Call it before sp_view_finish(). */
void sp_view_drop(struct sp_view *view, struct sp_held *held);

#endif
