/* SPDX-License-Identifier: MIT */
/*
 * The goals, and whether they are met. A goal is met if the whole interval of each of its
 * ratios is within the limit, and missed if the whole interval of one is beyond it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "goals.h"

enum verdict {
	VERDICT_MET,
	VERDICT_MISSED,
	/* The limit is within an interval. */
	VERDICT_OPEN,
	VERDICT_NOT_MEASURED,
};

/* What is compared with what. */
enum versus {
	/* Sealpool with the better of the two stock ones, libsealpool-wlroots with
	 * wlroots. */
	TO_RIVAL,
	TO_WLROOTS,
	TO_LIBWAYLAND,
	/* What a stock one's figure would be in the second series, had it grown from the
	 * first by as much as Sealpool's, with what it is. */
	GROWTH,
	/* Sealpool's copy, which is the difference of two series, with the fastest copy
	 * that measure_copies() makes. */
	COPY,
};

struct goal {
	const char *title;
	enum metric metric;
	enum versus versus;
	/* The highest ratio. */
	double limit;
	/* The ratio of a goal that is missed so far: above this, the short form fails. */
	double so_far;
	/* All series whose names begin with this. */
	const char *begins;
	/* For GROWTH, the second series. */
	const char *second;
	/* Only libsealpool-wlroots counts. */
	bool face_only;
	/* The short form has series for it. */
	bool is_short;
};

static const struct goal goals[] = {
	{ "sealed frame, 10x20", METRIC_INSTRUCTIONS, TO_RIVAL, 1.01,
		.begins = "frame/sealed/10x20/", .is_short = true },
	{ "sealed frame, 100x100", METRIC_INSTRUCTIONS, TO_RIVAL, 1,
		.begins = "frame/sealed/100x100/", .is_short = true },
	{ "sealed frame, a tenth", METRIC_INSTRUCTIONS, TO_RIVAL, 1,
		.begins = "frame/sealed/tenth/", .is_short = true },
	{ "sealed frame, all", METRIC_INSTRUCTIONS, TO_RIVAL, 1,
		.begins = "frame/sealed/all/", .is_short = true },
	{ "sealed frame", METRIC_CALLS, TO_RIVAL, 1, .begins = "frame/sealed/",
		.is_short = true },
	{ "sealed frame", METRIC_FAULTS, TO_RIVAL, 1, .begins = "frame/sealed/",
		.is_short = true },
	{ "access, sealed, to libwayland", METRIC_INSTRUCTIONS, TO_LIBWAYLAND,
		0.9, .begins = "access/sealed/", .is_short = true },
	{ "access, sealed, to wlroots", METRIC_NS, TO_WLROOTS, 0.03,
		.begins = "access/sealed/" },
	{ "pool, buffer, a frame, destroyed, sealed", METRIC_INSTRUCTIONS,
		TO_RIVAL, 0.9, .begins = "pool/sealed/", .so_far = 1.13, .is_short = true },
	{ "pool, buffer, a frame, destroyed, sealed", METRIC_CALLS, TO_RIVAL, 1,
		.begins = "pool/sealed/", .so_far = 1.22, .is_short = true },
	{ "new pool each frame, unsealed", METRIC_NS, TO_RIVAL, 1.2,
		.begins = "new-pool/unsealed/" },
	{ "resize with live buffers, sealed", METRIC_CALLS, TO_RIVAL, 0.5,
		.begins = "resize/sealed", .is_short = true },
	{ "resize with live buffers, sealed", METRIC_FAULTS, TO_RIVAL, 0.5,
		.begins = "resize/sealed", .so_far = 1.13, .is_short = true },
	{ "unsealed, 10x20 of 4K, end to end", METRIC_NS, TO_RIVAL, 1.1,
		.begins = "end-to-end/unsealed/10x20" },
	{ "unsealed, 100x100 of 4K, end to end", METRIC_NS, TO_RIVAL, 1.1,
		.begins = "end-to-end/unsealed/100x100" },
	{ "unsealed, all of 4K, end to end", METRIC_NS, TO_RIVAL, 2,
		.begins = "end-to-end/unsealed/all" },
	{ "unsealed, all of 4K, the copy, to the fastest", METRIC_NS, COPY,
		1 / 0.95, .begins = "" },
	{ "unsealed, all of 4K, copied in the event loop", METRIC_NS, TO_RIVAL, 2,
		.begins = "frame/unsealed/all/2160p/pixman" },
	{ "requests that are not wl_shm's, beside sealed memory",
		METRIC_INSTRUCTIONS, TO_RIVAL, 1, .begins = "request/beside-sealed",
		.face_only = true, .is_short = true },
	{ "requests that are not wl_shm's, beside unsealed memory",
		METRIC_INSTRUCTIONS, TO_RIVAL, 1, .begins = "request/beside-unsealed", .so_far = 1.04,
		.face_only = true, .is_short = true },
	{ "growth, 1 to 1000 clients, sealed", METRIC_INSTRUCTIONS, GROWTH, 1,
		.begins = "scale/sealed/clients/1", .second = "scale/sealed/clients/1000" },
	{ "growth, 1 to 1000 clients, unsealed", METRIC_INSTRUCTIONS, GROWTH, 1,
		.begins = "scale/unsealed/clients/1", .second = "scale/unsealed/clients/1000" },
	{ "growth, 1 to 10,000 buffers, sealed", METRIC_INSTRUCTIONS, GROWTH, 1,
		.begins = "scale/sealed/clients/1", .second = "scale/sealed/buffers/10000" },
	{ "growth, 1 to 10,000 buffers, unsealed", METRIC_INSTRUCTIONS, GROWTH,
		1, .begins = "scale/unsealed/clients/1",
		.second = "scale/unsealed/buffers/10000" },
};

