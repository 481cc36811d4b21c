/* SPDX-License-Identifier: MIT */
/*
 * sealpool-bench [--quick] [--callgrind] [--rounds N] [--only PART]
 *     [--output FOLDER] [--tiny SEALPOOL-TINY]
 *
 * Compares implementations of wl_shm: see docs/performance.md. Each is run in
 * turn, A B C D A B C D, in a fresh process each time; the client is this
 * process. Nothing depends on how long anything takes but the figures.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "report.h"
#include "scenario.h"
#include "tiny.h"

static double now(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* For a thousand clients. */
static void raise_fds(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void run_scenario(const struct scenario *scenario, unsigned rounds,
		struct results *results) {
	if (scenario->rounds != 0 && scenario->rounds < rounds) {
		rounds = scenario->rounds;
	}
	for (unsigned round = 0; round < rounds; round++) {
		for (enum impl_index impl = 0; impl < IMPLS_LEN; impl++) {
			if (scenario->impls == 0 ||
					scenario->impls & 1u << impl) {
				scenario->run(scenario, impl, results);
			}
		}
	}
}

/* Of what is measured elsewhere. */
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

static bool is_wanted(const char *part, const char *only) {
	return only == NULL || strcmp(part, only) == 0;
}

int main(int argc, char **argv) {
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "only", required_argument, NULL, 'o' },
		{ "output", required_argument, NULL, 'f' },
		{ "tiny", required_argument, NULL, 't' },
		{ "callgrind", no_argument, NULL, 'c' },
		{ 0 },
	};
	unsigned rounds = 0;
	const char *folder = NULL, *tiny = NULL, *only = NULL;
	bool callgrind = false, usage = false;
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'q':
			quick = true;
			break;
		case 'r':
			rounds = (unsigned)atoi(optarg);
			break;
		case 'o':
			only = optarg;
			usage |= !is_part(only);
			break;
		case 'f':
			folder = optarg;
			break;
		case 't':
			tiny = optarg;
			break;
		case 'c':
			callgrind = true;
			break;
		default:
			usage = true;
			break;
		}
	}
	if (usage || optind < argc) {
		fprintf(stderr, "usage: sealpool-bench [--quick] [--callgrind] "
			"[--rounds N] [--only PART] [--output FOLDER] "
			"[--tiny SEALPOOL-TINY]\n");
		return 2;
	}
	if (callgrind && callgrind_folder() == NULL) {
		return callgrind_run(argv);
	}
	if (callgrind) {
		quick = true;
	}
	if (rounds == 0) {
		rounds = quick && !callgrind ? 3 : 5;
	}
	if (rounds > ROUNDS_MAX) {
		rounds = ROUNDS_MAX;
	}
	raise_fds();

	struct results results = { 0 };
	double start = now();
	for (size_t i = 0; i < scenarios_len; i++) {
		if (!is_wanted(scenarios[i].part, only)) {
			continue;
		}
		if (callgrind_folder() != NULL ? !scenarios[i].counted :
				quick && !scenarios[i].quick) {
			continue;
		}
		fprintf(stderr, "\r%zu of %zu, %.0f s ", i + 1, scenarios_len,
			now() - start);
		run_scenario(&scenarios[i], rounds, &results);
	}
	if (tiny != NULL && !quick && callgrind_folder() == NULL &&
			is_wanted(PART_TINY, only)) {
		measure_tiny(&results, tiny, rounds);
	}
	if (callgrind_folder() == NULL && is_wanted(PART_COPIES, only)) {
		measure_copies(&results, quick ? 2 : 3);
	}
	fprintf(stderr, "\rall done, %.0f s \n", now() - start);
	report_print_goals(&results);
	if (folder != NULL && !report_write(&results, folder, rounds)) {
		return 1;
	}
	free(results.series);
	return 0;
}
