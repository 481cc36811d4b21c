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
	/* NULL where there is none. */
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	struct sealpool_shm_feedback_manager_v1 *feedback;
	/* As announced, whatever is used of it. */
	uint32_t shm_version, feedback_version;

	uint32_t *formats;
	size_t formats_len;

	/* The sentence that came with a protocol error. */
	char message[256];
};

/** What has become of a connection. */
enum fate {
	FATE_ALIVE,
	FATE_ERROR,
	/* Closed without a word. */
	FATE_CLOSED,
	/* No answer within some seconds. */
	FATE_SILENT,
};

/** A protocol error. */
struct error {
	const char *interface;
	uint32_t code;
	char message[256];
};

/** Connects to $WAYLAND_DISPLAY. Returns false, with errno set and nothing to be
 * closed, if that cannot be. */
bool connection_open(struct connection *connection);
void connection_close(struct connection *connection);

/** Waits until the compositor has handled all requests. */
enum fate connection_roundtrip(struct connection *connection);

/**
 * Waits for so long for an error, without sending anything: where requests are
 * on their way when the compositor closes the connection, libwayland may lose
 * what was said before.
 */
void connection_listen(struct connection *connection, int ms);

/** After FATE_ERROR. */
void connection_get_error(const struct connection *connection,
	struct error *error);

/** The name of an error's code, like "invalid_fd", or NULL. */
const char *error_get_name(const struct error *error);

#endif
