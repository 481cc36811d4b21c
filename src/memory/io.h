/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_IO_H
#define SEALPOOL_MEMORY_IO_H

#include <stddef.h>
#include <stdint.h>

#include "untrusted.h"

/* Each of these returns how many bytes were moved: less than asked for at the file's end,
 * or after an error, which "error" is set to then. Any thread. */

/** Out of a file. */
size_t sp_io_read(int fd, uint64_t offset, uint8_t *to, size_t length,
	int *error);

/** The same without waiting for anything: neither a disk nor a lock nor a server. The
 * error is EAGAIN where the kernel does not have the bytes at hand. */
size_t sp_io_read_at_once(int fd, uint64_t offset, uint8_t *to, size_t length,
	int *error);

/** Out of a file of ours, into a mapping of a client's. */
size_t sp_io_read_into_client(int fd, uint64_t offset,
	uint8_t SP_UNTRUSTED *to, size_t length, int *error);

/** To a file of a client's that is not memory, whose size the caller has looked at. */
size_t sp_io_write(int fd, uint64_t offset, const uint8_t *from, size_t length,
	int *error);

#endif
