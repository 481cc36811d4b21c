/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_CLOCK_H
#define SEALPOOL_MEMORY_CLOCK_H

#include <stdint.h>
#include <time.h>

/* A few milliseconds do not matter, and each access reads the clock: 3 ns instead of
 * 114 (measured in a virtual machine). */
#ifdef CLOCK_MONOTONIC_COARSE
#define SP_CLOCK CLOCK_MONOTONIC_COARSE
#else
#define SP_CLOCK CLOCK_MONOTONIC
#endif

/** Returns the time in milliseconds of a monotonic clock. Any thread. */
static inline uint64_t sp_clock_now(void) {
	struct timespec now;
	clock_gettime(SP_CLOCK, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
