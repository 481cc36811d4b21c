/* SPDX-License-Identifier: MIT */
/*
 * Surfaces, and the two roles that tests put them in.
 */
#include <stdint.h>
#include <wayland-client.h>

#include "buffer.h"
#include "client.h"
#include "surface.h"
#include "viewporter-client-protocol.h"
#include "xdg-shell-client-protocol.h"

static bool surface_create(struct client *client,
		struct client_surface *surface) {
	*surface = (struct client_surface){
		.client = client,
		.surface = wl_compositor_create_surface(client->compositor),
	};
	return surface->surface != NULL || client_fail(client, "no memory");
}

static void surface_destroy(struct client_surface *surface) {
	if (surface->viewport != NULL) {
		wp_viewport_destroy(surface->viewport);
		surface->viewport = NULL;
	}
	if (surface->surface != NULL) {
		wl_surface_destroy(surface->surface);
		surface->surface = NULL;
	}
}

static void handle_surface_configure(void *data,
		struct xdg_surface *xdg_surface, uint32_t serial) {
	struct client_window *window = data;
	xdg_surface_ack_configure(xdg_surface, serial);
	window->configured = true;
}

static const struct xdg_surface_listener xdg_surface_listener = {
	.configure = handle_surface_configure,
};

static void handle_toplevel_configure(void *data,
		struct xdg_toplevel *xdg_toplevel, int32_t width,
		int32_t height, struct wl_array *states) {
	/* A test's window has the size that the test gives it. */
}

static void handle_toplevel_close(void *data,
		struct xdg_toplevel *xdg_toplevel) {
	/* The window is closed at the end of the test. */
}

static const struct xdg_toplevel_listener xdg_toplevel_listener = {
	.configure = handle_toplevel_configure,
	.close = handle_toplevel_close,
};

bool client_window_create(struct client *client, struct client_window *window,
		const char *title) {
	*window = (struct client_window){ 0 };
	if (client->wm_base == NULL) {
		return client_fail(client, "the compositor has no xdg_wm_base");
	}
	return surface_create(client, &window->surface) &&
		client_window_give_role(window, title);
}

bool client_window_give_role(struct client_window *window, const char *title) {
	struct client *client = window->surface.client;
	window->configured = false;
	window->xdg_surface = xdg_wm_base_get_xdg_surface(client->wm_base,
		window->surface.surface);
	if (window->xdg_surface == NULL) {
		goto error;
	}
	xdg_surface_add_listener(window->xdg_surface, &xdg_surface_listener,
		window);
	window->xdg_toplevel = xdg_surface_get_toplevel(window->xdg_surface);
	if (window->xdg_toplevel == NULL) {
		goto error;
	}
	xdg_toplevel_add_listener(window->xdg_toplevel, &xdg_toplevel_listener,
		window);
	xdg_toplevel_set_title(window->xdg_toplevel, title);
	client_surface_commit(&window->surface);
	return client_wait(client, &window->configured,
		"xdg_surface.configure");

error:
	return client_fail(client, "no memory");
}

void client_window_destroy_role(struct client_window *window) {
	if (window->xdg_toplevel != NULL) {
		xdg_toplevel_destroy(window->xdg_toplevel);
		window->xdg_toplevel = NULL;
	}
	if (window->xdg_surface != NULL) {
		xdg_surface_destroy(window->xdg_surface);
		window->xdg_surface = NULL;
	}
}

void client_window_destroy(struct client_window *window) {
	client_window_destroy_role(window);
	surface_destroy(&window->surface);
}

bool client_subsurface_create(struct client *client,
		struct client_subsurface *subsurface,
		struct client_surface *parent, int32_t x, int32_t y) {
	*subsurface = (struct client_subsurface){ 0 };
	if (client->subcompositor == NULL) {
		return client_fail(client,
			"the compositor has no wl_subcompositor");
	}
	if (!surface_create(client, &subsurface->surface)) {
		return false;
	}
	subsurface->subsurface = wl_subcompositor_get_subsurface(
		client->subcompositor, subsurface->surface.surface,
		parent->surface);
	if (subsurface->subsurface == NULL) {
		return client_fail(client, "no memory");
	}
	wl_subsurface_set_position(subsurface->subsurface, x, y);
	return true;
}

void client_subsurface_set_desync(struct client_subsurface *subsurface) {
	wl_subsurface_set_desync(subsurface->subsurface);
}

void client_subsurface_destroy(struct client_subsurface *subsurface) {
	if (subsurface->subsurface != NULL) {
		wl_subsurface_destroy(subsurface->subsurface);
		subsurface->subsurface = NULL;
	}
	surface_destroy(&subsurface->surface);
}

void client_surface_set_scale(struct client_surface *surface, int32_t scale) {
	wl_surface_set_buffer_scale(surface->surface, scale);
}

bool client_surface_create_viewport(struct client_surface *surface) {
	struct client *client = surface->client;
	if (client->viewporter == NULL) {
		return client_fail(client,
			"the compositor has no wp_viewporter");
	}
	surface->viewport = wp_viewporter_get_viewport(client->viewporter,
		surface->surface);
	return surface->viewport != NULL || client_fail(client, "no memory");
}

void client_surface_attach(struct client_surface *surface,
		struct client_buffer *buffer) {
	surface->attached = buffer;
	wl_surface_attach(surface->surface,
		buffer != NULL ? buffer->buffer : NULL, 0, 0);
}

void client_surface_damage(struct client_surface *surface, int32_t x, int32_t y,
		int32_t width, int32_t height) {
	wl_surface_damage(surface->surface, x, y, width, height);
}

void client_surface_damage_buffer(struct client_surface *surface, int32_t x,
		int32_t y, int32_t width, int32_t height) {
	wl_surface_damage_buffer(surface->surface, x, y, width, height);
}

void client_surface_commit(struct client_surface *surface) {
	wl_surface_commit(surface->surface);
	if (surface->attached != NULL) {
		surface->attached->released = false;
		surface->attached = NULL;
	}
}

static void handle_done(void *data, struct wl_callback *callback,
		uint32_t time) {
	*(bool *)data = true;
}

static const struct wl_callback_listener done_listener = {
	.done = handle_done,
};

bool client_surface_present(struct client_surface *surface) {
	struct client *client = surface->client;
	struct wl_callback *callback = wl_surface_frame(surface->surface);
	if (callback == NULL) {
		return client_fail(client, "no memory");
	}
	bool done = false;
	wl_callback_add_listener(callback, &done_listener, &done);
	client_surface_commit(surface);
	bool ok = client_wait(client, &done, "wl_surface.frame");
	wl_callback_destroy(callback);
	return ok;
}

bool client_surface_show(struct client_surface *surface,
		struct client_buffer *buffer) {
	client_surface_attach(surface, buffer);
	client_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
	return client_surface_present(surface);
}
