/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <wayland-server-protocol.h>

#include "color-management-icc-server-protocol.h"
#include "file-globals.h"
#include "linux-dmabuf-v1-server-protocol.h"
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

static file_func handle_file;
static void *handle_file_data;

/* Dispatches a request of any of these interfaces. */
static int dispatch(const void *data, void *target, uint32_t opcode,
		const struct wl_message *message, union wl_argument *args) {
	if (strcmp(message->name, "destroy") == 0) {
		wl_resource_destroy(target);
		return 0;
	}
	int i = 0;
	for (const char *c = message->signature; *c != '\0'; c++) {
		if (*c == 'h') {
			handle_file(message, args, args[i].h,
				handle_file_data);
		}
		i += (*c < '0' || *c > '9') && *c != '?';
	}
	return 0;
}

static void bind_global(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	struct wl_resource *resource = wl_resource_create(client, data,
		(int)version, id);
	if (resource != NULL) {
		wl_resource_set_dispatcher(resource, dispatch, NULL, NULL, NULL);
	}
}

bool file_globals_create(struct wl_display *display, file_func func,
		void *data) {
	handle_file = func;
	handle_file_data = data;
	for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
		if (wl_global_create(display, globals[i], globals[i]->version,
				(void *)globals[i], bind_global) == NULL) {
			return false;
		}
	}
	return true;
}
