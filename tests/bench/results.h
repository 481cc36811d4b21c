/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "counters.h"
#include "impl.h"

/* Fewer times have no interval. */
#define ROUNDS_MIN 6
#define ROUNDS_MAX 100

/** One figure, for each implementation in each round. */
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

/** A ratio. For times, also the limits between which it is with 95 % certainty. */
struct interval {
	double low, median, high;
};

/** Finds or creates the series. */
struct series *results_get(struct results *results, enum metric metric,
	const char *name);
/** Returns the series with this name, or NULL. */
const struct series *results_find(const struct results *results,
	enum metric metric, const char *name);

void series_add(struct series *series, enum impl_index impl, double sample);
bool series_has(const struct series *series, enum impl_index impl);
/** Returns the smallest count, or the median time. There must be at least one. */
double series_get(const struct series *series, enum impl_index impl);

/** Sorts the times, and computes their median and interval. There must be at least
 * one. */
struct interval interval_of(double *times, size_t len);
/** Returns a / b: 1 if both are 0, and infinity if only b is 0. */
double ratio_of(double a, double b);
/** Returns the ratio of one implementation to another; for times, from the ratios of the
 * rounds. */
struct interval series_ratio(const struct series *series, enum impl_index impl,
	enum impl_index other);

/** Returns what an implementation is compared with: wlroots for libsealpool-wlroots, libwayland for
 * the guard in front of it, Sealpool without the gate for the one with it, and the better of the
 * two for the core. */
enum impl_index series_rival(const struct series *series, enum impl_index impl);

/** Returns whether the intervals of all ratios of the series from "first" on are within 3
 * %. */
bool results_are_resolved(const struct results *results, enum metric metric,
	size_t first);

#endif
