/* SPDX-License-Identifier: MIT */
#ifndef UNIT_DISPLAY_H
#define UNIT_DISPLAY_H

/**
 * A wl_display with Sealpool's wl_shm, for what lies below it and needs a
 * client to charge.
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
	/* What Sealpool logged last, and how often it did. */
	char message[512];
	unsigned messages;
};

/** With budgets, or NULL for the defaults. */
void display_init(struct display *display,
	const struct sealpool_budget *budget);
/** Ends all clients as well. */
void display_finish(struct display *display);

/** Connects a client, whose end of the socket is returned for the caller to
 * close. */
struct wl_client *display_connect(struct display *display, int *fd);

/** Does all that is to be done now. */
void display_settle(struct display *display);

#endif
