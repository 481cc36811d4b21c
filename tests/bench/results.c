/* SPDX-License-Identifier: MIT */
/*
 * What was measured. A ratio is taken within each round, whose two halves ran
 * one after the other, so that a machine that is busier in one round than in
 * the next does not show in it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"

const struct series *results_find(const struct results *results,
		const char *name) {
	for (size_t i = 0; i < results->len; i++) {
		if (strcmp(results->series[i].name, name) == 0) {
			return &results->series[i];
		}
	}
	return NULL;
}

struct series *results_get(struct results *results, const char *unit,
		const char *name, ...) {
	char text[sizeof(results->series->name)];
	va_list args;
	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	struct series *found = (struct series *)results_find(results, text);
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
	*series = (struct series){ .unit = unit };
	memcpy(series->name, text, sizeof(text));
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

struct spread series_spread(const struct series *series, enum impl_index impl) {
	double samples[ROUNDS_MAX];
	memcpy(samples, series->samples[impl], sizeof(samples));
	return spread_of(samples, series->len[impl]);
}

struct spread series_ratio(const struct series *series, enum impl_index impl,
		enum impl_index other) {
	double ratios[ROUNDS_MAX];
	size_t len = series->len[impl] < series->len[other] ?
		series->len[impl] : series->len[other];
	for (size_t i = 0; i < len; i++) {
		ratios[i] = series->samples[impl][i] /
			series->samples[other][i];
	}
	return spread_of(ratios, len);
}

enum impl_index series_better_stock(const struct series *series) {
	if (!series_has(series, IMPL_WLROOTS)) {
		return IMPL_LIBWAYLAND;
	}
	if (!series_has(series, IMPL_LIBWAYLAND)) {
		return IMPL_WLROOTS;
	}
	return series_spread(series, IMPL_LIBWAYLAND).median <=
		series_spread(series, IMPL_WLROOTS).median ?
		IMPL_LIBWAYLAND : IMPL_WLROOTS;
}
