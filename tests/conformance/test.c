/* SPDX-License-Identifier: MIT */
/*
 * The functions that cases use. They run in the case's process, and may end it.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "case.h"
#include "clock.h"
#include "globals.h"
#include "test.h"

#define SEEN_MS 2000
#define ERROR_MS 10000

static struct test_result *result;

void test_begin(struct test_result *to) {
	result = to;
}

int64_t test_now_ms(void) {
	return client_now_ms();
}

_Noreturn static void end(enum case_outcome outcome, const char *format,
		va_list args) {
	vsnprintf(result->detail, sizeof(result->detail), format, args);
	result->outcome = outcome;
	result->told = true;
	_exit(0);
}

_Noreturn static void end_with(enum case_outcome outcome, const char *format,
		...) {
	va_list args;
	va_start(args, format);
	end(outcome, format, args);
}

_Noreturn void test_conform(void) {
	end_with(OUTCOME_CONFORMS, "%s", "");
}

_Noreturn void test_fail(struct test *test, const char *format, ...) {
	va_list args;
	va_start(args, format);
	end(OUTCOME_WRONG, format, args);
}

_Noreturn void test_skip(struct test *test, const char *format, ...) {
	va_list args;
	va_start(args, format);
	end(OUTCOME_SKIPPED, format, args);
}

_Noreturn void test_lack(struct test *test, const char *what) {
	result->lacking = true;
	test_skip(test, "the suite was built without %s", what);
}

_Noreturn void test_fail_client(struct test *test,
		const struct client *client) {
	bool gone = client->display == NULL ||
		wl_display_get_error(client->display) != 0;
	end_with(gone ? OUTCOME_CLIENT_KILLED : OUTCOME_WRONG, "%s",
		client->error);
}

void test_expect_alive(struct test *test) {
	must(test, client_roundtrip(&test->client));
}

static void describe_fate(const struct client_fate *fate, char *text,
		size_t size) {
	switch (fate->kind) {
	case CLIENT_ALIVE:
		snprintf(text, size, "none");
		break;
	case CLIENT_DISCONNECTED:
		snprintf(text, size, "a connection closed without an error");
		break;
	case CLIENT_PROTOCOL_ERROR:
		snprintf(text, size, "%s (%u) on %s: %s", fate->name,
			fate->code, fate->interface, fate->message);
		break;
	}
}

void test_expect_error(struct test *test, const char *interface,
		const char *const names[]) {
	struct client *client = &test->client;
	client->patience = ERROR_MS;
	struct client_fate fate;
	/* The error comes before the answer. */
	client_roundtrip(client);
	client_get_fate(client, &fate);
	char wanted[256] = "", got[400];
	for (size_t i = 0; names[i] != NULL; i++) {
		if (fate.kind == CLIENT_PROTOCOL_ERROR &&
				strcmp(fate.name, names[i]) == 0 &&
				(interface == NULL || strcmp(fate.interface,
					interface) == 0)) {
			return;
		}
		size_t length = strlen(wanted);
		snprintf(wanted + length, sizeof(wanted) - length, "%s%s",
			i > 0 ? " or " : "", names[i]);
	}
	describe_fate(&fate, got, sizeof(got));
	test_fail(test, "expected the error %s%s%s, got %s", wanted,
		interface != NULL ? " on " : "",
		interface != NULL ? interface : "", got);
}

void test_connect(struct test *test, struct client *client) {
	if (!client_connect(client, test->display)) {
		test_fail_client(test, client);
	}
}

static void note_format(void *data, struct wl_shm *shm, uint32_t format) {
	uint32_t *wanted = data;
	if (*wanted == format) {
		*wanted = UINT32_MAX;
	}
}

static const struct wl_shm_listener shm_listener = { .format = note_format };

/* The formats are sent when wl_shm is bound, so it is bound again. */
bool test_has_format(struct test *test, uint32_t format) {
	struct client *client = &test->client;
	struct client_global global[] = {
		{ .interface = &wl_shm_interface, .version = 1,
			.listener = &shm_listener, .data = &format },
		{ 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(client->display, global);
	if (registry == NULL) {
		test_fail(test, "no memory");
	}
	must(test, client_roundtrip(client) && client_roundtrip(client));
	wl_registry_destroy(registry);
	return format == UINT32_MAX;
}

enum client_memory_kind test_get_kind(const struct test *test) {
	return (enum client_memory_kind)(test->argument & 0xff);
}

int32_t test_get_variant(const struct test *test) {
	return (int32_t)(test->argument >> 8);
}

pid_t test_fork(struct test *test) {
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		test_fail(test, "fork: %s", strerror(errno));
	}
	return pid;
}

void test_needs_capture(struct test *test) {
	if (!client_capture_is_possible(&test->client)) {
		test_skip(test, "the compositor has no protocol for captures, "
			"or not exactly one output without scale and transform");
	}
}

void test_expect_seen(struct test *test, const struct client_image *picture,
		const char *what) {
	int64_t deadline = test_now_ms() + SEEN_MS;
	for (;;) {
		struct client_image output;
		int32_t x, y;
		must(test, client_capture_output(&test->client,
			CLIENT_MEMORY_SEALED, &output));
		if (client_image_find(&output, picture, &x, &y)) {
			client_image_destroy(&output);
			return;
		}
		if (test_now_ms() < deadline) {
			client_image_destroy(&output);
			poll(NULL, 0, 20);
			continue;
		}
		/* The place with most of the picture shows what is wrong. */
		char error[400] = "it is not on the output";
		if (client_image_find_closest(&output, picture, &x, &y)) {
			client_image_expect(&output, x, y, picture, error,
				sizeof(error));
		}
		test_fail(test, "%s: %s", what, error);
	}
}
