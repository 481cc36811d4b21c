/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_RUN_H
#define CONFORMANCE_RUN_H

#include <signal.h>
#include <stdbool.h>

#include "case.h"

struct run_options {
	/* The command that starts a compositor for each case; NULL uses the running
	 * one. */
	const char *start;
	/* The time limit of a case, in milliseconds by the clock of clock.h. */
	int timeout;
	/* After this time without an answer, the compositor counts as hung. */
	int hang;
	/* How often a failed case is repeated. */
	unsigned retries;
	/* A folder for the output of compositors; NULL prints it to stderr. */
	const char *log_dir;
};

struct run_result {
	enum case_outcome outcome;
	/* How often the case has failed before this result. */
	unsigned failures;
	/* Skipped because of how the suite was built. */
	bool lacking;
	/* What was seen, or why the case was skipped. */
	char detail[768];
	/* By the wall clock. */
	double seconds;
	/* The longest wait of the bystander for an answer, in seconds. */
	double longest_wait;
};

/** Set when everything is to end soon. */
extern volatile sig_atomic_t run_interrupted;

/** Runs one case beside a bystander. Returns false, with the detail set, if there is no
 * compositor for it, or if it was interrupted. */
bool run_case(const struct test_case *test_case,
	const struct run_options *options, struct run_result *result);

const char *case_kind_name(enum case_kind kind);
const char *case_outcome_name(enum case_outcome outcome);

#endif
