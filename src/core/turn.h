/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_TURN_H
#define SEALPOOL_CORE_TURN_H

#include <stdatomic.h>
#include <stdint.h>

struct sp_context;
struct sp_client;
struct wl_event_source;

/** The event loop's turns: in each, it reads once at most from every client. */
struct sp_turn {
	/* From 1 on. Any thread. */
	_Atomic uint64_t number;
	/* Ends this one; NULL where nobody has asked for its number. */
	struct wl_event_source *end;
};

void sp_turn_init(struct sp_context *context);
/** While the display is still there. */
void sp_turn_detach(struct sp_context *context);

/** A request of the client is looked at, which has been read in this turn. On the
 * display's thread. */
void sp_turn_note(struct sp_client *client);

/**
 * The number of this turn, if requests of the client were read in it: all that
 * the client did before it sent any of them, it has done by now. Otherwise 0. Any
 * thread.
 */
uint64_t sp_turn_get(const struct sp_client *client);

#endif
