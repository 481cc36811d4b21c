/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

/**
 * What this process has open, mapped and running, from /proc.
 */

#include <stddef.h>

size_t count_fds(void);

/** Counts the calling thread, too. */
size_t count_threads(void);

/** Returns the resident memory. */
size_t count_resident_bytes(void);

/** Counts the mappings whose line in /proc/self/maps contains one of two texts; ""
 * matches all. */
size_t count_mappings(const char *text, const char *other);
/** Returns the size of such mappings in bytes. */
size_t count_mapped_bytes(const char *text, const char *other);

#endif
