/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_STARTED_H
#define SEALPOOL_RUN_STARTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** The command of a run of sealpool-run, or a descendant of it. */
struct started_process {
	pid_t pid, parent;
	/* In the kernel's unit; unique together with the pid. */
	uint64_t start;
	bool guarded;
	/* SIGTERM was sent. */
	bool ending;
};

struct started {
	struct started_process *processes;
	size_t len;
	/* There may be more processes, which cannot be recognized yet. */
	bool pending;
};

/** Looks a process up by its pid. Returns false when it has ended. */
bool started_process_init(struct started_process *process, pid_t pid);

/**
 * Finds the processes of the run with this token: "first", all that got its settings,
 * all in the list already, and the descendants of these. The list is all zero at
 * first. Returns false when there is no memory, or no /proc; the list is unchanged
 * then.
 */
bool started_find(struct started *started, const char *token,
	const struct started_process *first);

/** Returns whether one of the processes is guarded. */
bool started_has_guard(const struct started *started);

/** Sends SIGTERM to each process, once, or SIGKILL if "kill". */
void started_end(struct started *started, bool kill);

#endif
