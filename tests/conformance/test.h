/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_TEST_H
#define CONFORMANCE_TEST_H

#include "case.h"

/** What a case's process reports, in memory shared with the process that runs it. */
struct test_result {
	bool told;
	enum case_outcome outcome;
	/* Skipped because of how the suite was built. */
	bool lacking;
	char detail[640];
};

/** Sets where the result is stored. Call it first. */
void test_begin(struct test_result *to);

/** Everything was as expected. */
_Noreturn void test_conform(void);

#endif
