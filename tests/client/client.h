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

/** How long a wait lasts before it is given up, unless the caller says. All waits
 * are by the clock of clock.h. */
#define CLIENT_PATIENCE_MS 30000

/**
 * A connection to a compositor. It must not move while it is open.
 *
 * All functions that return bool return false on failure, with a sentence in
 * "error" that the caller can print. No connection is used by two threads at
 * once.
 */
struct client {
	struct wl_display *display;

	/* NULL where the compositor does not have it. */
	struct wl_compositor *compositor;
	struct wl_subcompositor *subcompositor;
	struct wl_shm *shm;
	struct xdg_wm_base *wm_base;
	struct wp_viewporter *viewporter;
	struct zwlr_screencopy_manager_v1 *screencopy;
	struct ext_image_copy_capture_manager_v1 *copy_capture;
	struct ext_output_image_capture_source_manager_v1 *output_sources;
	struct weston_capture_v1 *weston_capture;
	/* The first of them. */
	struct wl_seat *seat;
	uint32_t seat_capabilities;
	struct wl_output *output;
	/* There is one output, and its pixels are those of its clients, neither
	 * scaled nor turned. */
	bool output_is_plain;

	/* For each wait, in milliseconds. */
	int patience;
	/* What went wrong last. */
	char error[512];
	/* The human part of the protocol error, if there was one. */
	char message[256];
};

enum client_fate_kind {
	CLIENT_ALIVE,
	/** The compositor sent an error and closed the connection. */
	CLIENT_PROTOCOL_ERROR,
	/** The connection closed without a word. */
	CLIENT_DISCONNECTED,
};

/** What became of a connection. */
struct client_fate {
	enum client_fate_kind kind;
	/* Of a protocol error. The interface is "unknown" where the client had
	 * destroyed the object. */
	char interface[64];
	uint32_t id;
	uint32_t code;
	/* The code's name with its enum's interface, "wl_shm.invalid_fd", or
	 * "unknown". */
	const char *name;
	char message[256];
};

/**
 * Connects to a display ("name" as for wl_display_connect()) and binds all of
 * the globals above. To be closed with client_disconnect() even if it failed.
 */
bool client_connect(struct client *client, const char *name);
void client_disconnect(struct client *client);

/** Sets "error" and returns false. */
bool client_fail(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * Dispatches events until "*done" is true. Fails when the connection ends or
 * patience does; "what" says in the error text what was waited for.
 */
bool client_wait(struct client *client, const bool *done, const char *what);

/** Waits until the compositor has handled all requests sent so far. */
bool client_roundtrip(struct client *client);

/** What has become of the connection as far as it is known now. */
void client_get_fate(const struct client *client, struct client_fate *fate);

/**
 * Dispatches events until the connection ends or "ms" milliseconds have passed,
 * and says what has become of it.
 */
void client_wait_fate(struct client *client, int ms, struct client_fate *fate);

/** One line of key=value pairs, without a newline: "fate=alive", say. */
void client_fate_print(const struct client_fate *fate, FILE *file);

#endif
