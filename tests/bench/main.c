/* SPDX-License-Identifier: MIT */
/*
 * sealpool-bench [--short] [--only PART] [--waste-call] [--waste-instructions]
 *     [--output FOLDER] [--tiny SEALPOOL-TINY]
 *
 * Compares implementations of wl_shm: see docs/performance.md. They run in turn,
 * A B C D A B C D, each time in a fresh process; the client is this process.
 *
 * --short measures some scenarios, and only what does not depend on the host. It exits
 * with 1 if a goal is missed, or is missed by more than it was so far. With --waste-...,
 * Sealpool wastes a system call, or 5 % of the instructions, with each frame.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "goals.h"
#include "report.h"
#include "scenario.h"
#include "server.h"
#include "tiny.h"

/* The exit status of a skipped test. */
#define NOTHING_MEASURED 77

/* The longest time for a figure that is not resolved. */
#define SECONDS_MAX 10

static double now(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Enough for a thousand clients. */
static void raise_fds(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void run_round(const struct scenario *scenario, enum way way,
		const struct waste *waste, struct results *results) {
	for (enum impl_index impl = 0; impl < IMPLS_LEN; impl++) {
		if ((impl == IMPL_GUARDED && !scenario->guarded) ||
				(impl == IMPL_GATED && !scenario->gated)) {
			continue;
		}
		scenario_run(scenario, impl, way, waste, results);
	}
}

static void run_scenario(const struct scenario *scenario,
		const bool possible[WAYS_LEN], const struct waste *waste,
		struct results *results) {
	size_t first = results->len;
	if (possible[WAY_CALLGRIND]) {
		run_round(scenario, WAY_CALLGRIND, waste, results);
	}
	if (possible[WAY_TRACED]) {
		run_round(scenario, WAY_TRACED, waste, results);
	}
	double end = now() + SECONDS_MAX;
	for (int i = 0; possible[WAY_TIMED] && i < ROUNDS_MAX; i++) {
		if (i >= ROUNDS_MIN && (now() > end || results_are_resolved(
				results, METRIC_NS, first))) {
			break;
		}
		run_round(scenario, WAY_TIMED, waste, results);
	}
}

/* The part that is measured in tiny.c. */
#define PART_TINY "end-to-end"
#define PART_COPIES "copy"

static bool is_part(const char *name) {
	for (size_t i = 0; i < scenarios_len; i++) {
		if (strcmp(name, scenarios[i].part) == 0) {
			return true;
		}
	}
	return strcmp(name, PART_TINY) == 0 || strcmp(name, PART_COPIES) == 0;
}

struct wishes {
	bool is_short;
	const char *only, *folder, *tiny;
	struct waste waste;
};

static bool parse(int argc, char **argv, struct wishes *wishes) {
	static const struct option options[] = {
		{ "short", no_argument, NULL, 's' },
		{ "only", required_argument, NULL, 'o' },
		{ "output", required_argument, NULL, 'f' },
		{ "tiny", required_argument, NULL, 't' },
		{ "waste-call", no_argument, NULL, 'c' },
		{ "waste-instructions", no_argument, NULL, 'i' },
		{ 0 },
	};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			wishes->is_short = true;
			break;
		case 'o':
			wishes->only = optarg;
			break;
		case 'f':
			wishes->folder = optarg;
			break;
		case 't':
			wishes->tiny = optarg;
			break;
		case 'c':
			wishes->waste.calls = 1;
			break;
		case 'i':
			wishes->waste.instructions = 0.05;
			break;
		default:
			return false;
		}
	}
	return optind == argc &&
		(wishes->only == NULL || is_part(wishes->only));
}

static bool is_wanted(const struct wishes *wishes, const char *part) {
	return wishes->only == NULL || strcmp(part, wishes->only) == 0;
}

static void measure(const struct wishes *wishes, struct results *results) {
	const bool possible[WAYS_LEN] = {
		[WAY_TIMED] = !wishes->is_short,
		[WAY_TRACED] = way_is_possible(WAY_TRACED),
		[WAY_CALLGRIND] = way_is_possible(WAY_CALLGRIND),
	};
	if (!possible[WAY_TRACED]) {
		fprintf(stderr, "bench: ptrace is not permitted: no system "
			"calls, faults and bytes\n");
	}
	if (!possible[WAY_CALLGRIND]) {
		fprintf(stderr, "bench: valgrind is missing, or was when this "
			"was built: no instructions\n");
	}
	double start = now();
	for (size_t i = 0; i < scenarios_len; i++) {
		if (is_wanted(wishes, scenarios[i].part) &&
				(!wishes->is_short || scenarios[i].is_short)) {
			fprintf(stderr, "%4.0f s: %zu of %zu\n", now() - start,
				i + 1, scenarios_len);
			run_scenario(&scenarios[i], possible, &wishes->waste,
				results);
		}
	}
	if (!wishes->is_short && wishes->tiny != NULL &&
			is_wanted(wishes, PART_TINY)) {
		measure_tiny(results, wishes->tiny);
	}
	if (!wishes->is_short && is_wanted(wishes, PART_COPIES)) {
		measure_copies(results, 10);
	}
	fprintf(stderr, "%4.0f s: all done\n", now() - start);
}

int main(int argc, char **argv) {
	server_main(argc, argv);
	struct wishes wishes = { 0 };
	if (!parse(argc, argv, &wishes)) {
		fprintf(stderr, "usage: sealpool-bench [--short] [--only PART] "
			"[--waste-call] [--waste-instructions] "
			"[--output FOLDER] [--tiny SEALPOOL-TINY]\n");
		return 2;
	}
	raise_fds();
	struct results results = { 0 };
	measure(&wishes, &results);
	struct goals_count count =
		goals_write(&results, wishes.is_short, stdout);
	if (wishes.folder != NULL && !report_write(&results, wishes.folder)) {
		return 1;
	}
	free(results.series);
	if (!wishes.is_short) {
		return 0;
	}
	if (count.passed + count.failed == 0) {
		return NOTHING_MEASURED;
	}
	printf("%u passed, %u failed\n", count.passed, count.failed);
	return count.failed > 0;
}
