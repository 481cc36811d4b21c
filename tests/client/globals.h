/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_GLOBALS_H
#define CLIENT_GLOBALS_H

#include <stdint.h>
#include <wayland-client.h>

/** A global to look for, and what is there of it. */
struct client_global {
	const struct wl_interface *interface;
	/* The first one is bound at this version, or at the newest that both sides
	 * know; 0: none is bound. */
	uint32_t version;
	/* Of the object, from its first event on. NULL for none. */
	const void *listener;
	void *data;

	/* How many there are, and the last one's name and version. */
	unsigned count;
	uint32_t name, offered;
	/* NULL if none was bound. The caller's. */
	void *object;
};

/**
 * Asks which globals there are. The array, which ends with one without an interface,
 * is filled in by the time of the next roundtrip. It must not move before the caller
 * has destroyed the registry. Returns NULL without memory.
 */
struct wl_registry *client_look_for_globals(struct wl_display *display,
	struct client_global *globals);

#endif
