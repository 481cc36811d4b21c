/* SPDX-License-Identifier: MIT */
/*
 * Epochs of the event loop.
 *
 * A client can send a hundred commits of a large buffer at once, or hand it to a
 * hundred icons, and have it copied for each, while nobody else is served. But
 * libwayland reads from a client once in a turn of its event loop, and dispatches
 * what it has read: what the client drew before the last of those requests, it
 * had drawn when the first was looked at. So what has been copied since is as new
 * as any of them may ask for, until the turn ends.
 *
 *   epoch 1   read: commit D, commit D, commit D     D is copied once
 *   epoch 2   read: commit D                         D is copied
 *
 * Idle sources are called between two turns.
 */
#include <stddef.h>

#include "epoch.h"

void sp_epoch_init(struct sp_epoch *epoch, struct wl_event_loop *loop) {
	atomic_init(&epoch->number, 1);
	epoch->loop = loop;
	epoch->end = NULL;
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
