/* SPDX-License-Identifier: MIT */
/*
 * What the event loop does for memory and files: handles the answers of files, frees idle
 * copies, and disconnects clients whose slow files do not answer.
 *
 * Bytes that do not arrive in time keep their previous value. A file that has kept its
 * reader thread waiting for ten seconds will hardly answer, so its client is
 * disconnected. The thread may wait longer; that costs only the thread.
 */
#include <errno.h>
#include <wayland-server-protocol.h>

#include "client.h"
#include "context.h"
#include "hold.h"
#include "memory/clock.h"
#include "upkeep.h"

/* The interval of checks for files that do not answer. */
#define LOOK_MS 1000

static void end_client(struct sp_client *client) {
	sp_post_error(client->context, sp_get_display(client->wl_client),
		WL_DISPLAY_ERROR_IMPLEMENTATION, "wl_shm: the file of a pool has "
		"not answered for %d ms", SP_READER_PATIENCE);
	sp_client_disconnect_later(client);
}

static void end_silent(struct sp_context *context) {
	struct sp_client *client;
	wl_list_for_each(client, &context->clients, link) {
		if (client->wl_client != NULL && !client->disconnecting &&
				sp_reader_is_silent(&client->member.identity->reader,
				&client->account, SP_READER_PATIENCE)) {
			end_client(client);
		}
	}
}

static void tend(struct sp_context *context) {
	struct sp_upkeep *upkeep = &context->upkeep;
	uint64_t now = sp_clock_now();
	if (now - upkeep->looked_at >= LOOK_MS) {
		upkeep->looked_at = now;
		end_silent(context);
	}
	uint64_t wait = sp_memory_tend(&context->memory);
	sp_holds_tend(context);
	int ms = wait < INT32_MAX ? (int)wait : INT32_MAX;
	/* 0 stops the timer. */
	if (wl_event_source_timer_update(upkeep->timer, wait == UINT64_MAX ? 0 :
			ms > 0 ? ms : 1) < 0) {
		context->memory.is_tended = false;
	}
}

static int handle_timer(void *data) {
	tend(data);
	return 0;
}

static void handle_mail(struct sp_mailbox *mailbox) {
	struct sp_context *context = wl_container_of(mailbox, context, mailbox);
	sp_holds_handle_answers(context);
	tend(context);
}

int sp_upkeep_init(struct sp_context *context) {
	struct sp_upkeep *upkeep = &context->upkeep;
	upkeep->timer = wl_event_loop_add_timer(
		wl_display_get_event_loop(context->display), handle_timer,
		context);
	if (upkeep->timer == NULL) {
		return -ENOMEM;
	}
	upkeep->handle_mail = handle_mail;
	return 0;
}

void sp_upkeep_detach(struct sp_context *context) {
	wl_event_source_remove(context->upkeep.timer);
	context->upkeep.timer = NULL;
}
