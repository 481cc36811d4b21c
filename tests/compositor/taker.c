/* SPDX-License-Identifier: MIT */
/*
 * Objects that receive a wl_buffer, and those of wlr-screencopy.
 */
#include <stdlib.h>

#include "buffer.h"
#include "wlr-screencopy-unstable-v1-server-protocol.h"

static void taker_handle_resource_destroy(struct wl_resource *resource) {
	struct compositor_taker *taker = wl_resource_get_user_data(resource);
	compositor_buffer_set(&taker->buffer, NULL);
	wl_list_remove(&taker->link);
	free(taker);
}

void compositor_create_taker(struct wl_client *client,
		struct wl_resource *manager, const struct wl_interface *interface,
		uint32_t id, const void *impl) {
	struct compositor *compositor = wl_resource_get_user_data(manager);
	struct compositor_taker *taker = calloc(1, sizeof(*taker));
	struct wl_resource *resource = taker == NULL ? NULL :
		wl_resource_create(client, interface,
			wl_resource_get_version(manager), id);
	if (resource == NULL) {
		free(taker);
		wl_client_post_no_memory(client);
		return;
	}
	taker->compositor = compositor;
	taker->resource = resource;
	compositor_buffer_init(&taker->buffer);
	wl_list_insert(&compositor->takers, &taker->link);
	wl_resource_set_implementation(resource, impl, taker,
		taker_handle_resource_destroy);
}

void compositor_take(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *buffer) {
	struct compositor_taker *taker = wl_resource_get_user_data(resource);
	const struct compositor_impl *impl = taker->compositor->impl;
	compositor_buffer_set(&taker->buffer, buffer);
	if (impl->handle_take != NULL) {
		impl->handle_take(taker, buffer);
	}
}

static const struct zwlr_screencopy_frame_v1_interface frame_impl = {
	.copy = compositor_take,
	.destroy = compositor_handle_destroy,
	.copy_with_damage = compositor_take,
};

static void screencopy_handle_capture_output(struct wl_client *client,
		struct wl_resource *resource, uint32_t id, int32_t cursor,
		struct wl_resource *output) {
	compositor_create_taker(client, resource,
		&zwlr_screencopy_frame_v1_interface, id, &frame_impl);
}

static void screencopy_handle_capture_region(struct wl_client *client,
		struct wl_resource *resource, uint32_t id, int32_t cursor,
		struct wl_resource *output, int32_t x, int32_t y,
		int32_t width, int32_t height) {
	screencopy_handle_capture_output(client, resource, id, cursor, output);
}

static const struct zwlr_screencopy_manager_v1_interface screencopy_impl = {
	.capture_output = screencopy_handle_capture_output,
	.capture_output_region = screencopy_handle_capture_region,
	.destroy = compositor_handle_destroy,
};

const struct compositor_global compositor_screencopy = {
	&zwlr_screencopy_manager_v1_interface, 3, &screencopy_impl,
};
