/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "counters.h"
#include "impl.h"
#include "results.h"

struct run;

/** One thing to be done with one implementation. */
struct scenario {
	/* What the names of its results begin with. */
	const char *part;
	void (*run)(struct run *run);
	/* The client seals its memory against shrinking. */
	bool sealed;
	/* Each scenario's own: sizes, numbers of things. */
	int32_t a, b, c;
	/* Part of the short form. */
	bool is_short;
	/* Also done with IMPL_GUARDED, with IMPL_GATED. */
	bool guarded, gated;
};

extern const struct scenario scenarios[];
extern const size_t scenarios_len;

/** What each read of an implementation of ours wastes, to see that it is noticed. */
struct waste {
	uint32_t calls;
	/* Of the instructions that the better of the others takes. */
	double instructions;
};

/** Runs a scenario once, in one way, and adds what was measured. */
void scenario_run(const struct scenario *scenario, enum impl_index impl,
	enum way way, const struct waste *waste, struct results *results);

/** Whether servers can be run in that way here, and things be counted. */
bool way_is_possible(enum way way);

/** Copies from a file into memory, in each way that cannot fault. */
void measure_copies(struct results *results, unsigned rounds);

#endif
