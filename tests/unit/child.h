/* SPDX-License-Identifier: MIT */
#ifndef UNIT_CHILD_H
#define UNIT_CHILD_H

/**
 * A process in which limits can be set without harm to the tests that follow.
 */

#include <sys/resource.h>

/** Returns NULL, or a sentence on what was wrong (see child_wrong()). */
typedef const char *(*child_func)(void);

/** Runs the function in a forked process, and fails the test with what it
 * returned, or if the process died. */
void child_run(child_func func);

/** A sentence that lasts until the next one is made. */
const char *child_wrong(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/** Sets the soft limit; where "limit" is above the hard one, to that. */
void child_set_limit(int resource, rlim_t limit);

/** Lets so many more bytes of addresses be mapped. */
void child_limit_addresses(rlim_t more);

#endif
