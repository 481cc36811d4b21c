/* SPDX-License-Identifier: MIT */
#ifndef GUARD_SHELL_H
#define GUARD_SHELL_H

struct result {
	int status;
	/* The standard output and error, in the order of writing. */
	char output[16384];
};

/** Runs a shell command, and waits until all its processes have closed their output. */
struct result shell_run(const char *command);

/** Fail the test, and show the output. */
void expect_status(const struct result *result, int status);
void expect_text(const struct result *result, const char *text);
void expect_no_text(const struct result *result, const char *text);

/** Run a command. */
void expect_output(const char *command, int status, const char *output);
void expect_all(const char *command, int status, const char *text);

/** Sets an environment variable to an absolute path, since commands may run in other
 * folders. */
void put_path(const char *name, const char *path);

#endif
