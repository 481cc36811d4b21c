/* SPDX-License-Identifier: MIT */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

#include "results.h"

/** Writes results.md with the goals and all figures, and results.svg with a chart, into a
 * folder. Returns false after a message. */
bool report_write(const struct results *results, const char *folder);

#endif
