/* SPDX-License-Identifier: MIT */
/*
 * A test client's connection.
 *
 * It adds two things to libwayland-client: waits with a limit, and the message of a
 * protocol error, which the library does not keep but only logs.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-client.h>

#include "client.h"
#include "clock.h"
#include "ext-image-capture-source-v1-client-protocol.h"
#include "ext-image-copy-capture-v1-client-protocol.h"
#include "globals.h"
#include "viewporter-client-protocol.h"
#include "weston-output-capture-client-protocol.h"
#include "wlr-screencopy-unstable-v1-client-protocol.h"
#include "xdg-shell-client-protocol.h"

/* The client whose events are dispatched: the log function has no user data. */
static _Thread_local struct client *dispatching;

static void handle_log(const char *format, va_list args) {
	char line[512];
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	/* Keeps the message of "wl_buffer#12: error 2: message", and prints other lines
	 * as libwayland-client would. */
	const char *sentence = strstr(line, ": error ");
	if (sentence != NULL) {
		sentence = strstr(sentence + strlen(": error "), ": ");
	}
	if (sentence == NULL || dispatching == NULL) {
		fprintf(stderr, "%s\n", line);
		return;
	}
	snprintf(dispatching->message, sizeof(dispatching->message), "%s",
		sentence + strlen(": "));
}

static void handle_geometry(void *data, struct wl_output *output, int32_t x,
		int32_t y, int32_t physical_width, int32_t physical_height,
		int32_t subpixel, const char *make, const char *model,
		int32_t transform) {
	struct client *client = data;
	client->output_is_plain &= transform == WL_OUTPUT_TRANSFORM_NORMAL;
}

static void handle_mode(void *data, struct wl_output *output, uint32_t flags,
		int32_t width, int32_t height, int32_t refresh) {
	/* The size of a captured picture is known from its own protocol. */
}

static void handle_output_done(void *data, struct wl_output *output) {
	/* The members that are compared arrive in separate events. */
}

static void handle_scale(void *data, struct wl_output *output, int32_t factor) {
	struct client *client = data;
	client->output_is_plain &= factor == 1;
}

static const struct wl_output_listener output_listener = {
	.geometry = handle_geometry,
	.mode = handle_mode,
	.done = handle_output_done,
	.scale = handle_scale,
};

static void handle_capabilities(void *data, struct wl_seat *seat,
		uint32_t capabilities) {
	struct client *client = data;
	client->seat_capabilities = capabilities;
}

static void handle_seat_name(void *data, struct wl_seat *seat,
		const char *name) {
	/* Not an event of version 1, but QtWayland sends it. */
}

static const struct wl_seat_listener seat_listener = {
	.capabilities = handle_capabilities,
	.name = handle_seat_name,
};

static const struct {
	const struct wl_interface *interface;
	/* The newest version whose events are all handled here. */
	uint32_t version;
	size_t member;
	/* For globals that describe themselves when they are bound. */
	const void *listener;
} globals[] = {
	{ &wl_compositor_interface, 4, offsetof(struct client, compositor) },
	{ &wl_subcompositor_interface, 1,
		offsetof(struct client, subcompositor) },
	{ &wl_shm_interface, 2, offsetof(struct client, shm) },
	{ &xdg_wm_base_interface, 1, offsetof(struct client, wm_base) },
	{ &wp_viewporter_interface, 1, offsetof(struct client, viewporter) },
	{ &zwlr_screencopy_manager_v1_interface, 3,
		offsetof(struct client, screencopy) },
	{ &ext_image_copy_capture_manager_v1_interface, 1,
		offsetof(struct client, copy_capture) },
	{ &ext_output_image_capture_source_manager_v1_interface, 1,
		offsetof(struct client, output_sources) },
	{ &weston_capture_v1_interface, 1,
		offsetof(struct client, weston_capture) },
	{ &wl_seat_interface, 1, offsetof(struct client, seat),
		&seat_listener },
	{ &wl_output_interface, 2, offsetof(struct client, output),
		&output_listener },
};

#define GLOBALS_LEN (sizeof(globals) / sizeof(globals[0]))

static void **get_member(struct client *client, size_t i) {
	return (void **)((char *)client + globals[i].member);
}

