/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "shell.h"

/* Waits until all processes have closed their ends of the pipe. */
struct result shell_run(const char *command) {
	struct result result = { 0 };
	char all[4096];
	snprintf(all, sizeof(all), "exec 2>&1\n%s", command);
	FILE *pipe = popen(all, "r");
	assert_non_null(pipe);
	size_t length = fread(result.output, 1, sizeof(result.output) - 1,
		pipe);
	result.output[length] = '\0';
	int status = pclose(pipe);
	result.status = WIFEXITED(status) ? WEXITSTATUS(status) :
		128 + WTERMSIG(status);
	return result;
}

void expect_status(const struct result *result, int status) {
	if (result->status != status) {
		fail_msg("ended with %d instead of %d: %s", result->status,
			status, result->output);
	}
}

void expect_text(const struct result *result, const char *text) {
	if (strstr(result->output, text) == NULL) {
		fail_msg("\"%s\" is not in: %s", text, result->output);
	}
}

void expect_no_text(const struct result *result, const char *text) {
	if (strstr(result->output, text) != NULL) {
		fail_msg("\"%s\" is in: %s", text, result->output);
	}
}

void expect_output(const char *command, int status, const char *output) {
	struct result result = shell_run(command);
	expect_status(&result, status);
	if (strcmp(result.output, output) != 0) {
		fail_msg("expected \"%s\", got \"%s\"", output, result.output);
	}
}

void expect_all(const char *command, int status, const char *text) {
	struct result result = shell_run(command);
	expect_status(&result, status);
	expect_text(&result, text);
}

/* Commands may run in other folders. */
void put_path(const char *name, const char *path) {
	char *whole = realpath(path, NULL);
	if (whole == NULL) {
		perror(path);
		exit(1);
	}
	setenv(name, whole, 1);
	free(whole);
}
