/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_BETWEEN_H
#define SUPPORT_BETWEEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/** Fails unless the number is at least "low" and at most "high". cmocka's own function
 * for this has another name in each of its major versions. */
static inline void expect_between(uint64_t number, uint64_t low,
		uint64_t high) {
	if (number < low || number > high) {
		fail_msg("%llu is not between %llu and %llu",
			(unsigned long long)number, (unsigned long long)low,
			(unsigned long long)high);
	}
}

#endif
