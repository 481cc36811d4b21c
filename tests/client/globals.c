/* SPDX-License-Identifier: MIT */
/*
 * The globals of a compositor.
 */
#include <string.h>

#include "globals.h"

static uint32_t lower(uint32_t a, uint32_t b) {
	return a < b ? a : b;
}

static void handle_global(void *data, struct wl_registry *registry,
		uint32_t name, const char *interface, uint32_t version) {
	struct client_global *global = data;
	while (global->interface != NULL &&
			strcmp(global->interface->name, interface) != 0) {
		global++;
	}
	if (global->interface == NULL) {
		return;
	}
	global->count++;
	global->name = name;
	global->offered = version;
	if (global->object != NULL || global->version == 0) {
		return;
	}
	/* The system's libwayland may know only an older version. */
	uint32_t known = (uint32_t)global->interface->version;
	global->object = wl_registry_bind(registry, name, global->interface,
		lower(lower(version, known), global->version));
	if (global->object != NULL && global->listener != NULL) {
		wl_proxy_add_listener(global->object,
			(void (**)(void))global->listener, global->data);
	}
}

static void handle_global_remove(void *data, struct wl_registry *registry,
		uint32_t name) {
	/* Each registry is read once. */
}

static const struct wl_registry_listener registry_listener = {
	.global = handle_global,
	.global_remove = handle_global_remove,
};

struct wl_registry *client_look_for_globals(struct wl_display *display,
		struct client_global *globals) {
	struct wl_registry *registry = wl_display_get_registry(display);
	if (registry != NULL) {
		wl_registry_add_listener(registry, &registry_listener, globals);
	}
	return registry;
}
