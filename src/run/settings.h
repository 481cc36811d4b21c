/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_SETTINGS_H
#define SEALPOOL_RUN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sealpool/shm.h>

/* The environment variables that the settings are in. */
#define SETTINGS_VARIABLE "SEALPOOL_RUN"
#define SETTINGS_PRELOAD "LD_PRELOAD"

#define SETTINGS_TOKEN_LENGTH 32

/** What sealpool-run was asked for; handed on in the environment. */
struct settings {
	struct sealpool_budget budget;
	bool lenient;
	bool feedback;
	bool monitor;
	bool quiet;
	bool require;
	/* Between two lines of statistics; 0 for none. */
	unsigned stats_seconds;
	/* Hexadecimal digits that no other run of sealpool-run has, and no other
	 * user knows. */
	char token[SETTINGS_TOKEN_LENGTH + 1];
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

/** There is a guard: takes all out of the environment, and leaves a trace of it for
 * settings_look(). */
void settings_leave(const struct settings *settings);

/** What there is of settings in the environment that a process was given. */
enum settings_trace {
	SETTINGS_NONE,
	/* Of another run of sealpool-run, or of the one that was asked for. */
	SETTINGS_OF_OTHERS,
	SETTINGS_OF_RUN,
	/* It is about to be given one, or was given an empty one. */
	SETTINGS_PENDING,
};

/** Looks for settings at a process, and in "guarded" whether it has left them. */
enum settings_trace settings_look(pid_t pid, const char *token, bool *guarded);

#endif
