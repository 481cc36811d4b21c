/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "impl.h"
#include "measure.h"

#define ROUNDS_MAX 31

/** One thing that was measured, for each implementation in each round. */
struct series {
	/* "frame/1080p/sealed/2/pixman/100x100" */
	char name[96];
	const char *unit;
	double samples[IMPLS_LEN][ROUNDS_MAX];
	size_t len[IMPLS_LEN];
};

struct results {
	struct series *series;
	size_t len;
};

/** Finds the series or makes it. */
struct series *results_get(struct results *results, const char *unit,
	const char *name, ...) __attribute__((format(printf, 3, 4)));
/** The series of that name, or NULL. */
const struct series *results_find(const struct results *results,
	const char *name);

void series_add(struct series *series, enum impl_index impl, double sample);
bool series_has(const struct series *series, enum impl_index impl);
struct spread series_spread(const struct series *series, enum impl_index impl);

/** That of one implementation to another, round by round. */
struct spread series_ratio(const struct series *series, enum impl_index impl,
	enum impl_index other);
/** The better of the two that come with libwayland and wlroots. */
enum impl_index series_better_stock(const struct series *series);

#endif
