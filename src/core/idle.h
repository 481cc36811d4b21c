/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_IDLE_H
#define SEALPOOL_CORE_IDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mailbox.h"

struct sp_context;

/** When copies that nobody reads are given back. */
struct sp_idle {
	/* After so many milliseconds; UINT32_MAX for never. */
	uint32_t after;
	struct wl_event_source *timer;
	struct sp_mail mail;
	/* The timer is set. */
	atomic_bool waiting;
};

/** "after" is the option's value. Returns 0 or a negative errno. */
int sp_idle_init(struct sp_context *context, uint32_t after);
/** While the display is still there. */
void sp_idle_detach(struct sp_context *context);

/** For how long the timer, which has just come, waits when "first" is the time
 * at which a copy can be idle. All in milliseconds. */
uint64_t sp_idle_get_wait(uint32_t after, uint64_t now, uint64_t first);

/** There is something in the cache. Any thread. */
void sp_idle_note(struct sp_context *context);

#endif
