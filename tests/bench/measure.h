/* SPDX-License-Identifier: MIT */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What has been spent by a thread. */
struct spent {
	/* CPU time, in nanoseconds. */
	uint64_t ns;
	/* Instructions of its own, and the kernel's unless callgrind counts; 0
	 * where nobody counts them. */
	uint64_t instructions;
};

/** CPU time of the calling thread so far, in nanoseconds. */
uint64_t cpu_now(void);

/** Counts instructions of the calling thread from now on, where the machine
 * does. */
void count_instructions(void);

/** Where callgrind puts what it counts, in a process that it runs; NULL in any
 * other. Times mean nothing there. */
const char *callgrind_folder(void);

/** Runs this program again in callgrind, and returns its exit status. */
int callgrind_run(char **argv);

struct spent spent_now(void);
struct spent spent_since(const struct spent *start);

/** The median and the quartiles of some numbers. */
struct spread {
	double low, median, high;
};

/** Of at least one number. The numbers are sorted by this. */
struct spread spread_of(double *numbers, size_t len);

#endif
