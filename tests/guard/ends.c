/* SPDX-License-Identifier: MIT */
/*
 * Objects that the compositor destroys in the handler of another object's destruction.
 * AddressSanitizer and valgrind find records that are used afterwards.
 */
#include <string.h>
#include <wayland-client.h>

#include "host.h"

#define WIDTH 64
#define HEIGHT 64
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

/* The destruction of the first attached buffer also destroys its surface. */
static struct {
	struct wl_listener buffer_destroy;
	struct wl_resource *surface;
} end;

static void handle_buffer_destroy(struct wl_listener *listener, void *data) {
	wl_resource_destroy(end.surface);
}

static void handle_message(void *data, enum wl_protocol_logger_type direction,
		const struct wl_protocol_logger_message *message) {
	if (direction == WL_PROTOCOL_LOGGER_REQUEST && end.surface == NULL &&
			strcmp(message->message->name, "attach") == 0) {
		end.surface = message->resource;
		wl_resource_add_destroy_listener((struct wl_resource *)
			message->arguments[0].o, &end.buffer_destroy);
	}
}

/* The surface shows another buffer, so that nothing else keeps the first one. */
static void surface_may_go_with_a_buffer_that_it_has_shown(void **state) {
	struct host *host = *state;
	end.surface = NULL;
	end.buffer_destroy.notify = handle_buffer_destroy;
	struct wl_protocol_logger *logger = wl_display_add_protocol_logger(
		host->server.display, handle_message, NULL);
	assert_non_null(logger);
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_UNSEALED, 2 * BYTES);
	for (int i = 0; i < 2; i++) {
		tell(peer, create_buffer, .buffer = i, .offset = i * BYTES,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE);
		tell(peer, show, .buffer = i);
	}
	tell(peer, destroy_buffer, .buffer = 0);
	assert_null(compositor_get_surface(&host->server.compositor,
		peer->client, 0));
	peer_kill(peer);
	wl_protocol_logger_destroy(logger);
}

int main(void) {
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			surface_may_go_with_a_buffer_that_it_has_shown,
			host_setup, host_teardown),
	};
	return cmocka_run_group_tests_name("ends", tests, NULL, NULL);
}
