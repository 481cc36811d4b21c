/* SPDX-License-Identifier: MIT */
/*
 * The limit of file descriptors of the compositor, of which the guard's limit is a part,
 * and of the programs that the compositor starts.
 *
 * The usual soft limit is 1024, since select() cannot handle more. A program that does
 * not use select() may raise it to the hard limit, and should restore it for its
 * children, which may use select().
 */
#include <stdatomic.h>
#include <stddef.h>

#include "limit.h"

/* Both are 0 until the limit is raised. */
static _Atomic rlim_t before, raised;

void limit_raise(rlim_t fds) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		return;
	}
	rlim_t soft = limit.rlim_cur;
	limit.rlim_cur = fds < limit.rlim_max ? fds : limit.rlim_max;
	/* RLIM_INFINITY is the largest number. */
	if (limit.rlim_cur > soft && setrlimit(RLIMIT_NOFILE, &limit) == 0) {
		before = soft;
		raised = limit.rlim_cur;
	}
}

static bool change(pid_t pid, rlim_t from, rlim_t to) {
	struct rlimit limit;
	if (raised == 0 || prlimit(pid, RLIMIT_NOFILE, NULL, &limit) < 0 ||
			limit.rlim_cur != from) {
		return false;
	}
	limit.rlim_cur = to;
	return prlimit(pid, RLIMIT_NOFILE, &limit, NULL) == 0;
}

bool limit_lower(void) {
	return change(0, raised, before);
}

void limit_raise_again(void) {
	change(0, before, raised);
}

void limit_lower_of(pid_t pid) {
	change(pid, raised, before);
}
