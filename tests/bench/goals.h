/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GOALS_H
#define BENCH_GOALS_H

#include <stdio.h>

#include "results.h"

/** Writes a cell of a table; times have their interval. */
void write_ratio(enum metric metric, struct interval ratio, FILE *file);

/** The number of measured goals. A missed goal has failed only if it is missed by more
 * than so far. */
struct goals_count {
	unsigned passed, failed;
};

/** Writes the table of goals: all of them, or those of the short form. */
struct goals_count goals_write(const struct results *results, bool is_short,
	FILE *file);

#endif
