/* SPDX-License-Identifier: MIT */
/*
 * Results as TAP, for people.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case.h"
#include "files.h"
#include "report.h"

static FILE *open_file(const char *path) {
	FILE *file = path != NULL ? fopen(path, "we") : NULL;
	if (path != NULL && file == NULL) {
		fprintf(stderr, "sealpool-conformance: %s: %s\n", path,
			strerror(errno));
		exit(2);
	}
	return file;
}

void report_begin(struct report *report, const struct options *options,
		const struct expectations *expectations, size_t cases_len) {
	*report = (struct report){
		.options = options,
		.expectations = expectations,
		.cases_len = cases_len,
		.entries = calloc(cases_len, sizeof(report->entries[0])),
		.json = open_file(options->json),
		.junit = open_file(options->junit),
	};
	if (report->entries == NULL) {
		perror("sealpool-conformance");
		exit(2);
	}
	printf("TAP version 13\n1..%zu\n", cases_len);
}

/* On a terminal, the last line shows the progress. The next output overwrites it. */
static void print_progress(const struct report *report) {
	if (isatty(STDOUT_FILENO)) {
		printf("%zu of %zu, %u failed\r", report->len,
			report->cases_len, report->failed);
	}
}

static void erase_progress(void) {
	if (isatty(STDOUT_FILENO)) {
		printf("\033[K");
	}
}

/* A case of the self-check is named after its expected outcome, without the variant. */
static bool is_named_after(const struct test_case *c,
		const struct run_result *result) {
	const char *name = case_outcome_name(result->outcome);
	return strncmp(c->name, name, strlen(name)) == 0 &&
		strchr(":", c->name[strlen(name)]) != NULL &&
		/* The variant is the signal. */
		(result->outcome != OUTCOME_COMPOSITOR_DIED ||
		strstr(result->detail, strchr(c->name, ':') + 1) != NULL);
}

static bool is_ok(const struct test_case *c, const struct run_result *result,
		const struct options *options) {
	if (result->lacking && options->require_all) {
		return false;
	}
	return options->self_check ? is_named_after(c, result) :
		result->outcome == OUTCOME_CONFORMS ||
		result->outcome == OUTCOME_SKIPPED;
}

/* Green, red and yellow, on a terminal. */
static const char *color(const char *code) {
	return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL ? code : "";
}

static void print_tap(size_t number, const struct entry *entry) {
	const struct run_result *result = &entry->result;
	bool skipped = entry->ok && result->outcome == OUTCOME_SKIPPED;
	printf("%s%sok%s %zu - %s", color(!entry->ok && entry->expected == NULL ?
		"\033[31m" : skipped || entry->expected != NULL ? "\033[33m" :
		"\033[32m"), entry->ok ? "" : "not ", color("\033[m"), number,
		entry->test_case->name);
	/* '#' begins a directive. */
	if (skipped) {
		printf(" # SKIP %s\n", result->detail);
		return;
	}
	printf("%s%s\n", entry->expected != NULL ? " # TODO " : "",
		entry->expected != NULL ? entry->expected : "");
	if (!entry->ok) {
		printf("# %s (%s): %s\n# %s\n",
			case_outcome_name(result->outcome),
			case_kind_name(entry->test_case->kind), result->detail,
			entry->test_case->description);
	}
	if (result->failures > 0 && entry->ok) {
		printf("# failed %u times before\n", result->failures);
	}
}

void report_tell(const struct test_case *test_case,
		const struct run_result *result, void *data) {
	struct report *report = data;
	struct entry *entry = &report->entries[report->len++];
	*entry = (struct entry){
		.test_case = test_case,
		.result = *result,
		.ok = is_ok(test_case, result, report->options),
		.expected = expectations_find(report->expectations,
			test_case->name),
	};
	report->failed += !entry->ok && entry->expected == NULL;
	erase_progress();
	print_tap(report->len, entry);
	print_progress(report);
	fflush(stdout);
}

static size_t get_group_length(const struct entry *entry) {
	return strcspn(entry->test_case->name, "/:");
}

static bool is_same_group(const struct entry *a, const struct entry *b) {
	size_t length = get_group_length(a);
	return get_group_length(b) == length && strncmp(a->test_case->name,
		b->test_case->name, length) == 0;
}

static void print_outcomes(const struct entry *entries, size_t len) {
	unsigned count[OUTCOME_SKIPPED + 1] = { 0 };
	for (size_t i = 0; i < len; i++) {
		count[entries[i].result.outcome]++;
	}
	for (int i = 0; i <= OUTCOME_SKIPPED; i++) {
		printf("%s%u %s", i > 0 ? ", " : "", count[i],
			case_outcome_name((enum case_outcome)i));
	}
	puts("");
}

/* Cases of a group are adjacent. */
static void print_groups(const struct report *report) {
	size_t end;
	for (size_t i = 0; i < report->len; i = end) {
		for (end = i + 1; end < report->len && is_same_group(
				&report->entries[i], &report->entries[end]);
				end++) {
		}
		if (end - i == report->len) {
			return;
		}
		printf("# %.*s: ", (int)get_group_length(&report->entries[i]),
			report->entries[i].test_case->name);
		print_outcomes(&report->entries[i], end - i);
	}
}

static void print_names(const struct report *report, bool ok, bool expected,
		const char *what) {
	for (size_t i = 0; i < report->len; i++) {
		const struct entry *entry = &report->entries[i];
		if (entry->ok == ok && (entry->expected != NULL) == expected &&
				(!ok || entry->result.outcome ==
					OUTCOME_CONFORMS)) {
			printf("# %s: %s%s%s%s\n", what, entry->test_case->name,
				ok ? "" : " (",
				ok ? "" : case_outcome_name(entry->result.outcome),
				ok ? "" : ")");
		}
	}
}

static void print_lacks(const struct report *report) {
	unsigned lacking = 0;
	const char *reason = "";
	for (size_t i = 0; i < report->len; i++) {
		if (report->entries[i].result.lacking) {
			lacking++;
			reason = report->entries[i].result.detail;
		}
	}
	if (lacking > 0) {
		printf("# %u of the skipped: %s\n", lacking, reason);
	}
}

static bool close_file(FILE *file, const char *path) {
	bool failed = file != NULL && ferror(file);
	if (file != NULL && (fclose(file) != 0 || failed)) {
		fprintf(stderr, "sealpool-conformance: cannot write %s: %s\n",
			path, strerror(errno));
		return false;
	}
	return true;
}

bool report_end(struct report *report, const char *error) {
	erase_progress();
	if (error != NULL) {
		printf("Bail out! %s\n# After %zu of the cases: ", error,
			report->len);
	} else {
		print_groups(report);
		print_names(report, false, false, "failed");
		print_names(report, true, true, "passes, though expected to fail");
		printf("# ");
	}
	print_outcomes(report->entries, report->len);
	print_lacks(report);
	if (report->json != NULL) {
		files_write_json(report, error);
	}
	if (report->junit != NULL) {
		files_write_junit(report, error);
	}
	bool ok = close_file(report->json, report->options->json);
	ok = close_file(report->junit, report->options->junit) && ok;
	free(report->entries);
	return ok;
}
