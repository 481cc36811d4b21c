/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_HOLES_H
#define SEALPOOL_MEMORY_HOLES_H

#include <stdbool.h>
#include <stdint.h>

#include "chunks.h"
#include "untrusted.h"

struct sp_mapping;
struct sp_rate;

/**
 * Returns whether a page of the mapping from "start" to "end" has no memory in the file,
 * according to the kernel. Swapped pages count as having none. Any thread.
 */
bool sp_holes_in_mapping(const struct sp_mapping *mapping, uint64_t start,
	uint64_t end);

/* The most bytes that are checked in 10 ms, for all clients together: 0.5 to 3 ms of
 * work. */
#define SP_LOOKS_MAX ((uint64_t)128 << 20)

/**
 * Returns whether all of the file from "start" to "end", which the mapping covers, was
 * seen to have memory. Checks unknown chunks as far as "looks" allows, so a large range
 * may take several calls. Any thread.
 */
bool sp_holes_none_seen(struct sp_chunks *filled, struct sp_rate *looks,
	const struct sp_mapping *mapping, uint64_t start, uint64_t end);

/** Counts the pages of a mapping that have memory; 0 if that is unknown. */
uint64_t sp_holes_count_pages(const uint8_t SP_UNTRUSTED *base, uint64_t length);

#endif
