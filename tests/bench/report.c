/* SPDX-License-Identifier: MIT */
/*
 * What a person reads: the goals, what was measured for each, and whether it
 * was reached; a chart of the ratios; and all samples, for programs.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* What a ratio is taken of. */
enum versus {
	/* Sealpool to the better stock one, and its face to wlroots. */
	TO_BETTER,
	TO_WLROOTS,
	TO_LIBWAYLAND,
	/* A figure of Sealpool's own. */
	ITSELF,
	/* The largest to the smallest of some series of Sealpool's. */
	GROWTH,
	/* The fastest copy there is to Sealpool's. */
	COPY,
};

struct goal {
	const char *title;
	enum versus versus;
	double limit;
	/* At most, rather than at least. */
	bool at_most;
	/* Of series: all whose names begin and end so. */
	const char *begins, *ends;
};

static const struct goal goals[] = {
	{ "access, sealed, to wlroots", TO_WLROOTS, 0.05, true,
		"access/sealed/", "" },
	{ "access, sealed, to libwayland", TO_LIBWAYLAND, 1, true,
		"access/sealed/", "" },
	{ "pools, sealed", TO_BETTER, 0.9, true, "pools/sealed/", "" },
	{ "new pool every frame, sealed", TO_BETTER, 0.9, true,
		"new-pool/sealed/", "" },
	{ "new pool every frame, unsealed", TO_BETTER, 1.1, true,
		"new-pool/unsealed/", "" },
	{ "resize with live buffers, to wlroots", TO_WLROOTS, 0.1, true,
		"resize/sealed", "" },
	{ "resize with live buffers, to libwayland", TO_LIBWAYLAND, 0.5, true,
		"resize/sealed", "" },
	{ "frame, sealed", TO_BETTER, 1, true,
		"frame/sealed/", "" },
	{ "frame, sealed, end to end", TO_BETTER, 1, true,
		"end-to-end/sealed/", "" },
	{ "program, end to end", TO_BETTER, 1, true, "program/", "" },
	{ "frame, sealed, instructions", TO_BETTER, 1, true,
		"instructions/frame/sealed/", "" },
	{ "access, sealed, instructions, to libwayland", TO_LIBWAYLAND, 1, true,
		"instructions/access/sealed/", "" },
	{ "frame, unsealed, 10x20 damaged, end to end", TO_BETTER, 1.05, true,
		"end-to-end/unsealed/", "/10x20" },
	{ "frame, unsealed, 100x100 damaged, end to end", TO_BETTER, 1.05,
		true, "end-to-end/unsealed/", "/100x100" },
	{ "frame, unsealed, all damaged, 4K", TO_BETTER, 1.5, true,
		"frame/unsealed/2160p/", "/all" },
	{ "copy, unsealed, all damaged, 4K, to the fastest", COPY, 0.95, false,
		"", "" },
	{ "memory, sealed, bytes a buffer", ITSELF, 256, true,
		"memory/sealed/buffer", "" },
	{ "memory, unsealed, copies in use, of the buffers", ITSELF, 1, true,
		"shadows/unsealed/in-use", "" },
	{ "memory, unsealed, copies when idle", ITSELF, 0, true,
		"shadows/unsealed/idle", "" },
	{ "a commit, 1 to 1000 clients, sealed", GROWTH, 1.25, true,
		"scale/sealed/", "/1" },
	{ "a commit, 1 to 1000 clients, unsealed", GROWTH, 1.25, true,
		"scale/unsealed/", "/1" },
	{ "a commit, 1 to 10,000 buffers, sealed", GROWTH, 1.25, true,
		"scale/sealed/1/", "" },
	{ "a commit, 1 to 10,000 buffers, unsealed", GROWTH, 1.25, true,
		"scale/unsealed/1/", "" },
};

#define GOALS_LEN (sizeof(goals) / sizeof(goals[0]))

