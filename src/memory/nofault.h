/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_NOFAULT_H
#define SEALPOOL_MEMORY_NOFAULT_H

#include <stdbool.h>

#include "mapping.h"

/**
 * Whether this system has MAP_NOFAULT, found out by trying: some 40 system calls
 * where it has, ten where it has not, no signal and no child.
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
