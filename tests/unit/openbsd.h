/* SPDX-License-Identifier: MIT */
#ifndef UNIT_OPENBSD_H
#define UNIT_OPENBSD_H

/**
 * What OpenBSD's <sys/mman.h> has and Linux' has not, and the other way around:
 * what is used nonetheless cannot be linked.
 */

#define __MAP_NOFAULT 0x2000

#define memfd_create openbsd_has_no_memfd_create
#define process_vm_readv openbsd_has_no_process_vm_readv

#endif
