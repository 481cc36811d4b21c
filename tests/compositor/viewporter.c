/* SPDX-License-Identifier: MIT */
/*
 * Viewports without effect: only the library follows their requests.
 */
#include <wayland-server-core.h>

#include "compositor.h"
#include "viewporter-server-protocol.h"

static void viewport_handle_set_source(struct wl_client *client,
		struct wl_resource *resource, wl_fixed_t x, wl_fixed_t y,
		wl_fixed_t width, wl_fixed_t height) {
	/* Nothing is drawn. */
}

static void viewport_handle_set_destination(struct wl_client *client,
		struct wl_resource *resource, int32_t width, int32_t height) {
	/* Nothing is drawn. */
}

static const struct wp_viewport_interface viewport_impl = {
	.destroy = compositor_handle_destroy,
	.set_source = viewport_handle_set_source,
	.set_destination = viewport_handle_set_destination,
};

static void viewporter_handle_get_viewport(struct wl_client *client,
		struct wl_resource *resource, uint32_t id,
		struct wl_resource *surface) {
	struct wl_resource *viewport =
		wl_resource_create(client, &wp_viewport_interface, 1, id);
	if (viewport == NULL) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(viewport, &viewport_impl, NULL, NULL);
}

static const struct wp_viewporter_interface viewporter_impl = {
	.destroy = compositor_handle_destroy,
	.get_viewport = viewporter_handle_get_viewport,
};

const struct compositor_global compositor_viewporter = {
	&wp_viewporter_interface, 1, &viewporter_impl,
};
