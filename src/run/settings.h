/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_SETTINGS_H
#define SEALPOOL_RUN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sealpool/shm.h>

/* The environment variables that carry the settings. */
#define SETTINGS_VARIABLE "SEALPOOL_RUN"
#define SETTINGS_PRELOAD "LD_PRELOAD"

#define SETTINGS_TOKEN_LENGTH 32

/** The exit status if the command has ended without an error and without a guard. */
#define SETTINGS_STATUS_UNGUARDED 3

/** Which wl_shm a wlroots compositor gets. */
enum settings_way {
	/* Sealpool's if there is a native module, else a guarded one. */
	SETTINGS_EITHER,
	SETTINGS_NATIVE,
	SETTINGS_GUARD,
};

/** The options of sealpool-run, passed on in the environment. */
struct settings {
	struct sealpool_budget budget;
	enum settings_way way;
	bool lenient;
	bool wl_shm_only;
	bool feedback;
	bool monitor;
	bool quiet;
	bool require;
	/* The command's process. */
	int pid;
	/* The interval of statistics; 0 for none. */
	unsigned stats_seconds;
	/* Hexadecimal digits, unique to a run of sealpool-run and secret to other
	 * users. */
	char token[SETTINGS_TOKEN_LENGTH + 1];
	/* The file that is preloaded. */
	char library[4096];
};

/** Puts the settings and the preloaded library into this process's environment.
 * Returns false when there is no memory. */
bool settings_put(const struct settings *settings);

/** Reads the settings from the environment. Returns false when there are none. */
bool settings_get(struct settings *settings);

/**
 * Copies a value of LD_PRELOAD without the library to "others", which has room for the
 * whole value. Returns false when nothing remains.
 */
bool settings_copy_preload(char *others, const char *value,
	const char *library);

/** Removes the settings from the environment once there is a guard, and marks them as
 * guarded for settings_look(). Returns the variable that was removed, "NAME=value", which
 * stays valid. */
const char *settings_leave(const struct settings *settings);

/** The settings in the environment that a process was started with. */
enum settings_trace {
	SETTINGS_NONE,
	/* Those of another run of sealpool-run. */
	SETTINGS_OF_OTHERS,
	/* Those of the run that was asked for. */
	SETTINGS_OF_RUN,
	/* The process is in execve(), or its environment is empty. */
	SETTINGS_PENDING,
};

/** Looks for settings in a process; "guarded" is set to whether they are marked. */
enum settings_trace settings_look(pid_t pid, const char *token, bool *guarded);

#endif
