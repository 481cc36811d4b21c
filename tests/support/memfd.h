/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_MEMFD_H
#define SUPPORT_MEMFD_H

/**
 * Memfds for tests.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

size_t page_size(void);

/** Creates a memfd of "size" bytes without memory, with these F_SEAL_* flags. It can be
 * sealed later. */
int create_memfd(off_t size, int seals);

/** Writes "byte" to the first "filled" bytes of a file. */
void fill_memfd(int fd, off_t filled, uint8_t byte);

/** Opens the same file with another open file description. */
int reopen(int fd, int flags);

#endif
