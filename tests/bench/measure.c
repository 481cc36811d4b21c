/* SPDX-License-Identifier: MIT */
/*
 * CPU time rather than time: what else runs on the machine then counts for
 * little, though not for nothing, as it shares caches and memory.
 */
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

static int counter = -1;

uint64_t cpu_now(void) {
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void count_instructions(void) {
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
	};
	counter = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1,
		PERF_FLAG_FD_CLOEXEC);
}

bool counting(void) {
	return counter >= 0;
}

struct spent spent_now(void) {
	struct spent now = { .ns = cpu_now() };
	if (counter >= 0 && read(counter, &now.instructions,
			sizeof(now.instructions)) < 0) {
		now.instructions = 0;
	}
	return now;
}

struct spent spent_since(const struct spent *start) {
	struct spent now = spent_now();
	return (struct spent){
		.ns = now.ns - start->ns,
		.instructions = now.instructions - start->instructions,
	};
}

static int compare(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Between two of them where need be. */
static double at(const double *numbers, size_t len, double part) {
	double place = part * (double)(len - 1);
	size_t i = (size_t)place;
	size_t next = i + 1 < len ? i + 1 : i;
	return numbers[i] + (numbers[next] - numbers[i]) * (place - (double)i);
}

struct spread spread_of(double *numbers, size_t len) {
	qsort(numbers, len, sizeof(numbers[0]), compare);
	return (struct spread){
		.low = at(numbers, len, 0.25),
		.median = at(numbers, len, 0.5),
		.high = at(numbers, len, 0.75),
	};
}
