/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_SYSTEM_H
#define FUZZ_SYSTEM_H

/**
 * System calls of the library that are replaced: its clock stands still unless it is
 * advanced, and the bytes that it maps are counted.
 */

#include <stddef.h>
#include <stdint.h>

/** Advances the clock. */
void system_advance(uint32_t ms);

/** Returns the bytes that the library has mapped. */
size_t system_get_mapped(void);

/** Returns the number of file descriptors of this process. */
size_t system_count_fds(void);

#endif
