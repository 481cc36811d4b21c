/* SPDX-License-Identifier: MIT */
/*
 * Frees idle copies: a window that does not change is seldom read, and copying it anew
 * costs less than keeping the memory of all windows twice.
 *
 * A copy that is not being read is in the cache. A timer of the event loop checks the
 * oldest copies when the first of them can be idle; it is not set while there is none.
 * A client may have ten thousand copies that become idle at different times, so the
 * timer has a minimum interval: a copy that is idle waits a little, to be freed together
 * with others.
 */
#include <errno.h>
#include <wayland-server-core.h>

#include "idle.h"
#include "server/context.h"

#define DEFAULT_AFTER 10000

static void wait_for(struct sp_idle *idle, uint64_t ms) {
	if (ms > INT32_MAX) {
		ms = INT32_MAX;
	}
	idle->waiting = wl_event_source_timer_update(idle->timer,
		ms > 0 ? (int)ms : 1) == 0;
}

static int handle_timer(void *data) {
	struct sp_context *context = data;
	struct sp_idle *idle = &context->idle;
	/* Cleared first, so that a copy which another thread adds now sets the timer
	 * again. */
	idle->waiting = false;
	uint64_t wait = sp_cache_drop_idle(&context->memory.cache, idle->after);
	if (wait != UINT64_MAX) {
		wait_for(idle, wait);
	}
	return 0;
}

static void handle_mail(struct sp_mail *mail) {
	struct sp_idle *idle = wl_container_of(mail, idle, mail);
	if (!idle->waiting) {
		wait_for(idle, idle->after);
	}
}

int sp_idle_init(struct sp_context *context, uint32_t after) {
	struct sp_idle *idle = &context->idle;
	idle->after = after == 0 ? DEFAULT_AFTER : after;
	idle->timer = wl_event_loop_add_timer(
		wl_display_get_event_loop(context->display), handle_timer,
		context);
	if (idle->timer == NULL) {
		return -ENOMEM;
	}
	sp_mailbox_add(&context->mailbox, &idle->mail, handle_mail);
	return 0;
}

void sp_idle_detach(struct sp_context *context) {
	wl_event_source_remove(context->idle.timer);
	context->idle.timer = NULL;
}

void sp_idle_handle_filled(struct sp_cache *cache) {
	struct sp_context *context =
		wl_container_of(cache, context, memory.cache);
	struct sp_idle *idle = &context->idle;
	/* Called with the cache's lock held. The timer clears "waiting" before it takes
	 * that lock, so it sees everything that was added before. */
	if (idle->after != UINT32_MAX && !idle->waiting) {
		sp_mailbox_post(&context->mailbox, &idle->mail);
	}
}
