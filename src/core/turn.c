/* SPDX-License-Identifier: MIT */
/*
 * Turns of the event loop.
 *
 * A client can send a hundred commits of a large buffer at once, or hand it to a
 * hundred icons, and have it copied for each, while nobody else is served. But
 * libwayland reads from a client once in a turn of its event loop, and dispatches
 * what it has read: what the client drew before the last of those requests, it
 * had drawn when the first was looked at. So what has been copied since is as new
 * as any of them may ask for, until the turn ends.
 *
 *   turn 1   read: commit D, commit D, commit D     D is copied once
 *   turn 2   read: commit D                         D is copied
 *
 * Idle sources are called between two turns.
 */
#include <stddef.h>
#include <wayland-server-core.h>

#include "budget.h"
#include "context.h"
#include "turn.h"

void sp_turn_init(struct sp_context *context) {
	context->turn.number = 1;
}

void sp_turn_detach(struct sp_context *context) {
	if (context->turn.end != NULL) {
		wl_event_source_remove(context->turn.end);
		context->turn.end = NULL;
	}
}

static void end_turn(void *data) {
	struct sp_context *context = data;
	context->turn.end = NULL;
	context->turn.number++;
}

void sp_turn_note(struct sp_client *client) {
	struct sp_context *context = client->context;
	struct sp_turn *turn = &context->turn;
	if (turn->end == NULL) {
		turn->end = wl_event_loop_add_idle(
			wl_display_get_event_loop(context->display), end_turn,
			context);
	}
	/* Nobody would say when it ends. */
	client->turn = turn->end != NULL ? turn->number : 0;
}

uint64_t sp_turn_get(const struct sp_client *client) {
	uint64_t turn = client->turn;
	return turn == client->context->turn.number ? turn : 0;
}
