/* SPDX-License-Identifier: MIT */
/*
 * Prints text in the style of wayland-info, or JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "advice/advice.h"
#include "report.h"
#include "sealpool-shm-feedback-v1-client-protocol.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	uint32_t value;
	const char *name;
} formats[] = {
#include "formats.inc"
};

static const char *const budget_names[BUDGETS_LEN] = {
	[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_POOLS] = "pools",
	[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_BUFFERS] = "buffers",
	[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_FDS] = "fds",
	[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_SHADOW_BYTES] =
		"shadow_bytes",
};

static const struct {
	uint32_t bit;
	const char *name;
} reasons[] = {
	{ SEALPOOL_SHM_FEEDBACK_V1_REASON_NO_SEAL, "no_seal" },
	{ SEALPOOL_SHM_FEEDBACK_V1_REASON_SHORT, "short" },
	{ SEALPOOL_SHM_FEEDBACK_V1_REASON_READ_ONLY, "read_only" },
	{ SEALPOOL_SHM_FEEDBACK_V1_REASON_NOT_WRITABLE, "not_writable" },
	{ SEALPOOL_SHM_FEEDBACK_V1_REASON_FILE_SYSTEM, "file_system" },
	{ SEALPOOL_SHM_FEEDBACK_V1_REASON_SPARSE, "sparse" },
	{ SEALPOOL_SHM_FEEDBACK_V1_REASON_BUDGET, "budget" },
	{ SEALPOOL_SHM_FEEDBACK_V1_REASON_LATE, "late" },
};

static const char *kind_name(uint32_t kind) {
	switch (kind) {
	case SEALPOOL_SHM_FEEDBACK_V1_KIND_DIRECT:
		return "direct";
	case SEALPOOL_SHM_FEEDBACK_V1_KIND_NOFAULT:
		return "nofault";
	case SEALPOOL_SHM_FEEDBACK_V1_KIND_SHADOW:
		return "shadow";
	}
	return "unknown";
}

/* An unknown format is named by the four letters of its code. */
static const char *format_name(uint32_t format, char letters[5]) {
	for (size_t i = 0; i < LENGTH(formats); i++) {
		if (formats[i].value == format) {
			return formats[i].name;
		}
	}
	for (int i = 0; i < 4; i++) {
		char letter = (char)(format >> (8 * i));
		letters[i] = letter >= ' ' && letter < 0x7f ? letter : '?';
	}
	letters[4] = '\0';
	return letters;
}

static void print_reasons(uint32_t bits, const char *quote) {
	const char *separator = "";
	for (size_t i = 0; i < LENGTH(reasons); i++) {
		if (bits & reasons[i].bit) {
			printf("%s%s%s%s", separator, quote, reasons[i].name,
				quote);
			separator = ", ";
		}
	}
}

static bool has_reason(const struct result *result, const char *name) {
	for (size_t i = 0; i < LENGTH(reasons); i++) {
		if (strcmp(reasons[i].name, name) == 0) {
			return (result->reasons & reasons[i].bit) != 0;
		}
	}
	return false;
}

static const char *find_change(const struct result *result) {
	for (const struct advice *advice = advices; advice->reason != NULL;
			advice++) {
		if (has_reason(result, advice->reason)) {
			return advice->change;
		}
	}
	return NULL;
}

/* Text */

static void print_change(const struct result *result) {
	const char *change = result->kind == SEALPOOL_SHM_FEEDBACK_V1_KIND_DIRECT ?
		NULL : find_change(result);
	if (change != NULL) {
		printf(": %s", change);
	}
}

static void text_begin(const struct connection *connection,
		const struct budgets *budgets) {
	printf("interface: 'wl_shm', version: %" PRIu32 "\n",
		connection->shm_version);
	puts("\tformats:");
	for (size_t i = 0; i < connection->formats_len; i++) {
		char letters[5];
		uint32_t format = connection->formats[i];
		printf("\t\t0x%08" PRIx32 " %s\n", format,
			format_name(format, letters));
	}
	if (connection->feedback != NULL) {
		printf("interface: 'sealpool_shm_feedback_manager_v1', "
			"version: %" PRIu32 "\n", connection->feedback_version);
	}
	if (budgets->known) {
		puts("\tlimits of a client:");
		for (int i = 0; i < BUDGETS_LEN; i++) {
			printf("\t\t%s: %" PRIu64 "\n", budget_names[i],
				budgets->limits[i]);
		}
	}
	puts("pools:");
}

