/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_UNTRUSTED_H
#define SEALPOOL_MEMORY_UNTRUSTED_H

#include <stdint.h>

/**
 * Marks a pointer into a file that its owner can truncate: to load or store a byte
 * there raises SIGBUS once it is gone. Clang rejects each expression that would do
 * so, and each conversion to an ordinary pointer. The three functions below are the
 * only ways out.
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

/** All bytes to be touched are below the file's sealed size, or the mapping has
 * MAP_NOFAULT. */
static inline uint8_t *sp_untrusted_in_place(uint8_t SP_UNTRUSTED *bytes) {
	return (uint8_t *)(uintptr_t)bytes;
}

/** The bytes are the compositor's own: of a shadow, which is sealed and was given
 * memory beforehand, or no file's. */
static inline uint8_t *sp_untrusted_own(uint8_t SP_UNTRUSTED *bytes) {
	return (uint8_t *)(uintptr_t)bytes;
}

#endif
