/* SPDX-License-Identifier: MIT */
/*
 * Disconnects clients whose slow files do not answer.
 *
 * Bytes that do not arrive in time keep their previous value. A file that has kept its
 * reader thread waiting for ten seconds will hardly answer, so its client is
 * disconnected. The thread may wait longer; that costs only the thread.
 */
#include <errno.h>
#include <wayland-server-core.h>

#include "client.h"
#include "context.h"
#include "silence.h"

/* The interval of checks, while there are unanswered jobs. */
#define LOOK_MS 1000

static void end_client(struct sp_client *client) {
	sp_log(client->context, SEALPOOL_LOG_INFO, "client %d: the file of a "
		"pool has not answered for %u ms: disconnected",
		sp_client_get_pid(client), client->context->silence.patience);
	wl_client_post_implementation_error(client->wl_client,
		"wl_shm: the file of a pool has not answered for %u ms",
		client->context->silence.patience);
	sp_client_disconnect_later(client);
}

static void end_silent(struct sp_context *context) {
	struct sp_client *client;
	wl_list_for_each(client, &context->clients, link) {
		if (client->wl_client != NULL && !client->disconnecting &&
				sp_reader_get_silence(&client->member.identity->reader,
				&client->account) >= context->silence.patience) {
			end_client(client);
		}
	}
}

static void set_timer(struct sp_silence *silence) {
	silence->waiting =
		wl_event_source_timer_update(silence->timer, LOOK_MS) == 0;
}

static int handle_timer(void *data) {
	struct sp_context *context = data;
	context->silence.waiting = false;
	end_silent(context);
	if (sp_readers_retry(&context->memory.readers)) {
		set_timer(&context->silence);
	}
	return 0;
}

static void handle_mail(struct sp_mail *mail) {
	struct sp_silence *silence = wl_container_of(mail, silence, mail);
	if (!silence->waiting) {
		set_timer(silence);
	}
}

int sp_silence_init(struct sp_context *context) {
	struct sp_silence *silence = &context->silence;
	silence->patience = SP_READER_PATIENCE;
	silence->timer = wl_event_loop_add_timer(
		wl_display_get_event_loop(context->display), handle_timer,
		context);
	if (silence->timer == NULL) {
		return -ENOMEM;
	}
	sp_mailbox_add(&context->mailbox, &silence->mail, handle_mail);
	return 0;
}

void sp_silence_detach(struct sp_context *context) {
	wl_event_source_remove(context->silence.timer);
	context->silence.timer = NULL;
}

void sp_silence_note(struct sp_context *context) {
	sp_mailbox_post(&context->mailbox, &context->silence.mail);
}
