/* SPDX-License-Identifier: MIT */
/*
 * sealpool-conformance: tests whether a compositor's wl_shm is correct and safe.
 *
 * Prints TAP to stdout. Exits with 0 if no case has failed other than those that were
 * expected to, with 1 if one has, or with 2 after wrong arguments, without a compositor,
 * or if a file could not be written.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "jobs.h"
#include "options.h"
#include "report.h"
#include "run.h"

/* In the order of the list and of a run. */
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
	hostile_change_cases,
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

typedef void (*each_func)(const struct test_case *test_case, void *data);

static void for_each_case(const struct options *options, each_func func,
		void *data) {
	const struct test_case *const *from =
		options->self_check ? self_groups : groups;
	for (; *from != NULL; from++) {
		for (const struct test_case *c = *from; c->name != NULL; c++) {
			func(c, data);
		}
	}
}

/* The selected cases. */
struct wanted {
	const struct options *options;
	const struct test_case **list;
	size_t len;
};

static bool is_wanted(const struct options *options, const char *name) {
	return (options->only.len == 0 || patterns_match(&options->only, name)) &&
		!patterns_match(&options->skip, name);
}

static void add_wanted(const struct test_case *test_case, void *data) {
	struct wanted *wanted = data;
	if (!is_wanted(wanted->options, test_case->name)) {
		return;
	}
	const struct test_case **list = realloc(wanted->list,
		(wanted->len + 1) * sizeof(list[0]));
	if (list == NULL) {
		perror("sealpool-conformance");
		exit(2);
	}
	wanted->list = list;
	list[wanted->len++] = test_case;
}

/* The case whose name is nearest to a pattern that matches none. */
struct nearest {
	const char *pattern;
	bool matched;
	const char *name;
	size_t distance;
};

#define NAME_MAX_LENGTH 128

/* Returns the number of characters to change, insert or delete (Levenshtein). */
static size_t get_distance(const char *a, const char *b) {
	size_t row[NAME_MAX_LENGTH + 1], length = strnlen(b, NAME_MAX_LENGTH);
	for (size_t j = 0; j <= length; j++) {
		row[j] = j;
	}
	for (size_t i = 1; *a != '\0'; a++, i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t best = diagonal + (*a != b[j - 1]);
			best = row[j] + 1 < best ? row[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[length];
}

static void compare_name(const struct test_case *test_case, void *data) {
	struct nearest *nearest = data;
	nearest->matched = nearest->matched ||
		fnmatch(nearest->pattern, test_case->name, 0) == 0;
	size_t distance = get_distance(nearest->pattern, test_case->name);
	if (nearest->name == NULL || distance < nearest->distance) {
		nearest->name = test_case->name;
		nearest->distance = distance;
	}
}

/* Ends the program if the pattern matches no case. "where" is the origin of the
 * pattern. */
static void check_pattern(const struct options *options, const char *pattern,
		const char *where) {
	struct nearest nearest = { .pattern = pattern };
	for_each_case(options, compare_name, &nearest);
	if (!nearest.matched) {
		fprintf(stderr, "sealpool-conformance: %s: no case matches %s; "
			"the nearest name is %s\n", where, pattern,
			nearest.name);
		exit(2);
	}
}

static void check_patterns(const struct options *options,
		const struct expectations *expectations) {
	for (size_t i = 0; i < options->only.len; i++) {
		check_pattern(options, options->only.list[i], "--only");
	}
	for (size_t i = 0; i < options->skip.len; i++) {
		check_pattern(options, options->skip.list[i], "--skip");
	}
	for (size_t i = 0; i < expectations->len; i++) {
		char where[256];
		snprintf(where, sizeof(where), "%s:%u", options->expect,
			expectations->list[i].line);
		check_pattern(options, expectations->list[i].pattern, where);
	}
}

static void print_list(const struct wanted *wanted) {
	for (size_t i = 0; i < wanted->len; i++) {
		const struct test_case *c = wanted->list[i];
		printf("%s (%s)\n    %s\n", c->name, case_kind_name(c->kind),
			c->description);
	}
}

/* Returns the exit status. */
static int run(const struct options *options,
		const struct expectations *expectations,
		const struct wanted *wanted) {
	struct report report;
	report_begin(&report, options, expectations, wanted->len);
	char error[1024];
	bool ran = jobs_run(wanted->list, wanted->len, options->at_a_time,
		&options->run, report_tell, &report, error, sizeof(error));
	bool written = report_end(&report, ran ? NULL : error);
	return !ran || !written ? 2 : report.failed > 0 ? 1 : 0;
}

int main(int argc, char *argv[]) {
	struct options options;
	options_read(&options, argc, argv);
	struct expectations expectations = { 0 };
	if (options.expect != NULL) {
		expectations_read(&expectations, options.expect);
	}
	check_patterns(&options, &expectations);
	struct wanted wanted = { .options = &options };
	for_each_case(&options, add_wanted, &wanted);
	int status = 2;
	if (wanted.len == 0) {
		fputs("sealpool-conformance: --only and --skip leave no case\n",
			stderr);
	} else if (options.list) {
		print_list(&wanted);
		status = 0;
	} else {
		status = run(&options, &expectations, &wanted);
	}
	free(wanted.list);
	expectations_finish(&expectations);
	options_finish(&options);
	return status;
}
