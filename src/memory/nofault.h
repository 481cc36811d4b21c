/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_NOFAULT_H
#define SEALPOOL_MEMORY_NOFAULT_H

#include "mapping.h"

/** MAP_NOFAULT for shared mappings. */
#define SP_MAP_ZEROHOLES 0x800000

/** For reading, with MAP_NOFAULT: private, and shared. */
extern const struct sp_mapping_mode sp_nofault_mode, sp_nofault_shared_mode;

/**
 * Returns the better one of these modes that this system has, or NULL. Probes with some 40
 * system calls for each that it has, six for shared mappings and ten for private ones if
 * not; without a signal or a child process.
 */
const struct sp_mapping_mode *sp_nofault_probe(void);

/**
 * Drops the zero pages that were put in where the file was too short, if the mapping
 * is outdated and not coherent. Readers see either state meanwhile. Any thread.
 */
void sp_nofault_renew(struct sp_mapping *mapping);

#endif
