/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_NOFAULT_H
#define SEALPOOL_MEMORY_NOFAULT_H

#include <stdbool.h>

/**
 * Whether this system has MAP_NOFAULT, found out by trying: some 40 system calls
 * where it has, ten where it has not, no signal and no child.
 */
bool sp_nofault_probe(void);

#endif
