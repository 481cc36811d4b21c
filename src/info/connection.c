/* SPDX-License-Identifier: MIT */
/*
 * A connection that reports how it ended, and never waits for ever.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wayland-client.h>

#include "connection.h"
#include "sealpool-shm-feedback-v1-client-protocol.h"

#define PATIENCE_MS 5000

/* The connection whose events are being handled. libwayland only logs the message of an
 * error, without saying for which display. */
static struct connection *dispatching;

static void handle_log(const char *format, va_list args) {
	char line[512];
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	/* The compositor's bytes are for no terminal, and need not be UTF-8. */
	for (char *c = line; *c != '\0'; c++) {
		*c = *c >= ' ' && *c < 0x7f ? *c : '?';
	}
	/* "wl_buffer#12: error 2: message" */
	const char *sentence = strstr(line, ": error ");
	sentence = sentence != NULL ? strstr(sentence + 2, ": ") : NULL;
	if (sentence != NULL && dispatching != NULL) {
		snprintf(dispatching->message, sizeof(dispatching->message),
			"%s", sentence + 2);
	}
}

static void handle_format(void *data, struct wl_shm *shm, uint32_t format) {
	struct connection *connection = data;
	uint32_t *formats = reallocarray(connection->formats,
		connection->formats_len + 1, sizeof(formats[0]));
	if (formats != NULL) {
		formats[connection->formats_len++] = format;
		connection->formats = formats;
	}
}

static const struct wl_shm_listener shm_listener = {
	.format = handle_format,
};

static void handle_global(void *data, struct wl_registry *registry,
		uint32_t name, const char *interface, uint32_t version) {
	struct connection *connection = data;
	if (strcmp(interface, wl_compositor_interface.name) == 0) {
		connection->compositor = wl_registry_bind(registry, name,
			&wl_compositor_interface, 1);
	} else if (strcmp(interface, wl_shm_interface.name) == 0 &&
			connection->shm == NULL) {
		connection->shm_version = version;
		connection->shm = wl_registry_bind(registry, name,
			&wl_shm_interface, 1);
		wl_shm_add_listener(connection->shm, &shm_listener, connection);
	} else if (strcmp(interface,
			sealpool_shm_feedback_manager_v1_interface.name) == 0) {
		connection->feedback_version = version;
		connection->feedback = wl_registry_bind(registry, name,
			&sealpool_shm_feedback_manager_v1_interface, 1);
	}
}

static void handle_global_remove(void *data, struct wl_registry *registry,
		uint32_t name) {
	/* Bound objects stay usable. */
}

static const struct wl_registry_listener registry_listener = {
	.global = handle_global,
	.global_remove = handle_global_remove,
};

bool connection_open(struct connection *connection) {
	*connection = (struct connection){ 0 };
	wl_log_set_handler_client(handle_log);
	connection->display = wl_display_connect(NULL);
	if (connection->display == NULL) {
		return false;
	}
	connection->registry = wl_display_get_registry(connection->display);
	wl_registry_add_listener(connection->registry, &registry_listener,
		connection);
	/* The first gets the globals, the second the formats. */
	enum fate fate = connection_roundtrip(connection);
	if (fate == FATE_ALIVE) {
		fate = connection_roundtrip(connection);
	}
	if (fate != FATE_ALIVE) {
		connection_close(connection);
		errno = fate == FATE_SILENT ? ETIMEDOUT : ECONNRESET;
		return false;
	}
	return true;
}

void connection_close(struct connection *connection) {
	free(connection->formats);
	if (connection->display == NULL) {
		return;
	}
	if (connection->compositor != NULL) {
		wl_compositor_destroy(connection->compositor);
	}
	if (connection->shm != NULL) {
		wl_shm_destroy(connection->shm);
	}
	if (connection->feedback != NULL) {
		sealpool_shm_feedback_manager_v1_destroy(connection->feedback);
	}
	wl_registry_destroy(connection->registry);
	wl_display_disconnect(connection->display);
	*connection = (struct connection){ 0 };
}

static int64_t now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Returns whether the connection is still there. */
static bool dispatch(struct connection *connection, int64_t deadline) {
	struct wl_display *display = connection->display;
	if (wl_display_prepare_read(display) != 0) {
		return wl_display_dispatch_pending(display) >= 0;
	}
	/* Even if it fails, the reason can be read. */
	wl_display_flush(display);
	int64_t left = deadline - now_ms();
	struct pollfd pollfd = {
		.fd = wl_display_get_fd(display),
		.events = POLLIN,
	};
	int n = poll(&pollfd, 1, left > 0 ? (int)left : 0);
	if (n <= 0) {
		wl_display_cancel_read(display);
		return n == 0 || errno == EINTR;
	}
	return wl_display_read_events(display) >= 0 &&
		wl_display_dispatch_pending(display) >= 0;
}

void connection_listen(struct connection *connection, int ms) {
	int64_t deadline = now_ms() + ms;
	dispatching = connection;
	while (now_ms() < deadline && dispatch(connection, deadline)) {
	}
	dispatching = NULL;
}

static void handle_done(void *data, struct wl_callback *callback,
		uint32_t serial) {
	*(bool *)data = true;
}

static const struct wl_callback_listener done_listener = {
	.done = handle_done,
};

enum fate connection_roundtrip(struct connection *connection) {
	struct wl_display *display = connection->display;
	bool done = false;
	struct wl_callback *callback = wl_display_sync(display);
	wl_callback_add_listener(callback, &done_listener, &done);
	int64_t deadline = now_ms() + PATIENCE_MS;
	bool alive = true;
	dispatching = connection;
	while (alive && !done && now_ms() < deadline) {
		alive = dispatch(connection, deadline);
	}
	dispatching = NULL;
	wl_callback_destroy(callback);
	if (alive) {
		return done ? FATE_ALIVE : FATE_SILENT;
	}
	const struct wl_interface *interface;
	uint32_t id;
	wl_display_get_protocol_error(display, &interface, &id);
	/* For errors on wl_display itself, libwayland sets other errnos. */
	return interface != NULL || wl_display_get_error(display) == EPROTO ?
		FATE_ERROR : FATE_CLOSED;
}

void connection_get_error(const struct connection *connection,
		struct error *error) {
	const struct wl_interface *interface;
	uint32_t id;
	error->code = wl_display_get_protocol_error(connection->display,
		&interface, &id);
	error->interface = interface != NULL ? interface->name : "unknown";
	snprintf(error->message, sizeof(error->message), "%s",
		connection->message);
}

const char *error_get_name(const struct error *error) {
	static const char *const shm[] = {
		"invalid_format", "invalid_stride", "invalid_fd",
	};
	static const char *const display[] = {
		"invalid_object", "invalid_method", "no_memory",
		"implementation",
	};
	/* Pools and buffers use wl_shm's error codes. */
	if (strcmp(error->interface, "wl_shm") == 0 ||
			strcmp(error->interface, "wl_shm_pool") == 0 ||
			strcmp(error->interface, "wl_buffer") == 0) {
		return error->code < 3 ? shm[error->code] : NULL;
	}
	if (strcmp(error->interface, "wl_display") == 0) {
		return error->code < 4 ? display[error->code] : NULL;
	}
	return NULL;
}
