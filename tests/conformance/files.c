/* SPDX-License-Identifier: MIT */
/*
 * Results as JSON and JUnit XML.
 */
#include <string.h>

#include "case.h"
#include "files.h"

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

static void print_json(FILE *file, const struct entry *entry) {
	const struct test_case *c = entry->test_case;
	const struct run_result *result = &entry->result;
	fputs("\n    { \"name\": ", file);
	print_json_string(file, c->name);
	fprintf(file, ", \"kind\": \"%s\", \"description\": ",
		case_kind_name(c->kind));
	print_json_string(file, c->description);
	fprintf(file, ", \"outcome\": \"%s\", \"detail\": ",
		case_outcome_name(result->outcome));
	print_json_string(file, result->detail);
	if (entry->expected != NULL) {
		fputs(", \"expected\": ", file);
		print_json_string(file, entry->expected);
	}
	fprintf(file, ", \"failures\": %u, \"seconds\": %.3f, "
		"\"longest_wait\": %.3f }", result->failures, result->seconds,
		result->longest_wait);
}

void files_write_json(const struct report *report, const char *error) {
	FILE *file = report->json;
	unsigned totals[OUTCOME_SKIPPED + 1] = { 0 };
	fputs("{\n  \"suite\": \"sealpool-conformance\",\n  \"version\": ", file);
	print_json_string(file, SEALPOOL_VERSION);
	fputs(",\n  \"cases\": [", file);
	for (size_t i = 0; i < report->len; i++) {
		fputs(i > 0 ? "," : "", file);
		print_json(file, &report->entries[i]);
		totals[report->entries[i].result.outcome]++;
	}
	fputs("\n  ],\n  \"totals\": {", file);
	for (int i = 0; i <= OUTCOME_SKIPPED; i++) {
		fprintf(file, "%s\"%s\": %u", i > 0 ? ", " : " ",
			case_outcome_name((enum case_outcome)i), totals[i]);
	}
	fputs(" }", file);
	if (error != NULL) {
		fputs(",\n  \"error\": ", file);
		print_json_string(file, error);
	}
	fputs("\n}\n", file);
}

/* XML 1.0 cannot represent most control characters. */
static void print_xml(FILE *file, const char *text) {
	for (const char *c = text; *c != '\0'; c++) {
		switch (*c) {
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '&':
			fputs("&amp;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		default:
			fputc((unsigned char)*c < ' ' ? '?' : *c, file);
			break;
		}
	}
}

static bool is_skipped(const struct entry *entry) {
	return entry->result.outcome == OUTCOME_SKIPPED && entry->ok;
}

static bool fails_as_expected(const struct entry *entry) {
	return entry->expected != NULL && !entry->ok;
}

static void print_message(FILE *file, const char *element, const char *type,
		const char *prefix, const char *text) {
	fprintf(file, "\n      <%s%s%s%s message=\"", element,
		type != NULL ? " type=\"" : "", type != NULL ? type : "",
		type != NULL ? "\"" : "");
	print_xml(file, prefix);
	print_xml(file, text);
	fputs("\"/>\n    ", file);
}

static void print_junit(FILE *file, const struct entry *entry) {
	const char *name = entry->test_case->name;
	const char *slash = strchr(name, '/');
	int group_length = slash != NULL ? (int)(slash - name) : 0;
	/* Names of cases have no characters that must be escaped in XML. */
	fprintf(file, "    <testcase classname=\"sealpool%s%.*s\" name=\"",
		slash != NULL ? "." : "", group_length, name);
	print_xml(file, slash != NULL ? slash + 1 : name);
	fprintf(file, "\" time=\"%.3f\">", entry->result.seconds);
	if (is_skipped(entry)) {
		print_message(file, "skipped", NULL, "", entry->result.detail);
	} else if (fails_as_expected(entry)) {
		print_message(file, "skipped", NULL, "expected failure: ",
			entry->expected);
	} else if (!entry->ok) {
		print_message(file, "failure",
			case_outcome_name(entry->result.outcome), "",
			entry->result.detail);
	}
	fputs("</testcase>\n", file);
}

void files_write_junit(const struct report *report, const char *error) {
	FILE *file = report->junit;
	unsigned skipped = 0;
	double seconds = 0;
	for (size_t i = 0; i < report->len; i++) {
		const struct entry *entry = &report->entries[i];
		skipped += is_skipped(entry) || fails_as_expected(entry);
		seconds += entry->result.seconds;
	}
	fprintf(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
		"  <testsuite name=\"sealpool-conformance\" tests=\"%zu\" "
		"failures=\"%u\" errors=\"%d\" skipped=\"%u\" time=\"%.3f\">\n",
		report->len + (error != NULL), report->failed, error != NULL,
		skipped, seconds);
	for (size_t i = 0; i < report->len; i++) {
		print_junit(file, &report->entries[i]);
	}
	if (error != NULL) {
		fputs("    <testcase classname=\"sealpool\" name=\"suite\">", file);
		print_message(file, "error", "not run", "", error);
		fputs("</testcase>\n", file);
	}
	fputs("  </testsuite>\n</testsuites>\n", file);
}
