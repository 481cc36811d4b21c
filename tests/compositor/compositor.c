/* SPDX-License-Identifier: MIT */
/*
 * The globals of a test's compositor, and its surfaces.
 */
#include <stdlib.h>
#include <wayland-server-protocol.h>

#include "buffer.h"

void compositor_handle_destroy(struct wl_client *client,
		struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

/* Buffers */

void compositor_buffer_set(struct compositor_buffer *buffer,
		struct wl_resource *resource) {
	if (buffer->resource != NULL) {
		wl_list_remove(&buffer->destroy.link);
	}
	buffer->resource = resource;
	if (resource != NULL) {
		wl_resource_add_destroy_listener(resource, &buffer->destroy);
	}
}

static void buffer_handle_destroy(struct wl_listener *listener, void *data) {
	struct compositor_buffer *buffer =
		wl_container_of(listener, buffer, destroy);
	compositor_buffer_set(buffer, NULL);
}

void compositor_buffer_init(struct compositor_buffer *buffer) {
	buffer->resource = NULL;
	buffer->destroy.notify = buffer_handle_destroy;
}

/* Surfaces */

static const struct compositor_impl *surface_get_impl(
		const struct compositor_surface *surface) {
	return surface->compositor->impl;
}

static void surface_handle_attach(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *buffer,
		int32_t x, int32_t y) {
	struct compositor_surface *surface = wl_resource_get_user_data(resource);
	surface->attached = true;
	compositor_buffer_set(&surface->pending, buffer);
	if (surface_get_impl(surface)->handle_attach != NULL) {
		surface_get_impl(surface)->handle_attach(surface, buffer);
	}
}

static void surface_handle_damage(struct wl_client *client,
		struct wl_resource *resource, int32_t x, int32_t y,
		int32_t width, int32_t height) {
	struct compositor_surface *surface = wl_resource_get_user_data(resource);
	if (surface_get_impl(surface)->handle_damage != NULL) {
		surface_get_impl(surface)->handle_damage(surface, x, y, width,
			height);
	}
}

static void callback_handle_resource_destroy(struct wl_resource *resource) {
	wl_list_remove(wl_resource_get_link(resource));
}

static void surface_handle_frame(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	struct compositor_surface *surface = wl_resource_get_user_data(resource);
	struct wl_resource *callback =
		wl_resource_create(client, &wl_callback_interface, 1, id);
	if (callback == NULL) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(callback, NULL, NULL,
		callback_handle_resource_destroy);
	wl_list_insert(surface->callbacks.prev, wl_resource_get_link(callback));
}

static void surface_handle_set_region(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *region) {
	/* Nothing is drawn. */
}

static void surface_handle_commit(struct wl_client *client,
		struct wl_resource *resource) {
	struct compositor_surface *surface = wl_resource_get_user_data(resource);
	struct wl_resource *replaced = NULL;
	if (surface->attached) {
		replaced = surface->current.resource;
		compositor_buffer_set(&surface->current,
			surface->pending.resource);
		compositor_buffer_set(&surface->pending, NULL);
	}
	if (surface_get_impl(surface)->handle_commit != NULL) {
		surface_get_impl(surface)->handle_commit(surface, replaced);
	}
	surface->attached = false;
	struct wl_resource *callback, *tmp;
	wl_resource_for_each_safe(callback, tmp, &surface->callbacks) {
		wl_callback_send_done(callback, 0);
		wl_resource_destroy(callback);
	}
}

static void surface_handle_set_number(struct wl_client *client,
		struct wl_resource *resource, int32_t number) {
	/* Nothing is drawn. */
}

static void surface_handle_offset(struct wl_client *client,
		struct wl_resource *resource, int32_t x, int32_t y) {
	/* Nothing is drawn. */
}

static const struct wl_surface_interface surface_impl = {
	.destroy = compositor_handle_destroy,
	.attach = surface_handle_attach,
	.damage = surface_handle_damage,
	.frame = surface_handle_frame,
	.set_opaque_region = surface_handle_set_region,
	.set_input_region = surface_handle_set_region,
	.commit = surface_handle_commit,
	.set_buffer_transform = surface_handle_set_number,
	.set_buffer_scale = surface_handle_set_number,
	.damage_buffer = surface_handle_damage,
	.offset = surface_handle_offset,
};

static void surface_handle_resource_destroy(struct wl_resource *resource) {
	struct compositor_surface *surface = wl_resource_get_user_data(resource);
	if (surface_get_impl(surface)->handle_surface_destroy != NULL) {
		surface_get_impl(surface)->handle_surface_destroy(surface);
	}
	compositor_buffer_set(&surface->pending, NULL);
	compositor_buffer_set(&surface->current, NULL);
	struct wl_resource *callback, *tmp;
	wl_resource_for_each_safe(callback, tmp, &surface->callbacks) {
		wl_list_remove(wl_resource_get_link(callback));
		wl_list_init(wl_resource_get_link(callback));
	}
	wl_list_remove(&surface->link);
	free(surface);
}

static void compositor_handle_create_surface(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	struct compositor *compositor = wl_resource_get_user_data(resource);
	size_t size = compositor->impl->surface_size;
	struct compositor_surface *surface =
		calloc(1, size > 0 ? size : sizeof(*surface));
	struct wl_resource *created = surface == NULL ? NULL :
		wl_resource_create(client, &wl_surface_interface,
			wl_resource_get_version(resource), id);
	if (created == NULL) {
		free(surface);
		wl_client_post_no_memory(client);
		return;
	}
	surface->compositor = compositor;
	surface->resource = created;
	compositor_buffer_init(&surface->pending);
	compositor_buffer_init(&surface->current);
	wl_list_init(&surface->callbacks);
	wl_list_insert(compositor->surfaces.prev, &surface->link);
	wl_resource_set_implementation(created, &surface_impl, surface,
		surface_handle_resource_destroy);
	if (compositor->impl->handle_new_surface != NULL) {
		compositor->impl->handle_new_surface(surface);
	}
}

struct compositor_surface *compositor_get_surface(struct compositor *compositor,
		const struct wl_client *client, int index) {
	struct compositor_surface *surface;
	wl_list_for_each(surface, &compositor->surfaces, link) {
		if (wl_resource_get_client(surface->resource) == client &&
				index-- == 0) {
			return surface;
		}
	}
	return NULL;
}

/* Regions */

static void region_handle_rect(struct wl_client *client,
		struct wl_resource *resource, int32_t x, int32_t y,
		int32_t width, int32_t height) {
	/* Nothing is drawn. */
}

static const struct wl_region_interface region_impl = {
	.destroy = compositor_handle_destroy,
	.add = region_handle_rect,
	.subtract = region_handle_rect,
};

static void compositor_handle_create_region(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	struct wl_resource *region =
		wl_resource_create(client, &wl_region_interface, 1, id);
	if (region == NULL) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(region, &region_impl, NULL, NULL);
}

static const struct wl_compositor_interface compositor_impl = {
	.create_surface = compositor_handle_create_surface,
	.create_region = compositor_handle_create_region,
};

static const struct compositor_global compositor_global = {
	&wl_compositor_interface, 5, &compositor_impl,
};

const struct compositor_global compositor_output = {
	&wl_output_interface, 2, NULL,
};

/* Globals */

static void bind(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	const struct compositor_offer *offer = data;
	struct wl_resource *resource = wl_resource_create(client,
		offer->global->interface, (int)version, id);
	if (resource == NULL) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(resource, offer->global->impl,
		offer->compositor, NULL);
}

bool compositor_offer(struct compositor *compositor,
		const struct compositor_global *global) {
	if (compositor->offers_len == COMPOSITOR_GLOBALS_MAX) {
		return false;
	}
	struct compositor_offer *offer =
		&compositor->offers[compositor->offers_len++];
	*offer = (struct compositor_offer){ compositor, global };
	return wl_global_create(compositor->display, global->interface,
		global->version, offer, bind) != NULL;
}

bool compositor_init(struct compositor *compositor, struct wl_display *display,
		const struct compositor_impl *impl, void *data) {
	*compositor = (struct compositor){
		.display = display,
		.impl = impl,
		.data = data,
	};
	wl_list_init(&compositor->surfaces);
	wl_list_init(&compositor->takers);
	return compositor_offer(compositor, &compositor_global);
}
