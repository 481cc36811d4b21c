/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_SPARSE_H
#define SEALPOOL_MEMORY_SPARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "untrusted.h"

/** Looks for holes of shared memory that is not mapped. */
struct sp_sparse {
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

void sp_sparse_init(struct sp_sparse *sparse, int fd, uint64_t size,
	uint64_t allocated);
/** Of a file that counts as full. */
void sp_sparse_init_full(struct sp_sparse *sparse);
void sp_sparse_finish(struct sp_sparse *sparse);

/** Whether the file has no page from "start" to "end", nor one that is swapped out. */
bool sp_sparse_has_hole(struct sp_sparse *sparse, uint64_t start, uint64_t end);

#endif
