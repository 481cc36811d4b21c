/* SPDX-License-Identifier: MIT */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include <stdint.h>

/** How a server is run. What is counted in one way would be wrong in another. */
enum way {
	/* As it is: CPU time. */
	WAY_TIMED,
	/* With a tracer: system calls, page faults, bytes copied. */
	WAY_TRACED,
	/* In callgrind: instructions. */
	WAY_CALLGRIND,
	WAYS_LEN,
};

/** What the main thread of a server has spent. */
enum metric {
	METRIC_INSTRUCTIONS, /* of its own, not the kernel's */
	METRIC_CALLS,
	METRIC_FAULTS,
	METRIC_BYTES, /* copied by wl_shm */
	METRIC_NS, /* on a processor, the kernel's part included */
	METRICS_LEN,
};

/** A metric's unit, as it is written in a table. */
extern const char *const metric_names[METRICS_LEN];

/** In which way it is measured. */
enum way metric_way(enum metric metric);

struct spent {
	uint64_t of[METRICS_LEN];
};

/* In a server */

/** CPU time of the calling thread so far, in nanoseconds. */
uint64_t cpu_now(void);

/** Begins to count, what METRIC_CALLS and METRIC_BYTES are from now on being given by
 * the caller. */
void counters_start(enum way way, struct spent *spent);
/** Ends that: "spent" is what has been spent since. Returns false where callgrind has
 * not told. */
bool counters_stop(enum way way, struct spent *spent);

/* Outside */

/** Runs a program with its arguments, the last of which is NULL, in the place of this
 * process. Counts the system calls of its main thread in "calls" if it is traced.
 * "folder" is for callgrind's files. Returns if that cannot be done. */
void counters_exec(enum way way, const char *folder, char *const *args,
	volatile uint64_t *calls);

#endif
