/* SPDX-License-Identifier: MIT */
/*
 * sealpool-run passes its settings to the preloaded library in the environment.
 *
 * The environment also shows which processes descend from a run, and whether they have
 * a guard: /proc/PID/environ shows the bytes that a process got at its start, even
 * after it has changed its variables. The first byte of the settings is the guard's
 * mark.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"

#define UNGUARDED '-'
#define GUARDED 'g'

/* The settings in the environment of this process. */
static char *found;

static bool prepend_preload(const char *library) {
	const char *others = getenv(SETTINGS_PRELOAD);
	char *value;
	if (asprintf(&value, "%s%s%s", library,
			others != NULL && others[0] != '\0' ? ":" : "",
			others != NULL ? others : "") < 0) {
		return false;
	}
	bool ok = setenv(SETTINGS_PRELOAD, value, true) == 0;
	free(value);
	return ok;
}

bool settings_put(const struct settings *settings) {
	const struct sealpool_budget *budget = &settings->budget;
	char *value;
	if (asprintf(&value, "%c%s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32
			" %" PRIu64 " %" PRIu64 " %d %d %d %d %d %d %d %d %u %s",
			UNGUARDED, settings->token, budget->pools, budget->buffers, budget->fds,
			budget->all_fds, budget->shadow_bytes,
			budget->all_shadow_bytes, (int)settings->way, settings->lenient,
			settings->wl_shm_only, settings->feedback, settings->monitor, settings->quiet,
			settings->require, settings->pid, settings->stats_seconds,
			settings->library) < 0) {
		return false;
	}
	bool ok = setenv(SETTINGS_VARIABLE, value, true) == 0 &&
		prepend_preload(settings->library);
	free(value);
	return ok;
}

bool settings_get(struct settings *settings) {
	char *value = getenv(SETTINGS_VARIABLE);
	if (value == NULL) {
		return false;
	}
	struct sealpool_budget *budget = &settings->budget;
	int way, lenient, wl_shm_only, feedback, monitor, quiet, require, library = 0;
	if (sscanf(value, "%*c%32s %" SCNu32 " %" SCNu32 " %" SCNu32
			" %" SCNu32 " %" SCNu64 " %" SCNu64 " %d %d %d %d %d %d %d %d"
			" %u %n", settings->token, &budget->pools, &budget->buffers, &budget->fds,
			&budget->all_fds, &budget->shadow_bytes,
			&budget->all_shadow_bytes, &way, &lenient, &wl_shm_only, &feedback,
			&monitor, &quiet, &require, &settings->pid,
			&settings->stats_seconds, &library) != 16 ||
			library == 0) {
		return false;
	}
	found = value;
	settings->way = (enum settings_way)way;
	settings->lenient = lenient;
	settings->wl_shm_only = wl_shm_only;
	settings->feedback = feedback;
	settings->monitor = monitor;
	settings->quiet = quiet;
	settings->require = require;
	snprintf(settings->library, sizeof(settings->library), "%s",
		value + library);
	return true;
}

/* Other libraries may have been added before or after ours. */
bool settings_copy_preload(char *others, const char *value,
		const char *library) {
	size_t length = strlen(library), used = 0;
	while (*value != '\0') {
		size_t entry = strcspn(value, ": ");
		if (entry > 0 && (entry != length ||
				memcmp(value, library, length) != 0)) {
			if (used > 0) {
				others[used++] = ':';
			}
			memcpy(others + used, value, entry);
			used += entry;
		}
		value += entry;
		value += strspn(value, ": ");
	}
	others[used] = '\0';
	return used > 0;
}

static void remove_preload(const char *library) {
	const char *value = getenv(SETTINGS_PRELOAD);
	if (value == NULL) {
		return;
	}
	char *others = calloc(1, strlen(value) + 1);
	if (others != NULL && settings_copy_preload(others, value, library)) {
		setenv(SETTINGS_PRELOAD, others, true);
	} else {
		unsetenv(SETTINGS_PRELOAD);
	}
	free(others);
}

const char *settings_leave(const struct settings *settings) {
	*found = GUARDED;
	remove_preload(settings->library);
	unsetenv(SETTINGS_VARIABLE);
	return found - strlen(SETTINGS_VARIABLE "=");
}

static FILE *open_file_of(pid_t pid, const char *name) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	return fopen(path, "re");
}

/* Kernel threads have none. */
static bool has_memory(pid_t pid) {
	FILE *file = open_file_of(pid, "statm");
	if (file == NULL) {
		return false;
	}
	unsigned long pages;
	bool has = fscanf(file, "%lu", &pages) == 1 && pages > 0;
	fclose(file);
	return has;
}

enum settings_trace settings_look(pid_t pid, const char *token,
		bool *guarded) {
	enum settings_trace trace = SETTINGS_NONE;
	bool empty = true;
	*guarded = false;
	FILE *file = open_file_of(pid, "environ");
	if (file == NULL) {
		return SETTINGS_NONE;
	}
	char *line = NULL;
	size_t size = 0, name = strlen(SETTINGS_VARIABLE "=");
	while (getdelim(&line, &size, '\0', file) > 0) {
		empty = false;
		if (strncmp(line, SETTINGS_VARIABLE "=", name) == 0) {
			bool same = line[name] != '\0' && strncmp(
				line + name + 1, token,
				SETTINGS_TOKEN_LENGTH) == 0;
			trace = same ? SETTINGS_OF_RUN : SETTINGS_OF_OTHERS;
			*guarded = line[name] == GUARDED;
			break;
		}
	}
	free(line);
	fclose(file);
	/* The process is inside execve(2), or got an empty environment. */
	return empty && has_memory(pid) ? SETTINGS_PENDING : trace;
}
