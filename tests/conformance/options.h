/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_OPTIONS_H
#define CONFORMANCE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "run.h"

struct patterns {
	const char **list;
	size_t len;
};

struct options {
	struct run_options run;
	/* The cases to run, all if there are none, and the cases not to run. */
	struct patterns only, skip;
	size_t at_a_time;
	bool list, self_check, require_all;
	/* Files to write, or NULL. */
	const char *json, *junit;
	/* A file of expected failures, or NULL. */
	const char *expect;
};

/** Ends the program if the options are wrong, or do not require a test. */
void options_read(struct options *options, int argc, char *argv[]);
void options_finish(struct options *options);

bool patterns_match(const struct patterns *patterns, const char *name);

#endif
