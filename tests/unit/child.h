/* SPDX-License-Identifier: MIT */
#ifndef UNIT_CHILD_H
#define UNIT_CHILD_H

/**
 * A process in which limits can be set without harm to the tests that follow.
 */

#include <sys/resource.h>

/** Returns NULL, or a sentence that says what was wrong (see child_wrong()). */
typedef const char *(*child_func)(void);

/** Runs the function in a forked process. Fails the test with the sentence that it
 * returns, or if the process dies. */
void child_run(child_func func);

/** Formats a sentence, which is valid until the next call. */
const char *child_wrong(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/** Sets the soft limit, to the hard limit at most. */
void child_set_limit(int resource, rlim_t limit);

/** Lets the process map this many more bytes. */
void child_limit_addresses(rlim_t more);

#endif
