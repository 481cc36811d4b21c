/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_HOLES_H
#define SEALPOOL_MEMORY_HOLES_H

#include <stdbool.h>
#include <stdint.h>

#include "chunks.h"

struct sp_mapping;

/* How many bytes one call looks at that are not known yet: 0.5 ms of work. */
#define SP_FILLED_LOOK_MAX ((uint64_t)128 << 20)

/**
 * Whether all of the file from "start" to "end", which the mapping covers, has
 * been seen to have memory. What is not known yet is looked at, up to
 * SP_FILLED_LOOK_MAX, so that it can take several calls until that is known of a
 * large range. Any thread.
 */
bool sp_filled_covers(struct sp_chunks *filled,
	const struct sp_mapping *mapping, uint64_t start, uint64_t end);

#endif
