/* SPDX-License-Identifier: MIT */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include <stdint.h>

/** How a server is run. Each metric is measured in one way, since the others would
 * distort it. */
enum way {
	/* Normally: CPU time. */
	WAY_TIMED,
	/* With a tracer: system calls, page faults, bytes copied. */
	WAY_TRACED,
	/* In callgrind: instructions. */
	WAY_CALLGRIND,
	WAYS_LEN,
};

/** The costs of a server's main thread. */
enum metric {
	METRIC_INSTRUCTIONS, /* in user space */
	METRIC_CALLS,
	METRIC_FAULTS,
	METRIC_BYTES, /* copied by wl_shm */
	METRIC_NS, /* on a processor, including the kernel's time */
	METRICS_LEN,
};

/** A metric's unit, as in the tables. */
extern const char *const metric_names[METRICS_LEN];

/** Returns the way in which a metric is measured. */
enum way metric_way(enum metric metric);

struct spent {
	uint64_t of[METRICS_LEN];
};

/* In a server */

/** Returns the CPU time of the calling thread so far, in nanoseconds. */
uint64_t cpu_now(void);

/** Begins to count. The caller sets "spent" to the current values of METRIC_CALLS and
 * METRIC_BYTES. */
void counters_start(enum way way, struct spent *spent);
/** Ends counting, and sets "spent" to the difference. Returns false without callgrind's
 * dump. */
bool counters_stop(enum way way, struct spent *spent);

/* Outside */

/** Replaces this process by a program. The last argument is NULL. Counts the system calls
 * of its main thread in "calls" if it is traced. "folder" is for callgrind's files.
 * Returns only on failure. */
void counters_exec(enum way way, const char *folder, char *const *args,
	volatile uint64_t *calls);

#endif
