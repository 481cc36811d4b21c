/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct ext_image_copy_capture_manager_v1;
struct ext_output_image_capture_source_manager_v1;
struct weston_capture_v1;
struct wl_compositor;
struct wl_display;
struct wl_output;
struct wl_seat;
struct wl_shm;
struct wl_subcompositor;
struct wp_viewporter;
struct xdg_wm_base;
struct zwlr_screencopy_manager_v1;

/** The default limit of each wait. All waits use the clock of clock.h. */
#define CLIENT_PATIENCE_MS 30000

/**
 * A connection to a compositor. It must not move while it is open.
 *
 * All functions that return bool return false on failure, with a message in "error" for
 * the caller to print. A connection may be used by one thread at a time.
 */
struct client {
	struct wl_display *display;

	/* NULL if the compositor does not have it. */
	struct wl_compositor *compositor;
	struct wl_subcompositor *subcompositor;
	struct wl_shm *shm;
	struct xdg_wm_base *wm_base;
	struct wp_viewporter *viewporter;
	struct zwlr_screencopy_manager_v1 *screencopy;
	struct ext_image_copy_capture_manager_v1 *copy_capture;
	struct ext_output_image_capture_source_manager_v1 *output_sources;
	struct weston_capture_v1 *weston_capture;
	/* The first one. */
	struct wl_seat *seat;
	uint32_t seat_capabilities;
	struct wl_output *output;
	/* There is exactly one output, whose pixels are those of clients, neither scaled
	 * nor transformed. */
	bool output_is_plain;

	/* The limit of each wait, in milliseconds. */
	int patience;
	/* The last failure. */
	char error[512];
	/* The message of the protocol error, if there was one. */
	char message[256];
};

enum client_fate_kind {
	CLIENT_ALIVE,
	/** The compositor sent an error and closed the connection. */
	CLIENT_PROTOCOL_ERROR,
	/** The connection was closed without an error. */
	CLIENT_DISCONNECTED,
};

/** The state or the end of a connection. */
struct client_fate {
	enum client_fate_kind kind;
	/* Of a protocol error. The interface is "unknown" if the client had destroyed the
	 * object. */
	char interface[64];
	uint32_t id;
	uint32_t code;
	/* The code's name with its enum's interface, "wl_shm.invalid_fd", or
	 * "unknown". */
	const char *name;
	char message[256];
};

/**
 * Connects to a display ("name" as for wl_display_connect()) and binds all globals above.
 * Call client_disconnect() even if it failed.
 */
bool client_connect(struct client *client, const char *name);
void client_disconnect(struct client *client);

/** Sets "error" and returns false. */
bool client_fail(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * Dispatches events until "*done" is true. Fails if the connection ends or the limit is
 * reached. "what" names in the message what was waited for.
 */
bool client_wait(struct client *client, const bool *done, const char *what);

/** Waits until the compositor has handled all requests sent so far. */
bool client_roundtrip(struct client *client);

/** Returns the state of the connection as far as it is known. */
void client_get_fate(const struct client *client, struct client_fate *fate);

/**
 * Dispatches events until the connection ends or "ms" milliseconds have passed. Returns
 * its state.
 */
void client_wait_fate(struct client *client, int ms, struct client_fate *fate);

/** Prints one line of key=value pairs, without a newline: for example "fate=alive". */
void client_fate_print(const struct client_fate *fate, FILE *file);

#endif
