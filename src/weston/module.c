/* SPDX-License-Identifier: MIT */
/*
 * sealpool-weston.so: a guard in Weston. Load it with
 *
 *     weston --modules=sealpool-weston.so
 *
 * or in weston.ini, with options that differ from the defaults:
 *
 *     [core]
 *     modules=sealpool-weston.so
 *     [sealpool]
 *     lenient=true
 *     wl-shm-only=true
 *     feedback=true
 *     monitor=true
 *     shadow-bytes=100000000
 *
 * Weston loads modules before it lets clients connect.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <libweston/config-parser.h>
#include <libweston/libweston.h>

#include <sealpool/guard.h>

/* Declared by a header of Weston's that distributions do not install. */
struct weston_config *wet_get_config(struct weston_compositor *compositor);
int wet_module_init(struct weston_compositor *compositor, int *argc,
	char *argv[]);

static void log_to_weston(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	if (importance == SEALPOOL_LOG_DEBUG) {
		return;
	}
	char message[512];
	vsnprintf(message, sizeof(message), format, args);
	weston_log("sealpool: %s\n", message);
}

/* Returns false, after a message, for what is not a number. */
static bool get_number(struct weston_config_section *section, const char *key,
		uint64_t max, uint64_t *number) {
	char *text = NULL;
	weston_config_section_get_string(section, key, &text, NULL);
	if (text == NULL) {
		*number = 0;
		return true;
	}
	char *end;
	errno = 0;
	uintmax_t value = strtoumax(text, &end, 10);
	bool ok = text[0] >= '0' && text[0] <= '9' && *end == '\0' &&
		errno == 0 && value > 0 && value <= max;
	if (ok) {
		*number = value;
	} else {
		weston_log("sealpool: %s=%s is not a number from 1 to %" PRIu64
			"\n", key, text, max);
	}
	free(text);
	return ok;
}

static bool get_number32(struct weston_config_section *section, const char *key,
		uint32_t *number) {
	uint64_t value;
	if (!get_number(section, key, UINT32_MAX, &value)) {
		return false;
	}
	*number = (uint32_t)value;
	return true;
}

static bool get_bool(struct weston_config_section *section, const char *key,
		bool *value) {
	errno = 0;
	if (weston_config_section_get_bool(section, key, value, false) < 0 &&
			errno == EINVAL) {
		weston_log("sealpool: %s is neither true nor false\n", key);
		return false;
	}
	return true;
}

struct settings {
	struct sealpool_options options;
	bool lenient, feedback, monitor;
};

static bool get_settings(struct weston_compositor *compositor,
		struct settings *settings) {
	struct weston_config *config = wet_get_config(compositor);
	struct weston_config_section *section =
		weston_config_get_section(config, "sealpool", NULL, NULL);
	struct sealpool_budget *budget = &settings->options.budget;
	return get_bool(section, "lenient", &settings->lenient) &&
		get_bool(section, "wl-shm-only",
			&settings->options.wl_shm_only) &&
		get_bool(section, "feedback", &settings->feedback) &&
		get_bool(section, "monitor", &settings->monitor) &&
		get_number32(section, "pools", &budget->pools) &&
		get_number32(section, "buffers", &budget->buffers) &&
		get_number32(section, "fds", &budget->fds) &&
		get_number32(section, "all-fds", &budget->all_fds) &&
		get_number(section, "shadow-bytes", INT64_MAX,
			&budget->shadow_bytes) &&
		get_number(section, "all-shadow-bytes", INT64_MAX,
			&budget->all_shadow_bytes);
}

/* The library logs it; the client stays connected. */
static void ignore_short_file(struct sealpool_buffer *buffer,
		uint64_t file_size, void *data) {
}

__attribute__((visibility("default")))
int wet_module_init(struct weston_compositor *compositor, int *argc,
		char *argv[]) {
	struct settings settings = {
		.options = {
			.size = sizeof(settings.options),
			.log = log_to_weston,
		},
	};
	/* Weston does not start if loading a module fails. */
	if (!get_settings(compositor, &settings)) {
		return -1;
	}
	if (settings.lenient) {
		settings.options.short_file = ignore_short_file;
	}
	struct sealpool_guard *guard = sealpool_guard_create(
		compositor->wl_display, &settings.options);
	if (guard == NULL) {
		return -1;
	}
	struct sealpool_shm *shm = sealpool_guard_get_shm(guard);
	if (settings.feedback && sealpool_feedback_create(shm) == NULL) {
		weston_log("sealpool: no memory for feedback\n");
	}
	if (settings.monitor) {
		/* It logs its own errors. */
		sealpool_monitor_create(shm);
	}
	weston_log("sealpool: guarding wl_shm\n");
	return 0;
}
