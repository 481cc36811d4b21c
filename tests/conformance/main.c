/* SPDX-License-Identifier: MIT */
/*
 * sealpool-conformance: is a compositor's wl_shm right, and is it safe?
 *
 * Prints TAP to stdout. Exits 0 when no case has failed, 1 when one has, 2 when
 * it was called wrongly or there was no compositor.
 */
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"
#include "run.h"

/* In the order that they are listed and run in. */
static const struct test_case *const groups[] = {
	protocol_global_cases,
	protocol_format_cases,
	protocol_pool_cases,
	protocol_place_cases,
	protocol_layout_cases,
	protocol_shape_cases,
	protocol_resize_cases,
	protocol_end_cases,
	protocol_commit_cases,
	content_frame_cases,
	content_pool_cases,
	content_format_cases,
	content_size_cases,
	content_surface_cases,
	content_cursor_cases,
	memory_seal_cases,
	memory_file_cases,
	memory_fd_cases,
	memory_capture_cases,
	hostile_truncated_cases,
	hostile_sealed_cases,
	hostile_hole_cases,
	hostile_not_memory_cases,
	hostile_silent_cases,
	hostile_capture_cases,
	hostile_shape_cases,
	greed_pool_cases,
	greed_buffer_cases,
	greed_byte_cases,
	greed_time_cases,
	shared_keymap_cases,
	shared_gamma_cases,
	shared_profile_cases,
	shared_dmabuf_cases,
	NULL,
};

static const struct test_case *const self_groups[] = { self_cases, NULL };

static const char usage[] =
	"usage: sealpool-conformance [OPTION...]\n"
	"\n"
	"Tests the wl_shm of the compositor at $WAYLAND_DISPLAY. Hostile cases may\n"
	"crash that compositor; with --start, each case has a compositor of its own.\n"
	"\n"
	"  --start COMMAND   start a compositor for each case, with this shell\n"
	"                    command, in a runtime directory of its own\n"
	"  --list            print the cases and what each requires\n"
	"  --only PATTERN    run only cases whose name matches, such as hostile/*;\n"
	"                    may be given several times\n"
	"  --jobs N          run N cases at a time, with --start (default: 1)\n"
	"  --require-all     fail cases that need a library that the suite was built\n"
	"                    without, instead of skipping them\n"
	"  --timeout SECONDS the time limit of a case (default: 60)\n"
	"  --hang SECONDS    how long the compositor may take to answer before it\n"
	"                    counts as hung (default: 2)\n"
	"  --json FILE       also write the results to FILE\n"
	"  --self-check      test the suite with cases of known results\n"
	"  --help\n";

struct totals {
	unsigned count[OUTCOME_SKIPPED + 1];
	unsigned failed;
	/* Skipped because of how the suite was built, and the last reason. */
	unsigned lacking;
	char lack[768];
};

/* What cases are wanted; all when there is no pattern. */
static const char **patterns;
static size_t patterns_len;

static bool is_wanted(const struct test_case *test_case) {
	bool wanted = patterns_len == 0;
	for (size_t i = 0; i < patterns_len && !wanted; i++) {
		wanted = fnmatch(patterns[i], test_case->name, 0) == 0;
	}
	return wanted;
}

static unsigned count_cases(const struct test_case *const *from) {
	unsigned count = 0;
	for (; *from != NULL; from++) {
		for (const struct test_case *c = *from; c->name != NULL; c++) {
			count += is_wanted(c);
		}
	}
	return count;
}

static void list(const struct test_case *const *cases, unsigned count) {
	for (unsigned i = 0; i < count; i++) {
		printf("%s (%s)\n    %s\n", cases[i]->name,
			case_kind_name(cases[i]->kind), cases[i]->description);
	}
}

static void print_json_string(FILE *file, const char *text) {
	fputc('"', file);
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\') {
			fputc('\\', file);
		}
		if ((unsigned char)*c < ' ') {
			fprintf(file, "\\u%04x", *c);
		} else {
			fputc(*c, file);
		}
	}
	fputc('"', file);
}

static void print_json(FILE *file, bool first, const struct test_case *c,
		const struct run_result *result) {
	fprintf(file, "%s\n    { \"name\": ", first ? "" : ",");
	print_json_string(file, c->name);
	fprintf(file, ", \"kind\": \"%s\", \"description\": ",
		case_kind_name(c->kind));
	print_json_string(file, c->description);
	fprintf(file, ", \"outcome\": \"%s\", \"detail\": ",
		case_outcome_name(result->outcome));
	print_json_string(file, result->detail);
	fprintf(file, ", \"seconds\": %.3f, \"longest_wait\": %.3f }",
		result->seconds, result->longest_wait);
}

static void print_tap(unsigned number, const struct test_case *c,
		const struct run_result *result, bool ok) {
	/* '#' begins a directive. */
	printf("%sok %u - %s", ok ? "" : "not ", number, c->name);
	if (ok && result->outcome == OUTCOME_SKIPPED) {
		printf(" # SKIP %s\n", result->detail);
		return;
	}
	puts("");
	if (!ok) {
		printf("# %s (%s): %s\n# %s\n", case_outcome_name(result->outcome),
			case_kind_name(c->kind), result->detail,
			c->description);
	}
}

/* Without variant. */
static bool is_named_after(const struct test_case *c,
		const struct run_result *result) {
	const char *name = case_outcome_name(result->outcome);
	return strncmp(c->name, name, strlen(name)) == 0 &&
		strchr(":", c->name[strlen(name)]) != NULL &&
		/* The signal is its variant. */
		(result->outcome != OUTCOME_COMPOSITOR_DIED ||
		strstr(result->detail, strchr(c->name, ':') + 1) != NULL);
}

