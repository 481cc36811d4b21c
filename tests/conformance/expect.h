/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_EXPECT_H
#define CONFORMANCE_EXPECT_H

#include <stdbool.h>
#include <stddef.h>

/** An expected failure: a line of a file. */
struct expectation {
	char *pattern, *reason;
	unsigned line;
};

struct expectations {
	struct expectation *list;
	size_t len;
};

/** Reads a file. Each line is empty, begins with '#', or has a pattern and a reason. Ends
 * the program, with a message, if that fails. */
void expectations_read(struct expectations *expectations, const char *path);
void expectations_finish(struct expectations *expectations);

/** Returns why a case is expected to fail, or NULL. */
const char *expectations_find(const struct expectations *expectations,
	const char *name);

#endif
