/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "counters.h"
#include "impl.h"
#include "results.h"

struct run;

/** One kind of measurement, for each implementation. */
struct scenario {
	/* The beginning of its results' names. */
	const char *part;
	void (*run)(struct run *run);
	/* The client seals its memory against shrinking. */
	bool sealed;
	/* The scenario's own numbers: sizes and counts. */
	int32_t a, b, c;
	/* Part of the short form. */
	bool is_short;
	/* Is also done with IMPL_GUARDED, with IMPL_GATED. */
	bool guarded, gated;
};

extern const struct scenario scenarios[];
extern const size_t scenarios_len;

/** What each read of Sealpool's wastes, to show that it is noticed. */
struct waste {
	uint32_t calls;
	/* As a part of the instructions that the better of the others takes. */
	double instructions;
};

/** Runs a scenario once, in one way, and adds the results. */
void scenario_run(const struct scenario *scenario, enum impl_index impl,
	enum way way, const struct waste *waste, struct results *results);

/** Returns whether servers can be run in this way on this machine. */
bool way_is_possible(enum way way);

/** Measures copies from a file into memory, by each method that cannot fault. */
void measure_copies(struct results *results, unsigned rounds);

#endif
