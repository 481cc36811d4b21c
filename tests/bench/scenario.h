/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "impl.h"
#include "results.h"

/** One thing to be done with one implementation. */
struct scenario {
	/* What the names of its results begin with. */
	const char *part;
	void (*run)(const struct scenario *scenario, enum impl_index impl,
		struct results *results);
	/* The client seals its memory against shrinking. */
	bool sealed;
	/* Each scenario's own: sizes, numbers of things. */
	int32_t a, b, c;
	/* Part of --quick, and of what callgrind counts. */
	bool quick, counted;
	/* Which implementations, a bit each; 0 for all. */
	unsigned impls;
	/* At most so many rounds; 0 for as many as the others. */
	unsigned rounds;
};

extern const struct scenario scenarios[];
extern const size_t scenarios_len;

/** Fewer repetitions. */
extern bool quick;

/** Copies from a file into memory, in each way that cannot fault. */
void measure_copies(struct results *results, unsigned rounds);

#endif
