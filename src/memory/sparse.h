/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_SPARSE_H
#define SEALPOOL_MEMORY_SPARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "untrusted.h"

/** Finds holes of shared memory that is not mapped. */
struct sp_sparse {
	/* -1: it counts as full. */
	int fd;
	/* Its size, and how many bytes have memory. */
	uint64_t size, allocated;
	/* Its mapping, for mincore(), if the kernel has no cachestat(). */
	uint8_t SP_UNTRUSTED *base;
	/* The chunk that was checked last, and whether it is a hole. */
	uint64_t chunk;
	bool empty;
};

void sp_sparse_init(struct sp_sparse *sparse, int fd, uint64_t size,
	uint64_t allocated);
void sp_sparse_finish(struct sp_sparse *sparse);

/** Returns whether the file has no page from "start" to "end", in memory or swapped. */
bool sp_sparse_has_hole(struct sp_sparse *sparse, uint64_t start, uint64_t end);

#endif
