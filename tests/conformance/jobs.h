/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_JOBS_H
#define CONFORMANCE_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "run.h"

/** Called in the order of the cases. */
typedef void (*jobs_told_func)(const struct test_case *test_case,
	const struct run_result *result, void *data);

/**
 * Runs the cases, several at a time, each in a process of its own that leaves nothing
 * behind. Returns false, with "error" set, if there is no compositor for a case, or after
 * a signal.
 */
bool jobs_run(const struct test_case *const *cases, size_t cases_len,
	size_t at_a_time, const struct run_options *options,
	jobs_told_func told, void *data, char *error, size_t error_size);

#endif
