/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_SETTINGS_H
#define SEALPOOL_RUN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealpool/shm.h>

/** What sealpool-run was asked for; handed on in the environment. */
struct settings {
	struct sealpool_budget budget;
	bool lenient;
	bool feedback;
	bool monitor;
	bool quiet;
	/* Between two lines of statistics; 0 for none. */
	unsigned stats_seconds;
	/* A socket that is to be told that there is a guard; -1 for none. Its
	 * inode tells it from another that has got its number meanwhile. */
	int ready_fd;
	uint64_t ready_inode;
	/* The file that is preloaded. */
	char library[4096];
};

/** Puts the settings and the preloaded library into this process's environment.
 * Returns false when there is no memory. */
bool settings_put(const struct settings *settings);

/** Reads them back. Returns false when there are none. */
bool settings_get(struct settings *settings);

/** Says that there is a guard, and takes all out of the environment. */
void settings_leave(struct settings *settings);

#endif