static void text_add(const struct sort *sort, const struct result *result,
		bool first) {
	printf("\t%-20s ", sort->name);
	const char *name;
	switch (result->outcome) {
	case OUTCOME_ACCEPTED:
		fputs("accepted", stdout);
		if (result->has_feedback) {
			printf(", %s", kind_name(result->kind));
		}
		if (result->reasons != 0) {
			fputs(" (", stdout);
			print_reasons(result->reasons, "");
			putchar(')');
		}
		if (result->copied > 0) {
			printf(", %" PRIu64 " bytes copied", result->copied);
		}
		print_change(result);
		puts("");
		break;
	case OUTCOME_REFUSED:
		printf("refused after %s: %s ", result->request,
			result->error.interface);
		name = error_get_name(&result->error);
		if (name != NULL) {
			printf("%s", name);
		} else {
			printf("error %" PRIu32, result->error.code);
		}
		printf(": %s\n", result->error.message);
		break;
	case OUTCOME_CLOSED:
		printf("disconnected without an error after %s\n",
			result->request);
		break;
	case OUTCOME_SILENT:
		printf("no answer after %s\n", result->request);
		break;
	case OUTCOME_NOT_TRIED:
		printf("not tried: %s\n", result->reason);
		break;
	}
}

static void text_end(bool has_feedback, bool is_protected) {
	printf("sealpool: %s\n", is_protected ? "this wl_shm is protected" :
		"no sign of it: no error has a text of Sealpool's");
	if (!has_feedback) {
		puts("how memory is read is unknown, since the compositor does not "
			"offer 'sealpool_shm_feedback_manager_v1'. One that uses "
			"Sealpool does if it is started with SEALPOOL_FEEDBACK=1 in "
			"its environment");
	}
}

const struct report text_report = { text_begin, text_add, text_end };

/* JSON */

static void print_string(const char *text) {
	putchar('"');
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\') {
			putchar('\\');
		}
		if ((unsigned char)*c < ' ') {
			printf("\\u%04x", *c);
		} else {
			putchar(*c);
		}
	}
	putchar('"');
}

static void print_member(const char *name, const char *text) {
	printf(", \"%s\": ", name);
	print_string(text);
}

static void json_begin(const struct connection *connection,
		const struct budgets *budgets) {
	printf("{\n  \"wl_shm\": { \"version\": %" PRIu32 ", \"formats\": [",
		connection->shm_version);
	for (size_t i = 0; i < connection->formats_len; i++) {
		char letters[5];
		uint32_t format = connection->formats[i];
		printf("%s\n    { \"value\": %" PRIu32, i > 0 ? "," : "",
			format);
		print_member("name", format_name(format, letters));
		fputs(" }", stdout);
	}
	fputs("\n  ] },\n  \"sealpool\": ", stdout);
	if (connection->feedback == NULL) {
		fputs("null", stdout);
	} else {
		printf("{ \"version\": %" PRIu32, connection->feedback_version);
		for (int i = 0; i < BUDGETS_LEN && budgets->known; i++) {
			printf(", \"%s\": %" PRIu64, budget_names[i],
				budgets->limits[i]);
		}
		fputs(" }", stdout);
	}
	fputs(",\n  \"pools\": [", stdout);
}

static void json_add(const struct sort *sort, const struct result *result,
		bool first) {
	static const char *const outcomes[] = {
		[OUTCOME_ACCEPTED] = "accepted",
		[OUTCOME_REFUSED] = "refused",
		[OUTCOME_CLOSED] = "disconnected",
		[OUTCOME_SILENT] = "no_answer",
		[OUTCOME_NOT_TRIED] = "not_tried",
	};
	printf("%s\n    { \"sort\": ", first ? "" : ",");
	print_string(sort->name);
	print_member("description", sort->description);
	print_member("outcome", outcomes[result->outcome]);
	if (result->outcome == OUTCOME_NOT_TRIED) {
		print_member("reason", result->reason);
	} else if (result->outcome != OUTCOME_ACCEPTED) {
		print_member("request", result->request);
	}
	if (result->outcome == OUTCOME_REFUSED) {
		const char *name = error_get_name(&result->error);
		print_member("interface", result->error.interface);
		printf(", \"code\": %" PRIu32, result->error.code);
		if (name != NULL) {
			print_member("error", name);
		}
		print_member("message", result->error.message);
	}
	if (result->outcome == OUTCOME_ACCEPTED && result->has_feedback) {
		print_member("kind", kind_name(result->kind));
		fputs(", \"reasons\": [", stdout);
		print_reasons(result->reasons, "\"");
		printf("], \"copied\": %" PRIu64, result->copied);
	}
	fputs(" }", stdout);
}

static void json_end(bool has_feedback, bool is_protected) {
	printf("\n  ],\n  \"protected\": %s\n}\n",
		is_protected ? "true" : "false");
}

const struct report json_report = { json_begin, json_add, json_end };
