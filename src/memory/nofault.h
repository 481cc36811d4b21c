/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_NOFAULT_H
#define SEALPOOL_MEMORY_NOFAULT_H

#include <stdbool.h>

#include "mapping.h"

/**
 * Returns whether this system has MAP_NOFAULT. Probes with some 40 system calls if it has,
 * ten if not; without a signal or a child process.
 */
bool sp_nofault_probe(void);

/** Private, for reading, with MAP_NOFAULT. */
extern const struct sp_mapping_mode sp_nofault_mode;

/**
 * Drops the zero pages that were put in where the file was too short, if the mapping
 * is outdated. Readers see either state meanwhile. Any thread.
 */
void sp_nofault_renew(struct sp_mapping *mapping);

#endif
