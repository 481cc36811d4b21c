/* SPDX-License-Identifier: MIT */
/*
 * The compositor's side.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include <sealpool/guard.h>

#include "color-management-icc-server-protocol.h"
#include "linux-dmabuf-v1-server-protocol.h"
#include "receiver.h"
#include "virtual-keyboard-unstable-v1-server-protocol.h"
#include "wlr-gamma-control-unstable-v1-server-protocol.h"

static const struct wl_interface *no_types[3];
static const struct wl_message unknown_requests[] = {
	{ "take", "h", no_types },
	{ "take_two", "2huh", no_types },
	{ "plain", "u", no_types },
};
const struct wl_interface gate_unknown_interface = {
	"gate_unknown", 2, 3, unknown_requests, 0, NULL,
};

static const struct wl_interface *const globals[] = {
	&gate_unknown_interface,
	&wl_data_offer_interface,
	&wp_image_description_creator_icc_v1_interface,
	&zwlr_gamma_control_v1_interface,
	&zwp_linux_buffer_params_v1_interface,
	&zwp_virtual_keyboard_v1_interface,
};

/* Of any of these interfaces. */
static int dispatch(const void *data, void *target, uint32_t opcode,
		const struct wl_message *message, union wl_argument *args) {
	struct wl_resource *resource = target;
	struct receiver *receiver = wl_resource_get_user_data(resource);
	if (strcmp(message->name, "destroy") == 0) {
		wl_resource_destroy(resource);
		return 0;
	}
	int i = 0;
	for (const char *c = message->signature; *c != '\0'; c++) {
		if (*c == 'h' && receiver->closes) {
			close(args[i].h);
		} else if (*c == 'h' && receiver->fds_len < RECEIVER_FDS_MAX) {
			receiver->fds[receiver->fds_len++] = args[i].h;
		}
		i += (*c < '0' || *c > '9') && *c != '?';
	}
	return 0;
}

struct offer {
	struct receiver *receiver;
	const struct wl_interface *interface;
};

static struct offer offers[sizeof(globals) / sizeof(globals[0])];

static void bind_global(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	struct offer *offer = data;
	struct wl_resource *resource = wl_resource_create(client,
		offer->interface, (int)version, id);
	if (resource != NULL) {
		wl_resource_set_dispatcher(resource, dispatch, NULL,
			offer->receiver, NULL);
	}
}

static void handle_log(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	struct receiver *receiver = data;
	vsnprintf(receiver->message, sizeof(receiver->message), format, args);
}

/* libwayland notes each client that it ends; here that is the usual. */
static void ignore_log(const char *format, va_list args) {
	/* The tests look at what was sent. */
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
	for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
		offers[i] = (struct offer){ receiver, globals[i] };
		wl_global_create(receiver->display, globals[i],
			globals[i]->version, &offers[i], bind_global);
	}
	return receiver->shm != NULL;
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
