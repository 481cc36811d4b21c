/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_EPOCH_H
#define SEALPOOL_SERVER_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

/** Epochs of an event loop: in each, it reads at most once from every client. */
struct sp_epoch {
	/* At least 1. Any thread. */
	_Atomic uint64_t number;
	struct wl_event_loop *loop;
	/* Ends this epoch; NULL if no request was handled in it. */
	struct wl_event_source *end;
	/* Emitted at the end. A listener removes no other. */
	struct wl_signal ended;
};

void sp_epoch_init(struct sp_epoch *epoch, struct wl_event_loop *loop);
/** Call it before the event loop is destroyed. */
void sp_epoch_detach(struct sp_epoch *epoch);

/**
 * Notes that a request is handled. Returns the number of this epoch. Without memory
 * for the idle source that ends the epoch, returns 0, which is never current. On the
 * event loop's thread.
 */
uint64_t sp_epoch_enter(struct sp_epoch *epoch);

/** Returns whether the epoch with this number has not ended. Any thread. */
bool sp_epoch_is_current(const struct sp_epoch *epoch, uint64_t number);

#endif
