/* SPDX-License-Identifier: MIT */
/*
 * The compositor's side.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include <sealpool/guard.h>

#include "file-globals.h"
#include "receiver.h"
#include "wlr-gamma-control-unstable-v1-server-protocol.h"

static enum wl_iterator_result send_event(struct wl_resource *resource,
		void *data) {
	if (strcmp(wl_resource_get_class(resource),
			zwlr_gamma_control_v1_interface.name) == 0) {
		zwlr_gamma_control_v1_send_gamma_size(resource, 256);
	}
	return WL_ITERATOR_CONTINUE;
}

static void handle_file(const struct wl_message *message,
		const union wl_argument *args, int fd, void *data) {
	struct receiver *receiver = data;
	if (receiver->sends) {
		wl_client_for_each_resource(receiver->client, send_event, NULL);
	}
	if (receiver->closes) {
		close(fd);
	} else if (receiver->fds_len < RECEIVER_FDS_MAX) {
		receiver->fds[receiver->fds_len++] = fd;
	}
}

static void handle_log(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	struct receiver *receiver = data;
	vsnprintf(receiver->message, sizeof(receiver->message), format, args);
}

/* libwayland logs each client that it disconnects, which is expected here. */
static void ignore_log(const char *format, va_list args) {
	/* The tests inspect the message. */
}

bool receiver_init(struct receiver *receiver, bool guard,
		const struct sealpool_options *options) {
	/* ARGB8888 and XRGB8888. */
	static const uint32_t formats[] = { 0x34325241, 0x34325258 };
	*receiver = (struct receiver){ .display = wl_display_create() };
	if (receiver->display == NULL) {
		return false;
	}
	wl_log_set_handler_server(ignore_log);
	struct sealpool_options mine = *options;
	mine.log = handle_log;
	mine.log_data = receiver;
	if (guard) {
		struct sealpool_guard *guards =
			sealpool_guard_create(receiver->display, &mine);
		receiver->shm = guards != NULL ?
			sealpool_guard_get_shm(guards) : NULL;
	} else {
		receiver->shm = sealpool_shm_create(receiver->display, 2,
			formats, 2, &mine);
	}
	return receiver->shm != NULL && file_globals_create(receiver->display,
		handle_file, receiver);
}

void receiver_finish(struct receiver *receiver) {
	wl_display_destroy_clients(receiver->display);
	wl_display_destroy(receiver->display);
}

int receiver_connect(struct receiver *receiver) {
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		return -1;
	}
	receiver->client = wl_client_create(receiver->display, fds[0]);
	return fds[1];
}

void receiver_dispatch(struct receiver *receiver) {
	wl_event_loop_dispatch(wl_display_get_event_loop(receiver->display), 0);
	wl_display_flush_clients(receiver->display);
}

uint64_t receiver_get_charged(struct receiver *receiver) {
	struct sealpool_stats stats = { .size = sizeof(stats) };
	sealpool_shm_get_client_stats(receiver->shm, receiver->client, &stats);
	return stats.shadow_bytes;
}