/* What became of a goal: the worst of all its series. */
struct outcome {
	bool measured;
	struct spread spread;
	const char *series;
	/* Which of ours. */
	enum impl_index impl;
	size_t len, reached, nearly;
};

static bool matches(const struct goal *goal, const char *name) {
	size_t len = strlen(name), end = strlen(goal->ends);
	return strncmp(name, goal->begins, strlen(goal->begins)) == 0 &&
		len >= end && strcmp(name + len - end, goal->ends) == 0;
}

static bool is_reached(const struct goal *goal, double value) {
	return goal->at_most ? value <= goal->limit : value >= goal->limit;
}

static void consider(const struct goal *goal, struct outcome *outcome,
		const char *series, enum impl_index impl,
		struct spread spread) {
	bool worse = goal->at_most ?
		spread.median > outcome->spread.median :
		spread.median < outcome->spread.median;
	if (!outcome->measured || worse) {
		outcome->spread = spread;
		outcome->series = series;
		outcome->impl = impl;
	}
	outcome->measured = true;
	outcome->len++;
	if (is_reached(goal, spread.median)) {
		outcome->reached++;
	} else if (is_reached(goal, goal->at_most ? spread.low : spread.high)) {
		outcome->nearly++;
	}
}

static void consider_ratio(const struct goal *goal, struct outcome *outcome,
		const struct series *series, enum impl_index impl,
		enum impl_index other) {
	if (series_has(series, impl) && series_has(series, other)) {
		consider(goal, outcome, series->name, impl,
			series_ratio(series, impl, other));
	}
}

/* Of the one that has most of them to the one that has fewest, in each round. */
static void consider_growth(const struct results *results,
		const struct goal *goal, struct outcome *outcome) {
	for (enum impl_index impl = IMPL_CORE; impl <= IMPL_FACE; impl++) {
		double ratios[ROUNDS_MAX];
		size_t len = 0;
		const struct series *first = NULL, *last = NULL;
		double least = INFINITY, most = 0;
		for (size_t i = 0; i < results->len; i++) {
			const struct series *series = &results->series[i];
			int clients, buffers;
			if (!matches(goal, series->name) ||
					!series_has(series, impl) ||
					sscanf(strchr(strchr(series->name,
						'/') + 1, '/'), "/%d/%d",
						&clients, &buffers) != 2) {
				continue;
			}
			double count = (double)clients * buffers;
			if (count < least) {
				least = count;
				first = series;
			}
			if (count > most) {
				most = count;
				last = series;
			}
		}
		if (first == NULL || first == last) {
			continue;
		}
		for (; len < first->len[impl] && len < last->len[impl]; len++) {
			ratios[len] = last->samples[impl][len] /
				first->samples[impl][len];
		}
		consider(goal, outcome, last->name, impl,
			spread_of(ratios, len));
	}
}

/* Nanoseconds of the fastest copy that cannot fault. */
static double get_fastest_copy(const struct results *results,
		const char **name) {
	double fastest = INFINITY;
	for (size_t i = 0; i < results->len; i++) {
		const struct series *series = &results->series[i];
		if (strncmp(series->name, "copy/", 5) == 0 &&
				strcmp(series->name, "copy/memcpy") != 0) {
			double median = series_spread(series, 0).median;
			if (median < fastest) {
				fastest = median;
				*name = series->name;
			}
		}
	}
	return fastest;
}

static void consider_copy(const struct results *results,
		const struct goal *goal, struct outcome *outcome) {
	const struct series *with = results_find(results,
		"frame/unsealed/2160p/1/access/all");
	const struct series *without = results_find(results,
		"frame/sealed/2160p/1/access/all");
	const char *name = NULL;
	double fastest = get_fastest_copy(results, &name);
	if (with == NULL || without == NULL || name == NULL) {
		return;
	}
	/* What the frame costs besides. */
	double base = series_spread(without, IMPL_CORE).median;
	double ratios[ROUNDS_MAX];
	size_t len = with->len[IMPL_CORE];
	for (size_t i = 0; i < len; i++) {
		ratios[i] = fastest / (with->samples[IMPL_CORE][i] - base);
	}
	consider(goal, outcome, name, IMPL_CORE, spread_of(ratios, len));
}

