/* SPDX-License-Identifier: MIT */
/*
 * A wl_display in the test's own process. No call blocks.
 */
#include <drm_fourcc.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "display.h"
#include "server/context.h"
#include "shm.h"

static void handle_log(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	struct display *display = data;
	vsnprintf(display->message, sizeof(display->message), format, args);
	display->messages++;
}

/* libwayland logs each client that it disconnects, which is expected here. */
static void ignore_log(const char *format, va_list args) {
	/* The tests inspect the message. */
}

void display_init(struct display *display,
		const struct sealpool_budget *budget) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888, DRM_FORMAT_NV12,
	};
	*display = (struct display){ 0 };
	wl_log_set_handler_server(ignore_log);
	display->wl = wl_display_create();
	assert_non_null(display->wl);
	display->loop = wl_display_get_event_loop(display->wl);
	struct sealpool_options options = {
		.size = sizeof(options),
		.log = handle_log,
		.log_data = display,
	};
	if (budget != NULL) {
		options.budget = *budget;
	}
	display->shm = sealpool_shm_create(display->wl, 2, formats,
		sizeof(formats) / sizeof(formats[0]), &options);
	assert_non_null(display->shm);
	display->messages = 0;
	display->context = display->shm->context;
	/* Turns MAP_NOFAULT off, so that tests of copies do the same on every kernel;
	 * image/unsealed.c tests the flag. */
	display->context->memory.unsealed = NULL;
}

void display_finish(struct display *display) {
	wl_display_destroy_clients(display->wl);
	wl_display_destroy(display->wl);
}

struct wl_client *display_connect(struct display *display, int *fd) {
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
		fds), 0);
	struct wl_client *client = wl_client_create(display->wl, fds[0]);
	assert_non_null(client);
	*fd = fds[1];
	return client;
}

void display_settle(struct display *display) {
	struct pollfd pollfd = {
		.fd = wl_event_loop_get_fd(display->loop),
		.events = POLLIN,
	};
	while (poll(&pollfd, 1, 0) > 0) {
		wl_event_loop_dispatch(display->loop, 0);
	}
	wl_display_flush_clients(display->wl);
}
