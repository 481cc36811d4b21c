/* SPDX-License-Identifier: MIT */
/*
 * A factory of wl_buffers without memory.
 */
#include <wayland-server-core.h>
#include <wayland-server-protocol.h>

#include "asker.h"
#include "server.h"
#include "single-pixel-buffer-v1-server-protocol.h"

static void handle_destroy(struct wl_client *client,
		struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static const struct wl_buffer_interface buffer_impl = {
	.destroy = handle_destroy,
};

static void handle_create(struct wl_client *client,
		struct wl_resource *resource, uint32_t id, uint32_t r,
		uint32_t g, uint32_t b, uint32_t a) {
	struct wl_resource *buffer =
		wl_resource_create(client, &wl_buffer_interface, 1, id);
	assert_non_null(buffer);
	wl_resource_set_implementation(buffer, &buffer_impl, NULL, NULL);
}

static const struct wp_single_pixel_buffer_manager_v1_interface impl = {
	.destroy = handle_destroy,
	.create_u32_rgba_buffer = handle_create,
};

static void bind(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	struct wl_resource *resource = wl_resource_create(client,
		&wp_single_pixel_buffer_manager_v1_interface, 1, id);
	assert_non_null(resource);
	wl_resource_set_implementation(resource, &impl, NULL, NULL);
}

void offer_single_pixels(struct wl_display *display) {
	assert_non_null(wl_global_create(display,
		&wp_single_pixel_buffer_manager_v1_interface, 1, NULL, bind));
}