static struct outcome judge(const struct results *results,
		const struct goal *goal) {
	struct outcome outcome = { 0 };
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
		if (!matches(goal, series->name)) {
			continue;
		}
		switch (goal->versus) {
		case TO_BETTER:
			consider_ratio(goal, &outcome, series, IMPL_CORE,
				series_better_stock(series));
			consider_ratio(goal, &outcome, series, IMPL_FACE,
				IMPL_WLROOTS);
			break;
		case TO_WLROOTS:
			consider_ratio(goal, &outcome, series, IMPL_FACE,
				IMPL_WLROOTS);
			break;
		case TO_LIBWAYLAND:
			consider_ratio(goal, &outcome, series, IMPL_CORE,
				IMPL_LIBWAYLAND);
			break;
		default:
			if (series_has(series, IMPL_CORE)) {
				consider(goal, &outcome, series->name,
					IMPL_CORE, series_spread(series,
						IMPL_CORE));
			}
		}
	}
	return outcome;
}

/* "3 of 24" where not all are. */
static const char *verdict(const struct outcome *outcome, char *text,
		size_t size) {
	if (!outcome->measured) {
		return "not measured";
	}
	if (outcome->reached == outcome->len) {
		return "yes";
	}
	if (outcome->reached + outcome->nearly == outcome->len) {
		return "within the spread";
	}
	if (outcome->len == 1) {
		return "no";
	}
	snprintf(text, size, "no: %zu of %zu, %zu within the spread",
		outcome->reached, outcome->len, outcome->nearly);
	return text;
}

static void write_goals(const struct results *results, FILE *file) {
	fprintf(file, "| goal | at | measured, the worst | between | of | "
		"reached |\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < GOALS_LEN; i++) {
		const struct goal *goal = &goals[i];
		struct outcome outcome = judge(results, goal);
		char text[64];
		fprintf(file, "| %s | %s %g |", goal->title,
			goal->at_most ? "most" : "least", goal->limit);
		if (outcome.measured) {
			fprintf(file, " %.3g | %.3g and %.3g | %s, %s |",
				outcome.spread.median, outcome.spread.low,
				outcome.spread.high,
				impls[outcome.impl].title, outcome.series);
		} else {
			fprintf(file, " - | - | - |");
		}
		fprintf(file, " %s |\n", verdict(&outcome, text, sizeof(text)));
	}
}

void report_print_goals(const struct results *results) {
	write_goals(results, stdout);
}

/* All medians */

static void write_figures(const struct results *results, FILE *file) {
	fprintf(file, "| | unit |");
	for (int impl = 0; impl < IMPLS_LEN; impl++) {
		fprintf(file, " %s |", impls[impl].title);
	}
	fprintf(file, " Sealpool to the better | its face to wlroots |\n"
		"|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < results->len; i++) {
		const struct series *series = &results->series[i];
		fprintf(file, "| %s | %s |", series->name, series->unit);
		for (int impl = 0; impl < IMPLS_LEN; impl++) {
			if (series_has(series, impl)) {
				fprintf(file, " %.4g |",
					series_spread(series, impl).median);
			} else {
				fprintf(file, " |");
			}
		}
		bool stock = series_has(series, IMPL_LIBWAYLAND) ||
			series_has(series, IMPL_WLROOTS);
		if (stock && series_has(series, IMPL_CORE)) {
			struct spread ratio = series_ratio(series, IMPL_CORE,
				series_better_stock(series));
			fprintf(file, " %.3f (%.3f-%.3f) |", ratio.median,
				ratio.low, ratio.high);
		} else {
			fprintf(file, " |");
		}
		if (series_has(series, IMPL_WLROOTS) &&
				series_has(series, IMPL_FACE)) {
			struct spread ratio = series_ratio(series, IMPL_FACE,
				IMPL_WLROOTS);
			fprintf(file, " %.3f (%.3f-%.3f) |\n", ratio.median,
				ratio.low, ratio.high);
		} else {
			fprintf(file, " |\n");
		}
	}
}

