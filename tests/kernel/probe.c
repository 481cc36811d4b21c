/* SPDX-License-Identifier: MIT */
/*
 * kernel-probe absent|private|shared: what the probe for MAP_NOFAULT returns on this
 * kernel, and how long it takes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "memory/mapping.h"
#include "memory/nofault.h"

/* The clock of a guest may be coarse. */
#define TIMES 1000

static int64_t now_ns(void) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static const char *name_of(const struct sp_mapping_mode *mode) {
	return mode == NULL ? "absent" : mode->coherent ? "shared" : "private";
}

int main(int argc, char *argv[]) {
	if (argc != 2) {
		fputs("usage: kernel-probe absent|private|shared\n", stderr);
		return 2;
	}
	const struct sp_mapping_mode *mode = sp_nofault_probe();
	int64_t start = now_ns();
	for (int i = 0; i < TIMES; i++) {
		if (sp_nofault_probe() != mode) {
			printf("1..1\nnot ok 1 - the_probe_says_the_same_each_time\n");
			return 1;
		}
	}
	int64_t took = now_ns() - start;
	bool right = strcmp(name_of(mode), argv[1]) == 0;
	printf("1..1\n%sok 1 - the_probe_says_%s\n# it says %s, in %.1f us\n",
		right ? "" : "not ", argv[1], name_of(mode),
		(double)took / 1000 / TIMES);
	return right ? 0 : 1;
}