static bool bind_globals(struct client *client) {
	struct client_global wanted[GLOBALS_LEN + 1] = { 0 };
	for (size_t i = 0; i < GLOBALS_LEN; i++) {
		wanted[i] = (struct client_global){
			.interface = globals[i].interface,
			.version = globals[i].version,
			.listener = globals[i].listener,
			.data = client,
		};
	}
	struct wl_registry *registry =
		client_look_for_globals(client->display, wanted);
	if (registry == NULL) {
		return client_fail(client, "no memory");
	}
	bool ok = client_roundtrip(client);
	wl_registry_destroy(registry);
	for (size_t i = 0; i < GLOBALS_LEN; i++) {
		*get_member(client, i) = wanted[i].object;
		client->output_is_plain &= wanted[i].count <= 1 ||
			globals[i].interface != &wl_output_interface;
	}
	return ok;
}

static void handle_ping(void *data, struct xdg_wm_base *wm_base,
		uint32_t serial) {
	xdg_wm_base_pong(wm_base, serial);
}

static const struct xdg_wm_base_listener wm_base_listener = {
	.ping = handle_ping,
};

bool client_connect(struct client *client, const char *name) {
	*client = (struct client){
		.output_is_plain = true,
		.patience = CLIENT_PATIENCE_MS,
	};
	wl_log_set_handler_client(handle_log);
	client->display = wl_display_connect(name);
	if (client->display == NULL) {
		return client_fail(client, "cannot connect to the display %s: %s",
			name != NULL ? name : "of the environment",
			strerror(errno));
	}
	if (!bind_globals(client)) {
		return false;
	}
	if (client->compositor == NULL || client->shm == NULL) {
		return client_fail(client,
			"the compositor has no wl_compositor or no wl_shm");
	}
	if (client->wm_base != NULL) {
		xdg_wm_base_add_listener(client->wm_base, &wm_base_listener,
			NULL);
	}
	/* Waits for the descriptions of output and seat. */
	return client_roundtrip(client);
}

void client_disconnect(struct client *client) {
	if (client->display == NULL) {
		return;
	}
	for (size_t i = 0; i < GLOBALS_LEN; i++) {
		void **member = get_member(client, i);
		if (*member != NULL) {
			wl_proxy_destroy(*member);
		}
		*member = NULL;
	}
	wl_display_disconnect(client->display);
	client->display = NULL;
}

bool client_fail(struct client *client, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(client->error, sizeof(client->error), format, args);
	va_end(args);
	return false;
}

static bool fail_by_fate(struct client *client, const char *what) {
	struct client_fate fate;
	client_get_fate(client, &fate);
	if (fate.kind == CLIENT_PROTOCOL_ERROR) {
		return client_fail(client,
			"waiting for %s: error %s (%u) on %s#%u: %s", what,
			fate.name, fate.code, fate.interface, fate.id,
			fate.message);
	}
	return client_fail(client, "waiting for %s: the connection is closed: %s",
		what, strerror(wl_display_get_error(client->display)));
}

static bool dispatch_pending(struct client *client) {
	dispatching = client;
	bool ok = wl_display_dispatch_pending(client->display) >= 0;
	dispatching = NULL;
	return ok;
}

/* Dispatches events until something happens, the connection ends (returns false), or the
 * deadline passes. */
static bool dispatch_until(struct client *client, int64_t deadline) {
	struct wl_display *display = client->display;
	if (wl_display_prepare_read(display) != 0) {
		return dispatch_pending(client);
	}
	short events = POLLIN;
	/* If the connection cannot be written, the error may still be readable. */
	if (wl_display_flush(display) < 0 && errno == EAGAIN) {
		events |= POLLOUT;
	}
	int64_t left = deadline - client_now_ms();
	struct pollfd pollfd = {
		.fd = wl_display_get_fd(display),
		.events = events,
	};
	int n = poll(&pollfd, 1, left > 0 ? (int)left : 0);
	if (n <= 0 || !(pollfd.revents & (POLLIN | POLLHUP | POLLERR))) {
		wl_display_cancel_read(display);
		return n >= 0 || errno == EINTR;
	}
	return wl_display_read_events(display) >= 0 && dispatch_pending(client);
}