static void write_markdown(const struct results *results, unsigned rounds,
		FILE *file) {
	fprintf(file, "# Sealpool and the two stock wl_shm\n\n"
		"CPU time of the server's thread, the kernel's part included. "
		"%u rounds at most, each of all implementations in turn; "
		"medians, and ratios within a round with their quartiles. "
		"docs/performance.md says what is measured and how.\n\n",
		rounds);
	fprintf(file, "## Goals\n\nA ratio is Sealpool's to the better of the "
		"two, and its wlroots face's to wlroots', unless the goal says "
		"otherwise. Of several, the worst is shown.\n\n");
	write_goals(results, file);
	fprintf(file, "\n![ratios](results.svg)\n\n## Figures\n\n");
	write_figures(results, file);
}

/* For programs */

static void write_numbers(const double *numbers, size_t len, FILE *file) {
	fprintf(file, "[");
	for (size_t i = 0; i < len; i++) {
		fprintf(file, "%s%.6g", i > 0 ? ", " : "", numbers[i]);
	}
	fprintf(file, "]");
}

static void write_json(const struct results *results, unsigned rounds,
		FILE *file) {
	fprintf(file, "{\n  \"rounds\": %u,\n  \"goals\": [", rounds);
	for (size_t i = 0; i < GOALS_LEN; i++) {
		struct outcome outcome = judge(results, &goals[i]);
		char text[64];
		fprintf(file, "%s\n    {\"goal\": \"%s\", \"limit\": %g, "
			"\"at_most\": %s, \"reached\": \"%s\"",
			i > 0 ? "," : "", goals[i].title, goals[i].limit,
			goals[i].at_most ? "true" : "false",
			verdict(&outcome, text, sizeof(text)));
		if (outcome.measured) {
			fprintf(file, ", \"median\": %.6g, \"quartiles\": "
				"[%.6g, %.6g], \"series\": \"%s\"",
				outcome.spread.median, outcome.spread.low,
				outcome.spread.high, outcome.series);
		}
		fprintf(file, "}");
	}
	fprintf(file, "\n  ],\n  \"series\": [");
	for (size_t i = 0; i < results->len; i++) {
		const struct series *series = &results->series[i];
		fprintf(file, "%s\n    {\"name\": \"%s\", \"unit\": \"%s\"",
			i > 0 ? "," : "", series->name, series->unit);
		for (int impl = 0; impl < IMPLS_LEN; impl++) {
			if (!series_has(series, impl)) {
				continue;
			}
			fprintf(file, ", \"%s\": ", impls[impl].name);
			write_numbers(series->samples[impl], series->len[impl],
				file);
		}
		fprintf(file, "}");
	}
	fprintf(file, "\n  ]\n}\n");
}

/* The chart: a row for each series, and the ratios on a logarithmic axis. */

#define ROW 18
#define LEFT 330
#define WIDTH 560
#define TOP 90
#define LEAST 0.004
#define MOST 16.0

static double place(double ratio) {
	double clipped = ratio < LEAST ? LEAST : ratio > MOST ? MOST : ratio;
	return LEFT + WIDTH * log(clipped / LEAST) / log(MOST / LEAST);
}

