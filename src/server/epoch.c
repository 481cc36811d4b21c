/* SPDX-License-Identifier: MIT */
/*
 * Epochs of the event loop.
 *
 * A client can send a hundred commits of a large buffer at once, or pass the buffer to a
 * hundred icons. Copying it for each would keep all other clients waiting. But
 * libwayland reads from a client once in an iteration of its event loop, and dispatches
 * the requests that it has read. When the first of these is handled, the client has
 * already drawn everything that it drew before it sent the last. So a copy made after
 * that is as new as any of these requests needs, until the iteration ends: one
 * iteration is an epoch.
 *
 *   epoch 1   read: commit D, commit D, commit D     D is copied once
 *   epoch 2   read: commit D                         D is copied
 *
 * libwayland calls idle sources between two iterations, so one of them ends the epoch.
 */
#include <stddef.h>

#include "epoch.h"

void sp_epoch_init(struct sp_epoch *epoch, struct wl_event_loop *loop) {
	atomic_init(&epoch->number, 1);
	epoch->loop = loop;
	epoch->end = NULL;
	wl_signal_init(&epoch->ended);
}

void sp_epoch_detach(struct sp_epoch *epoch) {
	if (epoch->end != NULL) {
		wl_event_source_remove(epoch->end);
		epoch->end = NULL;
	}
}

static void handle_end(void *data) {
	struct sp_epoch *epoch = data;
	epoch->end = NULL;
	epoch->number++;
	wl_signal_emit(&epoch->ended, NULL);
}

uint64_t sp_epoch_enter(struct sp_epoch *epoch) {
	if (epoch->end == NULL) {
		epoch->end = wl_event_loop_add_idle(epoch->loop, handle_end,
			epoch);
	}
	return epoch->end != NULL ? epoch->number : 0;
}

bool sp_epoch_is_current(const struct sp_epoch *epoch, uint64_t number) {
	return number == epoch->number;
}
