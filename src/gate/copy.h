/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GATE_COPY_H
#define SEALPOOL_GATE_COPY_H

#include <stdint.h>

/** A range of bytes in a file. */
struct sp_range {
	uint64_t offset, length;
};

/**
 * Copies a range of a client's file into a file of our own, at the same offset. The copy
 * ends where the range or the client's file ends, and is sealed against any other size.
 * Sets "found" to the number of bytes that were there. Blocks as long as reading the file
 * does. Returns an fd or a negative errno. Any thread.
 */
int sp_copy_range(int fd, const struct sp_range *range, uint64_t *found);

/** Returns 1 if one of a copy's first "size" bytes is 0, 0 if none is, or a negative errno.
 * Begins with the last one, which ends a text. */
int sp_copy_find_zero(int copy, uint64_t size);

/** Returns an fd of such a file of zeroes, which take no memory, or a negative
 * errno. */
int sp_copy_nothing(uint64_t size);

#endif
