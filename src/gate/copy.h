/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GATE_COPY_H
#define SEALPOOL_GATE_COPY_H

#include <stdbool.h>
#include <stdint.h>

/** Bytes of a file. */
struct sp_range {
	uint64_t offset, length;
};

/**
 * Copies a range of a client's file into a file of our own, to the same offset. The
 * copy ends where the range does, or where the client's file does, and is sealed
 * against any other size. "found" is set to how many bytes were there. Waits for
 * what the file waits for. Returns an fd or a negative errno. Any thread.
 */
int sp_copy_range(int fd, const struct sp_range *range, uint64_t *found);

/** Whether one of the first "size" bytes of a copy is 0. Begins with the last one, which
 * ends a text. */
bool sp_copy_has_zero(int copy, uint64_t size);

/** Returns an fd of such a file of zeroes, which take no memory, or a negative
 * errno. */
int sp_copy_nothing(uint64_t size);

#endif
