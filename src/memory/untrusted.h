/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_UNTRUSTED_H
#define SEALPOOL_MEMORY_UNTRUSTED_H

#include <stdint.h>

/**
 * Marks a pointer into a file that its owner can truncate: a load or store of a missing
 * byte raises SIGBUS. Clang rejects each load and store through such a pointer, and each
 * conversion to an ordinary pointer. Only the three functions below convert it.
 */
#if defined(__clang__) && !defined(SP_TRUST_ALL)
#define SP_UNTRUSTED __attribute__((noderef))
#else
#define SP_UNTRUSTED
#endif

/** For a system call, which fails with EFAULT or a short count instead. */
static inline void *sp_untrusted_for_kernel(const uint8_t SP_UNTRUSTED *bytes) {
	return (void *)(uintptr_t)bytes;
}

/** For bytes below the file's sealed size, or in a mapping with MAP_NOFAULT. */
static inline uint8_t *sp_untrusted_in_place(uint8_t SP_UNTRUSTED *bytes) {
	return (uint8_t *)(uintptr_t)bytes;
}

/** For the compositor's own bytes: of a shadow, which is sealed and has memory, or of no
 * file. */
static inline uint8_t *sp_untrusted_own(uint8_t SP_UNTRUSTED *bytes) {
	return (uint8_t *)(uintptr_t)bytes;
}

#endif
