/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_INFO_MEMORY_H
#define SEALPOOL_INFO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a pool can be made of. */
struct memory {
	int fd;
	/* Of the pool to be made, and to be resized to, or 0. The buffer is at
	 * the end of the latter. */
	int32_t pool_size, resized;
	/* Why it cannot be had here. */
	char error[160];
};

/** What a probe draws. */
#define MEMORY_SIDE 16
#define MEMORY_STRIDE (MEMORY_SIDE * 4)
#define MEMORY_BYTES (MEMORY_STRIDE * MEMORY_SIDE)

/** A sort of memory that a client may hand to a compositor. */
struct sort {
	const char *name;
	const char *description;
	/* Makes one; returns false with .error set where the system has none. */
	bool (*create)(struct memory *memory);
};

/** Ends with one without a name. */
extern const struct sort sorts[];

void memory_destroy(struct memory *memory);

#endif
