/* SPDX-License-Identifier: MIT */
/*
 * sealpool-info: shows what a compositor's wl_shm offers, and what it does with pools
 * of each sort of memory. It finds out by trying, so it works with any compositor, and
 * uses only files that cannot harm one.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "probe.h"
#include "report.h"

/* How Sealpool's error about a pool's file begins (server/pool.c). At least the pipe is
 * refused by it. */
#define OWN_TEXT "the pool's file "

static const char usage[] =
	"usage: sealpool-info [--json | --list]\n"
	"\n"
	"Shows what the wl_shm of the compositor at $WAYLAND_DISPLAY offers, whether\n"
	"it is Sealpool's, and what happens to pools of each sort of memory.\n"
	"\n"
	"  --json             print JSON\n"
	"  --list             print the sorts of memory without trying them\n"
	"  -h, --help         print this\n"
	"  --version          print the version\n";

static void list(void) {
	for (const struct sort *sort = sorts; sort->name != NULL; sort++) {
		printf("%-20s %s\n", sort->name, sort->description);
	}
}

static int fail(const char *what) {
	fflush(stdout);
	fprintf(stderr, "sealpool-info: %s: %s\n", what, strerror(errno));
	return 1;
}

static int run(const struct report *report) {
	struct connection connection;
	if (!connection_open(&connection)) {
		return fail("cannot connect to a compositor");
	}
	if (connection.shm == NULL) {
		fputs("sealpool-info: the compositor has no wl_shm\n", stderr);
		connection_close(&connection);
		return 1;
	}
	struct budgets budgets;
	probe_budgets(&connection, &budgets);
	report->begin(&connection, &budgets);
	bool has_feedback = connection.feedback != NULL;
	bool is_protected = has_feedback;
	connection_close(&connection);
	for (const struct sort *sort = sorts; sort->name != NULL; sort++) {
		struct result result;
		if (!probe(sort, &result)) {
			return fail("the compositor has ended");
		}
		report->add(sort, &result, sort == sorts);
		is_protected |= result.outcome == OUTCOME_REFUSED &&
			strncmp(result.error.message, OWN_TEXT,
				strlen(OWN_TEXT)) == 0;
	}
	report->end(has_feedback, is_protected);
	return fflush(stdout) == 0 ? 0 : fail("standard output");
}

int main(int argc, char *argv[]) {
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	const struct report *report = &text_report;
	int option;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			report = &json_report;
			break;
		case 'l':
			list();
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'v':
			puts("sealpool-info " SEALPOOL_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	return run(report);
}
