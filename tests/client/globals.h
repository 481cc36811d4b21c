/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_GLOBALS_H
#define CLIENT_GLOBALS_H

#include <stdint.h>
#include <wayland-client.h>

/** A global to look for, and what the compositor advertises of it. */
struct client_global {
	const struct wl_interface *interface;
	/* The first one is bound at this version, or at the newest that both sides know.
	 * 0 binds none. */
	uint32_t version;
	/* The object's listener, from its first event on, or NULL. */
	const void *listener;
	void *data;

	/* The number of such globals, and the name and version of the last one. */
	unsigned count;
	uint32_t name, offered;
	/* NULL if none was bound. Owned by the caller. */
	void *object;
};

/**
 * Requests the globals. An array entry without an interface is the last one. The array is
 * filled in by the next roundtrip, and must not move until the caller has destroyed the
 * registry. Returns NULL if there is no memory.
 */
struct wl_registry *client_look_for_globals(struct wl_display *display,
	struct client_global *globals);

#endif
