/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_INFO_MEMORY_H
#define SEALPOOL_INFO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The file of a pool. */
struct memory {
	int fd;
	/* The pool's size at creation, and the size to resize it to, or 0. The buffer
	 * is at the end of the pool. */
	int32_t pool_size, resized;
	/* Why this system cannot create it. */
	char error[160];
};

/** The buffer that a probe draws. */
#define MEMORY_SIDE 16
#define MEMORY_STRIDE (MEMORY_SIDE * 4)
#define MEMORY_BYTES (MEMORY_STRIDE * MEMORY_SIDE)

/** A sort of memory that a client may share with a compositor. */
struct sort {
	const char *name;
	const char *description;
	/* Creates one. On failure, returns false and sets .error. */
	bool (*create)(struct memory *memory, const struct sort *sort);
	/* Of memfds: F_SEAL_*, and whether no seal can be added. */
	int seals;
	bool unsealable;
};

/** The last one has no name. */
extern const struct sort sorts[];

void memory_destroy(struct memory *memory);

#endif
