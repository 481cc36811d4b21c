/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_RUN_H
#define CONFORMANCE_RUN_H

#include <signal.h>
#include <stdbool.h>

#include "case.h"

struct run_options {
	/* Starts a compositor for each case; NULL: use the one that is there. */
	const char *start;
	/* For a case, in milliseconds by the clock of clock.h. */
	int timeout;
	/* From when on the compositor counts as hung. */
	int hang;
	/* How many times more a failed case is run. */
	unsigned retries;
	/* A folder for what compositors print, or NULL: to stderr. */
	const char *log_dir;
};

struct run_result {
	enum case_outcome outcome;
	/* How often the case has failed before this result. */
	unsigned failures;
	/* Skipped because of how the suite was built. */
	bool lacking;
	/* What was seen, or why it was skipped. */
	char detail[768];
	/* By the clock on the wall. */
	double seconds;
	/* What the bystander has waited for an answer, in seconds. */
	double longest_wait;
};

/** Set when all that runs is to end soon. */
extern volatile sig_atomic_t run_interrupted;

/** Runs one case beside a bystander. Returns false, with the detail set, when
 * there is no compositor to run it on, or when it was interrupted. */
bool run_case(const struct test_case *test_case,
	const struct run_options *options, struct run_result *result);

const char *case_kind_name(enum case_kind kind);
const char *case_outcome_name(enum case_outcome outcome);

#endif