#define GOALS_LEN (sizeof(goals) / sizeof(goals[0]))

/* The worst ratio of a goal. */
struct outcome {
	enum verdict verdict;
	struct interval ratio;
	const char *series;
	enum impl_index impl;
	size_t len, met;
};

/* Rounds to the digits that are printed. */
static double round_to_shown(double ratio) {
	return round(ratio * 1000) / 1000;
}

static enum verdict judge(const struct goal *goal, struct interval ratio) {
	if (round_to_shown(ratio.high) <= goal->limit) {
		return VERDICT_MET;
	}
	return round_to_shown(ratio.low) > goal->limit ? VERDICT_MISSED :
		VERDICT_OPEN;
}

static void consider(const struct goal *goal, struct outcome *outcome,
		const char *series, enum impl_index impl,
		struct interval ratio) {
	enum verdict verdict = judge(goal, ratio);
	if (outcome->len == 0 || ratio.median > outcome->ratio.median) {
		outcome->ratio = ratio;
		outcome->series = series;
		outcome->impl = impl;
	}
	outcome->met += verdict == VERDICT_MET;
	outcome->len++;
	/* Missed is worse than open. */
	if (outcome->verdict == VERDICT_NOT_MEASURED ||
			(outcome->verdict != VERDICT_MISSED &&
			verdict != VERDICT_MET)) {
		outcome->verdict = verdict;
	}
}

static void consider_ratio(const struct goal *goal, struct outcome *outcome,
		const struct series *series, enum impl_index impl,
		enum impl_index rival) {
	if (series_has(series, impl) && series_has(series, rival)) {
		consider(goal, outcome, series->name, impl,
			series_ratio(series, impl, rival));
	}
}

static double get_growth(const struct series *first, const struct series *second,
		enum impl_index impl, enum impl_index rival) {
	double grown = series_get(second, impl) - series_get(first, impl);
	return (series_get(first, rival) + grown) / series_get(second, rival);
}

static void consider_growth(const struct results *results,
		const struct goal *goal, struct outcome *outcome) {
	const struct series *first =
		results_find(results, goal->metric, goal->begins);
	const struct series *second =
		results_find(results, goal->metric, goal->second);
	if (first == NULL || second == NULL) {
		return;
	}
	double core = fmax(
		get_growth(first, second, IMPL_CORE, IMPL_LIBWAYLAND),
		get_growth(first, second, IMPL_CORE, IMPL_WLROOTS));
	double face = get_growth(first, second, IMPL_FACE, IMPL_WLROOTS);
	consider(goal, outcome, second->name, IMPL_CORE,
		(struct interval){ core, core, core });
	consider(goal, outcome, second->name, IMPL_FACE,
		(struct interval){ face, face, face });
}

