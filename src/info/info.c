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

static const char usage[] =
	"usage: sealpool-info [--json | --list]\n"
	"\n"
	"Shows what the wl_shm of the compositor at $WAYLAND_DISPLAY offers, whether\n"
	"it is Sealpool's, and what happens to pools of each sort of memory.\n"
	"\n"
	"  --json             print JSON\n"
	"  --list             print the sorts of memory without trying them\n"
	"  --help, --version\n";

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
	connection_close(&connection);
	for (const struct sort *sort = sorts; sort->name != NULL; sort++) {
		struct result result;
		if (!probe(sort, &result)) {
			return fail("the compositor has ended");
		}
		report->add(sort, &result, sort == sorts);
	}
	report->end();
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
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
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
