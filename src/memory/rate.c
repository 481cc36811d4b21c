/* SPDX-License-Identifier: MIT */
/*
 * A limit of bytes in each 10 ms, for all clients together.
 */
#include "clock.h"
#include "rate.h"

#define INTERVAL_MS 10

void sp_rate_init(struct sp_rate *rate, uint64_t max) {
	rate->interval = INTERVAL_MS;
	rate->max = max;
	atomic_init(&rate->number, 0);
	atomic_init(&rate->bytes, 0);
}

bool sp_rate_take(struct sp_rate *rate, uint64_t bytes) {
	uint64_t number = sp_clock_now() / rate->interval;
	if (atomic_exchange(&rate->number, number) != number) {
		rate->bytes = 0;
	}
	if (bytes > rate->max || rate->bytes > rate->max - bytes) {
		return false;
	}
	rate->bytes += bytes;
	return true;
}
