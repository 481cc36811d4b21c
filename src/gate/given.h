/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GATE_GIVEN_H
#define SEALPOOL_GATE_GIVEN_H

#include <wayland-server-core.h>

struct given_copy;
struct sp_client;

/** Copies that the compositor was given, and may still have. */
struct sp_given {
	struct wl_list copies; /* given_copy.link */
	/* The copy whose request may not have been dispatched yet, or NULL. */
	struct given_copy *newest;
};

void sp_given_init(struct sp_given *given);
void sp_given_finish(struct sp_given *given);

/**
 * Charges a copy to its client until the compositor has closed the fd, or until the
 * object that it was sent to is destroyed. Returns 0 or a negative errno: -EDQUOT after
 * the client got an error for its budget.
 */
int sp_given_add(struct sp_given *given, struct sp_client *client,
	struct wl_resource *resource, int fd);

/** The request with the newest copy has been dispatched. */
void sp_given_settle(struct sp_given *given);

#endif