/* What is known so far. */
struct report {
	FILE *json;
	bool self_check;
	bool require_all;
	unsigned number;
	struct totals totals;
};

static bool is_ok(const struct test_case *c, const struct run_result *result,
		const struct report *report) {
	if (result->lacking && report->require_all) {
		return false;
	}
	return report->self_check ? is_named_after(c, result) :
		result->outcome == OUTCOME_CONFORMS ||
		result->outcome == OUTCOME_SKIPPED;
}

static void tell(const struct test_case *c, const struct run_result *result,
		void *data) {
	struct report *report = data;
	bool ok = is_ok(c, result, report);
	report->totals.count[result->outcome]++;
	report->totals.failed += !ok;
	if (result->lacking) {
		report->totals.lacking++;
		snprintf(report->totals.lack, sizeof(report->totals.lack), "%s",
			result->detail);
	}
	if (report->json != NULL) {
		print_json(report->json, report->number == 0, c, result);
	}
	print_tap(++report->number, c, result, ok);
	fflush(stdout);
}

/* As many as count_cases() says. */
static void collect_cases(const struct test_case *const *from,
		const struct test_case **cases) {
	for (; *from != NULL; from++) {
		for (const struct test_case *c = *from; c->name != NULL; c++) {
			if (is_wanted(c)) {
				*cases++ = c;
			}
		}
	}
}

static void print_totals(const struct totals *totals, FILE *json) {
	const char *separator = "# ";
	for (int i = 0; i <= OUTCOME_SKIPPED; i++) {
		printf("%s%u %s", separator, totals->count[i],
			case_outcome_name((enum case_outcome)i));
		separator = ", ";
	}
	puts("");
	if (totals->lacking > 0) {
		printf("# %u of the skipped: %s\n", totals->lacking,
			totals->lack);
	}
	if (json == NULL) {
		return;
	}
	fputs("\n  ],\n  \"totals\": {", json);
	separator = " ";
	for (int i = 0; i <= OUTCOME_SKIPPED; i++) {
		fprintf(json, "%s\"%s\": %u", separator,
			case_outcome_name((enum case_outcome)i),
			totals->count[i]);
		separator = ", ";
	}
	fputs(" }\n}\n", json);
}

/* Of an option in seconds, milliseconds; 0 if it is none. */
static int parse_seconds(const char *text) {
	char *end;
	double seconds = strtod(text, &end);
	return *end == '\0' && seconds > 0 && seconds < 1000000 ?
		(int)(seconds * 1000) : 0;
}

int main(int argc, char *argv[]) {
	static const struct option long_options[] = {
		{ "start", required_argument, NULL, 's' },
		{ "list", no_argument, NULL, 'l' },
		{ "only", required_argument, NULL, 'o' },
		{ "jobs", required_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 't' },
		{ "hang", required_argument, NULL, 'g' },
		{ "json", required_argument, NULL, 'j' },
		{ "require-all", no_argument, NULL, 'r' },
		{ "self-check", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct run_options options = { .timeout = 60000, .hang = 2000 };
	const char *json_path = NULL;
	/* As many as there can be. */
	patterns = calloc((size_t)argc, sizeof(*patterns));
	if (patterns == NULL) {
		perror("calloc");
		return 2;
	}
	bool only_list = false, self_check = false, require_all = false;
	long at_a_time = 1;
	int option;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 's':
			options.start = optarg;
			break;
		case 'l':
			only_list = true;
			break;
		case 'o':
			patterns[patterns_len++] = optarg;
			break;
		case 'n':
			at_a_time = strtol(optarg, NULL, 10);
			break;
		case 't':
			options.timeout = parse_seconds(optarg);
			break;
		case 'g':
			options.hang = parse_seconds(optarg);
			break;
		case 'j':
			json_path = optarg;
			break;
		case 'r':
			require_all = true;
			break;
		case 'c':
			self_check = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc || options.timeout == 0 || options.hang == 0 ||
			at_a_time < 1) {
		fputs(usage, stderr);
		return 2;
	}
	if (at_a_time > 1 && options.start == NULL) {
		fprintf(stderr, "sealpool-conformance: --jobs needs --start: "
			"cases in one compositor would affect each other\n");
		return 2;
	}
	const struct test_case *const *from =
		self_check ? self_groups : groups;
	unsigned count = count_cases(from);
	if (count == 0) {
		fprintf(stderr, "sealpool-conformance: no such case: %s\n",
			patterns[0]);
		return 2;
	}
	const struct test_case **cases = calloc(count, sizeof(*cases));
	if (cases == NULL) {
		perror("calloc");
		return 2;
	}
	collect_cases(from, cases);
	if (only_list) {
		list(cases, count);
		free(cases);
		return 0;
	}
	struct report report = {
		.self_check = self_check,
		.require_all = require_all,
	};
	if (json_path != NULL) {
		report.json = fopen(json_path, "we");
		if (report.json == NULL) {
			perror(json_path);
			free(cases);
			return 2;
		}
		fputs("{\n  \"suite\": \"sealpool-conformance\",\n  \"version\": ",
			report.json);
		print_json_string(report.json, SEALPOOL_VERSION);
		fputs(",\n  \"cases\": [", report.json);
	}

	char error[1024];
	printf("TAP version 13\n1..%u\n", count);
	bool ran = jobs_run(cases, count, (size_t)at_a_time, &options, tell,
		&report, error, sizeof(error));
	if (!ran) {
		printf("Bail out! %s\n", error);
	}
	free(cases);
	print_totals(&report.totals, report.json);
	if (report.json != NULL && fclose(report.json) != 0) {
		perror(json_path);
		return 2;
	}
	return !ran ? 2 : report.totals.failed > 0 ? 1 : 0;
}
