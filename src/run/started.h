/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_STARTED_H
#define SEALPOOL_RUN_STARTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** A process that has come of a run of sealpool-run, however remotely. */
struct started_process {
	pid_t pid, parent;
	/* In the kernel's unit: with the pid, it tells this process from all
	 * others. */
	uint64_t start;
	bool guarded;
	/* It was told to end. */
	bool ending;
};

struct started {
	struct started_process *processes;
	size_t len;
	/* There may be more, of which it cannot be told yet. */
	bool pending;
};

/** Looks a process up by its pid. Returns false when it has ended. */
bool started_process_init(struct started_process *process, pid_t pid);

/**
 * Finds the processes of the run of that token: the first one, all that were given
 * its settings, those that are in the list already, and what all of these have
 * started. The list begins as all zero. Returns false when there is no memory, or
 * no /proc; the list remains what it was.
 */
bool started_find(struct started *started, const char *token,
	const struct started_process *first);
void started_finish(struct started *started);

/** Whether one of them is guarded. */
bool started_has_guard(const struct started *started);

/** Tells each of them once to end, or, with "kill", ends it. */
void started_end(struct started *started, bool kill);

#endif
