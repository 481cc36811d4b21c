/* SPDX-License-Identifier: MIT */
/*
 * From sealpool-run to the library that it has preloaded, there is no way but the
 * environment.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings.h"

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
	if (asprintf(&value, "%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32
			" %" PRIu64 " %" PRIu64 " %d %d %d %d %u %d %" PRIu64
			" %s",
			budget->pools, budget->buffers, budget->fds,
			budget->all_fds, budget->shadow_bytes,
			budget->all_shadow_bytes, settings->lenient,
			settings->feedback, settings->monitor, settings->quiet,
			settings->stats_seconds, settings->ready_fd,
			settings->ready_inode, settings->library) < 0) {
		return false;
	}
	bool ok = setenv(SETTINGS_VARIABLE, value, true) == 0 &&
		prepend_preload(settings->library);
	free(value);
	return ok;
}

bool settings_get(struct settings *settings) {
	const char *value = getenv(SETTINGS_VARIABLE);
	if (value == NULL) {
		return false;
	}
	struct sealpool_budget *budget = &settings->budget;
	int lenient, feedback, monitor, quiet, library = 0;
	if (sscanf(value, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32
			" %" SCNu64 " %" SCNu64 " %d %d %d %d %u %d %" SCNu64
			" %n",
			&budget->pools, &budget->buffers, &budget->fds,
			&budget->all_fds, &budget->shadow_bytes,
			&budget->all_shadow_bytes, &lenient, &feedback,
			&monitor, &quiet, &settings->stats_seconds,
			&settings->ready_fd, &settings->ready_inode,
			&library) != 13 ||
			library == 0) {
		return false;
	}
	settings->lenient = lenient;
	settings->feedback = feedback;
	settings->monitor = monitor;
	settings->quiet = quiet;
	snprintf(settings->library, sizeof(settings->library), "%s",
		value + library);
	return true;
}

/* Others may have been put before or behind ours since. */
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

void settings_leave(struct settings *settings) {
	remove_preload(settings->library);
	unsetenv(SETTINGS_VARIABLE);
	struct stat st;
	if (settings->ready_fd < 0 || fstat(settings->ready_fd, &st) < 0 ||
			!S_ISSOCK(st.st_mode) ||
			st.st_ino != settings->ready_inode) {
		return;
	}
	/* Whoever waits for it may have given up. */
	send(settings->ready_fd, "g", 1, MSG_NOSIGNAL);
	close(settings->ready_fd);
	settings->ready_fd = -1;
}
