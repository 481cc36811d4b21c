/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_MEMFD_H
#define SUPPORT_MEMFD_H

/**
 * Memory files for tests.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

size_t page_size(void);

/** A memfd of "size" bytes without memory, and with these F_SEAL_* flags. It can be
 * sealed later. */
int create_memfd(off_t size, int seals);

/** Writes "byte" to the first "filled" bytes of a file. */
void fill_memfd(int fd, off_t filled, uint8_t byte);

/** The same file through another open file description. */
int reopen(int fd, int flags);

#endif
