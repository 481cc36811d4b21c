/* SPDX-License-Identifier: MIT */
#ifndef GUARD_SHELL_H
#define GUARD_SHELL_H

struct result {
	int status;
	/* Of both, in the order that it was written. */
	char output[16384];
};

/** Runs a shell command, and waits until nobody can write to its output any more. */
struct result shell_run(const char *command);

/** Fail the test, and show what was printed. */
void expect_status(const struct result *result, int status);
void expect_text(const struct result *result, const char *text);
void expect_no_text(const struct result *result, const char *text);

/** Run a command. */
void expect_output(const char *command, int status, const char *output);
void expect_all(const char *command, int status, const char *text);

/** Makes a path an environment variable of later commands, which may run in other
 * folders. */
void put_path(const char *name, const char *path);

#endif
