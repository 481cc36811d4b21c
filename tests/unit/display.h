/* SPDX-License-Identifier: MIT */
#ifndef UNIT_DISPLAY_H
#define UNIT_DISPLAY_H

/**
 * A wl_display with Sealpool's wl_shm, for tests of lower floors that need a client to
 * charge.
 */

#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "traces.h"

struct sp_context;

struct display {
	struct wl_display *wl;
	struct wl_event_loop *loop;
	struct sealpool_shm *shm;
	struct sp_context *context;
	/* Sealpool's last log message, and the number of messages. */
	char message[512];
	unsigned messages;
};

/** "budget" may be NULL for the defaults. */
void display_init(struct display *display,
	const struct sealpool_budget *budget);
/** Destroys all clients as well. */
void display_finish(struct display *display);

/** Connects a client. The caller closes the client's end of the socket, which is
 * returned. */
struct wl_client *display_connect(struct display *display, int *fd);

/** Dispatches all pending events. */
void display_settle(struct display *display);

#endif
