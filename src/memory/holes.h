/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_HOLES_H
#define SEALPOOL_MEMORY_HOLES_H

#include <stdbool.h>
#include <stdint.h>

#include "chunks.h"
#include "untrusted.h"

struct sp_mapping;

/**
 * Whether one of the mapping's pages from "start" to "end" has no memory in the
 * file, as far as the kernel tells. Swapped ones count as having none. Any thread.
 */
bool sp_holes_in_mapping(const struct sp_mapping *mapping, uint64_t start,
	uint64_t end);

/* How many bytes one call looks at that are not known yet: 0.5 ms of work. */
#define SP_HOLES_SCAN_MAX ((uint64_t)128 << 20)

/**
 * Whether all of the file from "start" to "end", which the mapping covers, has
 * been seen to have memory. What is not known yet is looked at, up to
 * SP_HOLES_SCAN_MAX, so that it can take several calls until that is known of a
 * large range. Any thread.
 */
bool sp_holes_none_seen(struct sp_chunks *filled,
	const struct sp_mapping *mapping, uint64_t start, uint64_t end);

/** Counts the pages of a mapping that have memory; 0 where that is not to be known. */
uint64_t sp_holes_count_pages(const uint8_t SP_UNTRUSTED *base, uint64_t length);

#endif