static void consider_copy(const struct results *results,
		const struct goal *goal, struct outcome *outcome) {
	const struct series *with = results_find(results, METRIC_NS,
		"read/unsealed/all/2160p/access/1");
	const struct series *without = results_find(results, METRIC_NS,
		"read/sealed/all/2160p/access/1");
	const struct series *fastest = NULL;
	for (size_t i = 0; i < results->len; i++) {
		const struct series *series = &results->series[i];
		if (strncmp(series->name, "copy/", 5) == 0 &&
				strcmp(series->name, "copy/memcpy") != 0 &&
				(fastest == NULL ||
				series_get(series, IMPL_CORE) <
				series_get(fastest, IMPL_CORE))) {
			fastest = series;
		}
	}
	if (with == NULL || without == NULL || fastest == NULL) {
		return;
	}
	double ratios[ROUNDS_MAX], base = series_get(without, IMPL_CORE);
	size_t len = with->len[IMPL_CORE] < fastest->len[IMPL_CORE] ?
		with->len[IMPL_CORE] : fastest->len[IMPL_CORE];
	for (size_t i = 0; i < len; i++) {
		ratios[i] = (with->samples[IMPL_CORE][i] - base) /
			fastest->samples[IMPL_CORE][i];
	}
	consider(goal, outcome, fastest->name, IMPL_CORE,
		interval_of(ratios, len));
}

static struct outcome find_outcome(const struct results *results,
		const struct goal *goal) {
	struct outcome outcome = { .verdict = VERDICT_NOT_MEASURED };
	if (goal->versus == GROWTH) {
		consider_growth(results, goal, &outcome);
		return outcome;
	}
	if (goal->versus == COPY) {
		consider_copy(results, goal, &outcome);
		return outcome;
	}
	for (size_t i = 0; i < results->len; i++) {
		const struct series *series = &results->series[i];
		if (series->metric != goal->metric || strncmp(series->name,
				goal->begins, strlen(goal->begins)) != 0) {
			continue;
		}
		if (goal->versus == TO_LIBWAYLAND) {
			consider_ratio(goal, &outcome, series, IMPL_CORE,
				IMPL_LIBWAYLAND);
			continue;
		}
		if (goal->versus == TO_RIVAL && !goal->face_only) {
			consider_ratio(goal, &outcome, series, IMPL_CORE,
				series_rival(series, IMPL_CORE));
		}
		consider_ratio(goal, &outcome, series, IMPL_FACE, IMPL_WLROOTS);
	}
	return outcome;
}

static const char *const verdict_names[] = {
	[VERDICT_MET] = "met",
	[VERDICT_MISSED] = "missed",
	[VERDICT_OPEN] = "not resolved",
	[VERDICT_NOT_MEASURED] = "not measured",
};

void write_ratio(enum metric metric, struct interval ratio, FILE *file) {
	if (metric == METRIC_NS) {
		fprintf(file, " %.3f (%.3f-%.3f) |", ratio.median, ratio.low,
			ratio.high);
	} else {
		fprintf(file, " %.3f |", ratio.median);
	}
}

/* Worse than it was so far. */
static bool is_failed(const struct goal *goal, const struct outcome *outcome) {
	double limit = goal->so_far > 0 ? goal->so_far : goal->limit;
	return outcome->len > 0 && round_to_shown(outcome->ratio.low) > limit;
}

struct goals_count goals_write(const struct results *results, bool is_short,
		FILE *file) {
	struct goals_count count = { 0 };
	fprintf(file, "| goal | in | at most | the worst (its interval) | "
		"of | |\n|---|---|--:|--:|---|---|\n");
	for (size_t i = 0; i < GOALS_LEN; i++) {
		const struct goal *goal = &goals[i];
		if (is_short && !goal->is_short) {
			continue;
		}
		struct outcome outcome = find_outcome(results, goal);
		fprintf(file, "| %s | %s | %.3g |", goal->title,
			metric_names[goal->metric], goal->limit);
		if (outcome.len > 0) {
			write_ratio(goal->metric, outcome.ratio, file);
			fprintf(file, " %s, %s |", impls[outcome.impl].title,
				outcome.series);
		} else {
			fprintf(file, " - | - |");
		}
		fprintf(file, " %s |\n", verdict_names[outcome.verdict]);
		if (is_failed(goal, &outcome)) {
			count.failed++;
		} else if (outcome.len > 0) {
			count.passed++;
		}
	}
	return count;
}
