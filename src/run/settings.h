/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_SETTINGS_H
#define SEALPOOL_RUN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealpool/shm.h>

/* The environment variables that the settings are in. */
#define SETTINGS_VARIABLE "SEALPOOL_RUN"
#define SETTINGS_PRELOAD "LD_PRELOAD"

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

/**
 * Copies the value of LD_PRELOAD, but without the library, to where there is room
 * for all of it. Returns false when nothing remains.
 */
bool settings_copy_preload(char *others, const char *value,
	const char *library);

/** Says that there is a guard, and takes all out of the environment. */
void settings_leave(struct settings *settings);

#endif
