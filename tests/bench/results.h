/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "counters.h"
#include "impl.h"

/* Of times, from fewer nothing follows. */
#define ROUNDS_MIN 6
#define ROUNDS_MAX 100

/** One thing that was measured, for each implementation in each round. */
struct series {
	/* "frame/sealed/100x100/1080p/pixman/2" */
	char name[96];
	enum metric metric;
	double samples[IMPLS_LEN][ROUNDS_MAX];
	size_t len[IMPLS_LEN];
};

struct results {
	struct series *series;
	size_t len;
};

/** A ratio, and of times, between what it lies with a certainty of 95 %. */
struct interval {
	double low, median, high;
};

/** Finds the series or makes it. */
struct series *results_get(struct results *results, enum metric metric,
	const char *name);
/** The series of that name, or NULL. */
const struct series *results_find(const struct results *results,
	enum metric metric, const char *name);

void series_add(struct series *series, enum impl_index impl, double sample);
bool series_has(const struct series *series, enum impl_index impl);
/** The least of what was counted, the median of times. There must be some. */
double series_get(const struct series *series, enum impl_index impl);

/** Of at least one number, which are sorted by this. */
struct interval interval_of(double *times, size_t len);
/** Nothing is nothing's equal, and something infinitely more. */
double ratio_of(double a, double b);
/** That of one implementation to another; of times, round by round. */
struct interval series_ratio(const struct series *series, enum impl_index impl,
	enum impl_index other);

/** What an implementation is compared with: wlroots' for libsealpool-wlroots, libwayland's for
 * the guard in front of it, Sealpool without the gate for the one with it, and the better of
 * the two for the core. */
enum impl_index series_rival(const struct series *series, enum impl_index impl);

/** Whether the intervals of all ratios of the series from "first" on are within 3 %. */
bool results_are_resolved(const struct results *results, enum metric metric,
	size_t first);

#endif
