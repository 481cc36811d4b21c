/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_RATE_H
#define SEALPOOL_MEMORY_RATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** Limits how many bytes are looked at, or read, in a time. Any thread; what two threads
 * take at once may count as one. */
struct sp_rate {
	/* In milliseconds. More in tests, since a busy machine is slow. */
	uint64_t interval;
	/* The most bytes in it. */
	uint64_t max;
	/* The current interval, and the bytes that were taken in it. */
	_Atomic uint64_t number, bytes;
};

void sp_rate_init(struct sp_rate *rate, uint64_t max);

/** Returns whether the interval has room for these bytes, and counts them if it has. */
bool sp_rate_take(struct sp_rate *rate, uint64_t bytes);

#endif
