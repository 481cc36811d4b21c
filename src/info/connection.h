/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_INFO_CONNECTION_H
#define SEALPOOL_INFO_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sealpool_shm_feedback_manager_v1;
struct wl_compositor;
struct wl_display;
struct wl_registry;
struct wl_shm;

/** A connection to the compositor. It must not move while it is open. */
struct connection {
	struct wl_display *display;
	struct wl_registry *registry;
	/* NULL if the compositor has none. */
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	struct sealpool_shm_feedback_manager_v1 *feedback;
	/* As advertised, whichever version is bound. */
	uint32_t shm_version, feedback_version;

	uint32_t *formats;
	size_t formats_len;

	/* The message of a protocol error. */
	char message[256];
};

/** The state of a connection after a round trip. */
enum fate {
	FATE_ALIVE,
	FATE_ERROR,
	/* Closed without an error. */
	FATE_CLOSED,
	/* No answer in time. */
	FATE_SILENT,
};

/** A protocol error. */
struct error {
	const char *interface;
	uint32_t code;
	char message[256];
};

/** Connects to $WAYLAND_DISPLAY. On failure, returns false and sets errno; nothing is to
 * be closed then. */
bool connection_open(struct connection *connection);
void connection_close(struct connection *connection);

/** Waits until the compositor has handled all requests. */
enum fate connection_roundtrip(struct connection *connection);

/**
 * Waits "ms" for an error, without sending anything: if the compositor closes the
 * connection while requests are on their way, libwayland may lose the error.
 */
void connection_listen(struct connection *connection, int ms);

/** After FATE_ERROR. */
void connection_get_error(const struct connection *connection,
	struct error *error);

/** Returns the name of an error's code, such as "invalid_fd", or NULL. */
const char *error_get_name(const struct error *error);

#endif
