/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_IO_H
#define SEALPOOL_MEMORY_IO_H

#include <stddef.h>
#include <stdint.h>

#include "untrusted.h"

/* Each of these returns how many bytes were moved: fewer than "length" at the file's end,
 * or after an error; then "error" is set. Any thread. */

/** Reads from a client's file, or from one of ours to a mapping of a client's file. */
size_t sp_io_read(int fd, uint64_t offset, uint8_t SP_UNTRUSTED *to,
	size_t length, int *error);

/** Reads, but never waits for a disk, a lock or a server. The error is EAGAIN if the
 * bytes are not in the page cache. */
size_t sp_io_read_at_once(int fd, uint64_t offset, uint8_t *to, size_t length,
	int *error);

/** Writes to a client's slow file. The caller has checked its size. */
size_t sp_io_write(int fd, uint64_t offset, const uint8_t *from, size_t length,
	int *error);

#endif
