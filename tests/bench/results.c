/* SPDX-License-Identifier: MIT */
/*
 * The results.
 *
 * Of several counts, the smallest is taken, since chance (the state of the heap) only
 * adds to them. Of times, the median is taken. A ratio of times is computed within each
 * round, whose parts ran one after the other, so that a round on a busier machine does
 * not change it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"

#define RESOLVED 0.03

const struct series *results_find(const struct results *results,
		enum metric metric, const char *name) {
	for (size_t i = 0; i < results->len; i++) {
		const struct series *series = &results->series[i];
		if (series->metric == metric && strcmp(series->name, name) == 0) {
			return series;
		}
	}
	return NULL;
}

struct series *results_get(struct results *results, enum metric metric,
		const char *name) {
	struct series *found =
		(struct series *)results_find(results, metric, name);
	if (found != NULL) {
		return found;
	}
	struct series *all = realloc(results->series,
		(results->len + 1) * sizeof(all[0]));
	if (all == NULL) {
		abort();
	}
	results->series = all;
	struct series *series = &all[results->len++];
	*series = (struct series){ .metric = metric };
	snprintf(series->name, sizeof(series->name), "%s", name);
	return series;
}

void series_add(struct series *series, enum impl_index impl, double sample) {
	size_t i = series->len[impl];
	if (i < ROUNDS_MAX) {
		series->samples[impl][i] = sample;
		series->len[impl]++;
	}
}

bool series_has(const struct series *series, enum impl_index impl) {
	return series->len[impl] > 0;
}

static int compare(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

struct interval interval_of(double *times, size_t len) {
	qsort(times, len, sizeof(times[0]), compare);
	/* With 95 % certainty, at least this many of the times are below the true
	 * median, and as many above. That holds for any distribution, and needs at
	 * least six times. */
	double outside = ((double)len - 1.96 * sqrt((double)len)) / 2;
	double median = (times[(len - 1) / 2] + times[len / 2]) / 2;
	if (outside < 0) {
		return (struct interval){ 0, median, INFINITY };
	}
	size_t low = (size_t)outside;
	return (struct interval){ times[low], median, times[len - 1 - low] };
}

double series_get(const struct series *series, enum impl_index impl) {
	double samples[ROUNDS_MAX];
	size_t len = series->len[impl];
	memcpy(samples, series->samples[impl], sizeof(samples));
	qsort(samples, len, sizeof(samples[0]), compare);
	return series->metric == METRIC_NS ? samples[len / 2] : samples[0];
}

double ratio_of(double a, double b) {
	return b != 0 ? a / b : a == 0 ? 1 : INFINITY;
}

struct interval series_ratio(const struct series *series, enum impl_index impl,
		enum impl_index other) {
	if (series->metric != METRIC_NS) {
		double ratio = ratio_of(series_get(series, impl),
			series_get(series, other));
		return (struct interval){ ratio, ratio, ratio };
	}
	double ratios[ROUNDS_MAX];
	size_t len = series->len[impl] < series->len[other] ?
		series->len[impl] : series->len[other];
	for (size_t i = 0; i < len; i++) {
		ratios[i] = series->samples[impl][i] /
			series->samples[other][i];
	}
	return interval_of(ratios, len);
}

enum impl_index series_rival(const struct series *series,
		enum impl_index impl) {
	if (impl == IMPL_GUARDED) {
		return IMPL_LIBWAYLAND;
	}
	if (impl == IMPL_GATED) {
		return IMPL_CORE;
	}
	if (impl == IMPL_FACE || !series_has(series, IMPL_LIBWAYLAND)) {
		return IMPL_WLROOTS;
	}
	if (!series_has(series, IMPL_WLROOTS)) {
		return IMPL_LIBWAYLAND;
	}
	return series_get(series, IMPL_LIBWAYLAND) <=
		series_get(series, IMPL_WLROOTS) ?
		IMPL_LIBWAYLAND : IMPL_WLROOTS;
}

static bool is_resolved(const struct series *series) {
	for (enum impl_index impl = IMPL_CORE; impl < IMPLS_LEN; impl++) {
		enum impl_index rival = series_rival(series, impl);
		if (!series_has(series, impl) || !series_has(series, rival)) {
			continue;
		}
		struct interval ratio = series_ratio(series, impl, rival);
		if (ratio.high > ratio.median * (1 + RESOLVED) ||
				ratio.low < ratio.median * (1 - RESOLVED)) {
			return false;
		}
	}
	return true;
}

bool results_are_resolved(const struct results *results, enum metric metric,
		size_t first) {
	for (size_t i = first; i < results->len; i++) {
		if (results->series[i].metric == metric &&
				!is_resolved(&results->series[i])) {
			return false;
		}
	}
	return true;
}
