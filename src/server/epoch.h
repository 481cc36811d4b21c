/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_EPOCH_H
#define SEALPOOL_SERVER_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

/** Epochs of an event loop: in each, it reads once at most from every client. */
struct sp_epoch {
	/* From 1 on. Any thread. */
	_Atomic uint64_t number;
	struct wl_event_loop *loop;
	/* Ends this one; NULL where no request was looked at in it. */
	struct wl_event_source *end;
};

void sp_epoch_init(struct sp_epoch *epoch, struct wl_event_loop *loop);
/** While the event loop is still there. */
void sp_epoch_detach(struct sp_epoch *epoch);

/**
 * A request is looked at. Returns the number of this epoch, or 0 where there is no
 * memory to notice its end. On the event loop's thread.
 */
uint64_t sp_epoch_enter(struct sp_epoch *epoch);

/** Whether the epoch of that number has not ended. Any thread. */
bool sp_epoch_is_current(const struct sp_epoch *epoch, uint64_t number);

#endif
