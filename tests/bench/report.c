/* SPDX-License-Identifier: MIT */
/*
 * The report: the goals, all figures, and a chart of the ratios.
 */
#include <math.h>
#include <stdio.h>

#include "goals.h"
#include "report.h"

static bool has_ratio(const struct series *series, enum impl_index impl) {
	return series_has(series, impl) &&
		series_has(series, series_rival(series, impl));
}

static struct interval get_ratio(const struct series *series,
		enum impl_index impl) {
	return series_ratio(series, impl, series_rival(series, impl));
}

static void write_figures(const struct results *results, enum metric metric,
		FILE *file) {
	fprintf(file, "\n## %s\n\n| |", metric_names[metric]);
	for (int impl = 0; impl < IMPLS_LEN; impl++) {
		fprintf(file, " %s |", impls[impl].title);
	}
	fprintf(file, " Sealpool to the better | libsealpool-wlroots to wlroots "
		"| guarded to libwayland | with the gate to without |\n"
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
	for (size_t i = 0; i < results->len; i++) {
		const struct series *series = &results->series[i];
		if (series->metric != metric) {
			continue;
		}
		fprintf(file, "| %s |", series->name);
		for (int impl = 0; impl < IMPLS_LEN; impl++) {
			if (series_has(series, impl)) {
				fprintf(file, " %.4g |",
					series_get(series, impl));
			} else {
				fprintf(file, " |");
			}
		}
		for (int impl = IMPL_CORE; impl < IMPLS_LEN; impl++) {
			if (has_ratio(series, impl)) {
				write_ratio(metric, get_ratio(series, impl),
					file);
			} else {
				fprintf(file, " |");
			}
		}
		fprintf(file, "\n");
	}
}

static void write_markdown(const struct results *results, FILE *file) {
	fprintf(file, "# Sealpool and the two stock wl_shm\n\n"
		"Of the compositor's main thread. A ratio is Sealpool's to the "
		"better of the two, and libsealpool-wlroots' to wlroots'. "
		"docs/performance.md says what is measured and how.\n\n");
	goals_write(results, false, file);
	for (enum metric metric = 0; metric < METRICS_LEN; metric++) {
		write_figures(results, metric, file);
	}
}

/* The chart: a row for the instructions of each scenario, on a logarithmic axis. */

#define ROW 18
#define LEFT 260
#define WIDTH 480
#define TOP 80
#define LEAST 0.4
#define MOST 2.5

static double place(double ratio) {
	return LEFT + WIDTH * log(fmin(fmax(ratio, LEAST), MOST) / LEAST) /
		log(MOST / LEAST);
}

static bool is_charted(const struct series *series) {
	return series->metric == METRIC_INSTRUCTIONS &&
		has_ratio(series, IMPL_CORE) && has_ratio(series, IMPL_FACE);
}

static void write_axis(int bottom, FILE *file) {
	static const double ticks[] = { 0.4, 0.5, 0.7, 0.9, 1, 1.1, 1.5, 2, 2.5 };
	for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
		double x = place(ticks[i]);
		fprintf(file, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" "
			"y2=\"%d\" stroke=\"%s\"/><text x=\"%.1f\" y=\"%d\" "
			"text-anchor=\"middle\" fill=\"#555\">%g</text>\n",
			x, x, TOP - 8, bottom,
			ticks[i] == 1 ? "#333" : "#ddd", x, TOP - 12, ticks[i]);
	}
}

static void write_svg(const struct results *results, FILE *file) {
	static const char *const colours[IMPLS_LEN] = {
		[IMPL_CORE] = "#1b62a5", [IMPL_FACE] = "#d1660a",
	};
	int rows = 0;
	for (size_t i = 0; i < results->len; i++) {
		rows += is_charted(&results->series[i]);
	}
	int bottom = TOP + ROW * rows;
	fprintf(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
		"<text x=\"16\" y=\"22\" font-size=\"15\">Instructions, as a "
		"part of stock wl_shm's: left of 1 is less</text>\n"
		"<circle cx=\"22\" cy=\"40\" r=\"4\" fill=\"%s\"/>"
		"<text x=\"34\" y=\"44\">Sealpool, to the better of libwayland "
		"and wlroots</text>\n<circle cx=\"352\" cy=\"40\" r=\"4\" "
		"fill=\"%s\"/><text x=\"364\" y=\"44\">libsealpool-wlroots, to "
		"wlroots</text>\n", LEFT + WIDTH + 30, bottom + 20,
		colours[IMPL_CORE], colours[IMPL_FACE]);
	write_axis(bottom, file);
	int row = 0;
	for (size_t i = 0; i < results->len; i++) {
		const struct series *series = &results->series[i];
		if (!is_charted(series)) {
			continue;
		}
		double y = TOP + ROW * row++ + ROW / 2.0;
		fprintf(file, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">"
			"%s</text>\n", LEFT - 14, y + 4, series->name);
		for (enum impl_index impl = IMPL_CORE; impl <= IMPL_FACE;
				impl++) {
			fprintf(file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" "
				"fill=\"%s\" fill-opacity=\"0.8\"/>\n",
				place(get_ratio(series, impl).median), y,
				colours[impl]);
		}
	}
	fprintf(file, "</svg>\n");
}

static bool write_one(const struct results *results, const char *folder,
		const char *name, void (*write)(const struct results *results,
		FILE *file)) {
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	bool ok = file != NULL;
	if (ok) {
		write(results, file);
		ok = fclose(file) == 0;
	}
	if (!ok) {
		fprintf(stderr, "bench: cannot write %s: ", path);
		perror(NULL);
	}
	return ok;
}

bool report_write(const struct results *results, const char *folder) {
	return write_one(results, folder, "results.md", write_markdown) &&
		write_one(results, folder, "results.svg", write_svg);
}
