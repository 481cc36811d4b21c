/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

/**
 * What this process has open and mapped, as /proc tells.
 */

#include <stddef.h>

size_t count_fds(void);

/** Memory that is there. */
size_t count_resident_bytes(void);

/** Mappings whose line in /proc/self/maps has one of two texts in it; "" for all. */
size_t count_mappings(const char *text, const char *other);
/** Their bytes. */
size_t count_mapped_bytes(const char *text, const char *other);

#endif
