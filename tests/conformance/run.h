/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_RUN_H
#define CONFORMANCE_RUN_H

#include <stdbool.h>

#include "case.h"

struct run_options {
	/* Starts a compositor for each case; NULL: use the one that is there. */
	const char *start;
	/* For a case, in milliseconds. */
	int timeout;
	/* From when on the compositor counts as hung. */
	int hang;
};

struct run_result {
	enum case_outcome outcome;
	/* What was seen, or why it was skipped. */
	char detail[768];
	double seconds;
};

/** Runs one case beside a bystander. Returns false, with the detail set, when
 * there is no compositor to run it on. */
bool run_case(const struct test_case *test_case,
	const struct run_options *options, struct run_result *result);

const char *case_kind_name(enum case_kind kind);
const char *case_outcome_name(enum case_outcome outcome);

#endif
