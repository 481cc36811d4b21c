/* SPDX-License-Identifier: MIT */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

#include "results.h"

/** Writes results.json, results.md and results.svg into a folder. Returns
 * false after a message. */
bool report_write(const struct results *results, const char *folder,
	unsigned rounds);

/** Prints the table of goals. */
void report_print_goals(const struct results *results);

#endif
