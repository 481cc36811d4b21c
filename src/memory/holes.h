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

/** Looks for holes of shared memory that is not mapped. */
struct sp_holes {
	/* -1: it counts as full. */
	int fd;
	/* It has so many bytes, and memory for so many. */
	uint64_t size, allocated;
	/* Where it is mapped, if the kernel does not tell otherwise. */
	uint8_t SP_UNTRUSTED *base;
	/* The chunk that was looked at last, and whether it is one. */
	uint64_t chunk;
	bool empty;
};

void sp_holes_init(struct sp_holes *holes, int fd, uint64_t size,
	uint64_t allocated);
/** Of a file that counts as full. */
void sp_holes_init_full(struct sp_holes *holes);
void sp_holes_finish(struct sp_holes *holes);

/** Whether the file has no page from "start" to "end", nor one that is swapped out. */
bool sp_holes_has(struct sp_holes *holes, uint64_t start, uint64_t end);

#endif