static void write_mark(const struct series *series, enum impl_index impl,
		enum impl_index other, double y, const char *colour,
		FILE *file) {
	struct spread ratio = series_ratio(series, impl, other);
	fprintf(file, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" "
		"stroke=\"%s\" stroke-width=\"2\"/>\n<circle cx=\"%.1f\" "
		"cy=\"%.1f\" r=\"4\" fill=\"%s\"><title>%s %s to %s: %.3f, "
		"between %.3f and %.3f</title></circle>\n", place(ratio.low),
		place(ratio.high), y, y, colour, place(ratio.median), y, colour,
		series->name, impls[impl].title, impls[other].title,
		ratio.median, ratio.low, ratio.high);
}

static bool is_charted(const struct series *series) {
	return strcmp(series->unit, "ns") == 0 &&
		(series_has(series, IMPL_LIBWAYLAND) ||
			series_has(series, IMPL_WLROOTS)) &&
		series_has(series, IMPL_FACE);
}

static void write_svg(const struct results *results, FILE *file) {
	int rows = 0;
	for (size_t i = 0; i < results->len; i++) {
		rows += is_charted(&results->series[i]);
	}
	int bottom = TOP + ROW * rows;
	fprintf(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
		"<text x=\"16\" y=\"26\" font-size=\"17\">CPU time of Sealpool "
		"as a part of stock wl_shm's: left of 1 is less</text>\n",
		LEFT + WIDTH + 30, bottom + 30);
	fprintf(file, "<circle cx=\"22\" cy=\"46\" r=\"4\" fill=\"#1b62a5\"/>"
		"<text x=\"34\" y=\"50\">Sealpool to the better of libwayland "
		"and wlroots</text>\n<circle cx=\"352\" cy=\"46\" r=\"4\" "
		"fill=\"#d1660a\"/><text x=\"364\" y=\"50\">its wlroots face "
		"to wlroots</text>\n<text x=\"560\" y=\"50\" fill=\"#555\">"
		"medians and quartiles of the rounds</text>\n");
	static const double ticks[] = { 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,
		1, 2, 5, 10 };
	for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
		double x = place(ticks[i]);
		fprintf(file, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" "
			"y2=\"%d\" stroke=\"%s\"/><text x=\"%.1f\" y=\"%d\" "
			"text-anchor=\"middle\" fill=\"#555\">%g</text>\n",
			x, x, TOP - 12, bottom,
			ticks[i] == 1 ? "#333" : "#ddd", x, TOP - 16, ticks[i]);
	}
	int row = 0;
	for (size_t i = 0; i < results->len; i++) {
		const struct series *series = &results->series[i];
		if (!is_charted(series)) {
			continue;
		}
		double y = TOP + ROW * row + ROW / 2.0;
		fprintf(file, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">"
			"%s</text>\n", LEFT - 14, y + 4, series->name);
		if (series_has(series, IMPL_CORE)) {
			write_mark(series, IMPL_CORE,
				series_better_stock(series), y - 3, "#1b62a5",
				file);
		}
		if (series_has(series, IMPL_WLROOTS) &&
				series_has(series, IMPL_FACE)) {
			write_mark(series, IMPL_FACE, IMPL_WLROOTS, y + 3,
				"#d1660a", file);
		}
		row++;
	}
	fprintf(file, "</svg>\n");
}

static FILE *open_in(const char *folder, const char *name) {
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	if (file == NULL) {
		fprintf(stderr, "bench: cannot write %s: ", path);
		perror(NULL);
	}
	return file;
}

bool report_write(const struct results *results, const char *folder,
		unsigned rounds) {
	FILE *json = open_in(folder, "results.json");
	FILE *markdown = open_in(folder, "results.md");
	FILE *svg = open_in(folder, "results.svg");
	bool ok = json != NULL && markdown != NULL && svg != NULL;
	if (ok) {
		write_json(results, rounds, json);
		write_markdown(results, rounds, markdown);
		write_svg(results, svg);
	}
	FILE *files[] = { json, markdown, svg };
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i] != NULL && fclose(files[i]) != 0) {
			perror("bench: cannot write");
			ok = false;
		}
	}
	return ok;
}