bool client_wait(struct client *client, const bool *done, const char *what) {
	int64_t deadline = client_now_ms() + client->patience;
	while (!*done) {
		if (!dispatch_until(client, deadline)) {
			return fail_by_fate(client, what);
		}
		if (!*done && client_now_ms() >= deadline) {
			return client_fail(client,
				"waited %d ms without success for %s",
				client->patience, what);
		}
	}
	return true;
}

static void handle_done(void *data, struct wl_callback *callback,
		uint32_t serial) {
	*(bool *)data = true;
}

static const struct wl_callback_listener done_listener = {
	.done = handle_done,
};

bool client_roundtrip(struct client *client) {
	struct wl_callback *callback = wl_display_sync(client->display);
	if (callback == NULL) {
		return client_fail(client, "no memory");
	}
	bool done = false;
	wl_callback_add_listener(callback, &done_listener, &done);
	bool ok = client_wait(client, &done, "an answer to wl_display.sync");
	wl_callback_destroy(callback);
	return ok;
}

static const char *error_name(const char *interface, uint32_t code) {
	static const char *const shm[] = { "wl_shm.invalid_format",
		"wl_shm.invalid_stride", "wl_shm.invalid_fd" };
	static const char *const display[] = { "wl_display.invalid_object",
		"wl_display.invalid_method", "wl_display.no_memory",
		"wl_display.implementation" };
	/* Errors on a pool or a buffer have wl_shm's codes. */
	if (strcmp(interface, "wl_shm") == 0 ||
			strcmp(interface, "wl_shm_pool") == 0 ||
			strcmp(interface, "wl_buffer") == 0) {
		return code < 3 ? shm[code] : "unknown";
	}
	if (strcmp(interface, "wl_display") == 0) {
		return code < 4 ? display[code] : "unknown";
	}
	static const char *const icc[] = {
		"wp_image_description_creator_icc_v1.incomplete_set",
		"wp_image_description_creator_icc_v1.already_set",
		"wp_image_description_creator_icc_v1.bad_fd",
		"wp_image_description_creator_icc_v1.bad_size",
		"wp_image_description_creator_icc_v1.out_of_file",
	};
	if (strcmp(interface, "wp_image_description_creator_icc_v1") == 0) {
		return code < 5 ? icc[code] : "unknown";
	}
	return "unknown";
}

void client_get_fate(const struct client *client, struct client_fate *fate) {
	*fate = (struct client_fate){ .name = "unknown" };
	int error = wl_display_get_error(client->display);
	if (error == 0) {
		fate->kind = CLIENT_ALIVE;
		return;
	}
	const struct wl_interface *interface = NULL;
	fate->code = wl_display_get_protocol_error(client->display, &interface,
		&fate->id);
	/* For errors on wl_display itself, libwayland sets other errnos than EPROTO. It
	 * has no interface if the object was destroyed. */
	if (error != EPROTO && interface == NULL) {
		fate->kind = CLIENT_DISCONNECTED;
		return;
	}
	fate->kind = CLIENT_PROTOCOL_ERROR;
	snprintf(fate->interface, sizeof(fate->interface), "%s",
		interface != NULL ? interface->name : "unknown");
	fate->name = error_name(fate->interface, fate->code);
	snprintf(fate->message, sizeof(fate->message), "%s", client->message);
}

void client_wait_fate(struct client *client, int ms, struct client_fate *fate) {
	int64_t deadline = client_now_ms() + ms;
	while (dispatch_until(client, deadline) && client_now_ms() < deadline) {
	}
	client_get_fate(client, fate);
}

void client_fate_print(const struct client_fate *fate, FILE *file) {
	switch (fate->kind) {
	case CLIENT_ALIVE:
		fputs("fate=alive", file);
		return;
	case CLIENT_DISCONNECTED:
		fputs("fate=disconnected", file);
		return;
	case CLIENT_PROTOCOL_ERROR:
		break;
	}
	fprintf(file,
		"fate=protocol_error interface=%s id=%u code=%u name=%s "
		"message=\"%s\"",
		fate->interface, fate->id, fate->code, fate->name,
		fate->message);
}
