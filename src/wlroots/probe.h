/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_WLROOTS_PROBE_H
#define SEALPOOL_WLROOTS_PROBE_H

#include <stdbool.h>

struct wl_event_loop;

/** Called once, from the event loop. "message" is what the probe printed last. */
typedef void (*sp_probe_func)(bool works, const char *message, void *data);

struct sp_probe;

/**
 * Starts the program that imports and draws with a device ("" for none) and the driver of
 * that name, in a process of its own: a driver may crash or hang where it should refuse.
 * Returns NULL if it cannot be started.
 */
struct sp_probe *sp_probe_start(struct wl_event_loop *loop,
	const char *device, const char *driver, sp_probe_func done, void *data);
/** Also before it is done, which it is then never told to be. NULL is allowed. */
void sp_probe_destroy(struct sp_probe *probe);

#endif
