/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_REPORT_H
#define CONFORMANCE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "expect.h"
#include "options.h"
#include "run.h"

/** The result of a case. */
struct entry {
	const struct test_case *test_case;
	struct run_result result;
	/* Depends on the kind of run; see is_ok(). */
	bool ok;
	/* Why it was expected to fail, or NULL. */
	const char *expected;
};

/** The results so far. */
struct report {
	const struct options *options;
	const struct expectations *expectations;
	struct entry *entries;
	size_t len, cases_len;
	/* The number of cases that failed unexpectedly. */
	unsigned failed;
	FILE *json, *junit;
};

/** Opens the files, and prints the plan. "cases_len" is the number of entries. Ends the
 * program if a file cannot be written. */
void report_begin(struct report *report, const struct options *options,
	const struct expectations *expectations, size_t cases_len);

/** For jobs_run(), with the report as data. */
void report_tell(const struct test_case *test_case,
	const struct run_result *result, void *data);

/** Prints the summary, and writes the files. "error" is the reason why cases are missing,
 * or NULL. Returns whether the files could be written. */
bool report_end(struct report *report, const char *error);

#endif
