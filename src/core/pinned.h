/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_PINNED_H
#define SEALPOOL_CORE_PINNED_H

#include <stdbool.h>
#include <stdint.h>

struct sp_backing;

/**
 * Adds a user of a range of the pinned shadow, in bytes, and gives memory to it.
 * Returns 0 or a negative errno: -EDQUOT over a limit. Nothing has changed then. The
 * caller holds no lock: copies may be reclaimed for it, also those of this backing.
 */
int sp_pinned_use(struct sp_backing *backing, uint64_t start, uint64_t end);

/** Takes that user away, which nobody else may look at any more. Pages without any
 * are given back, unless the compositor was found to read such pages. */
void sp_pinned_give_back(struct sp_backing *backing, uint64_t start,
	uint64_t end);

/** The pool goes: looks for the last time whether its pages were read after they
 * had been given back. */
void sp_pinned_finish(struct sp_backing *backing);

#endif
