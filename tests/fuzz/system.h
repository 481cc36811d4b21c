/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_SYSTEM_H
#define FUZZ_SYSTEM_H

/**
 * The library's calls to the system that are not as usual: its clock stands still until
 * it is told to go on, and what it maps is counted.
 */

#include <stddef.h>
#include <stdint.h>

/** Lets the clock go on. */
void system_advance(uint32_t ms);

/** Bytes that the library has mapped now. */
size_t system_get_mapped(void);

/** File descriptors of this process. */
size_t system_count_fds(void);

#endif
