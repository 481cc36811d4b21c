/* SPDX-License-Identifier: MIT */
/*
 * The cursor.
 */
#include <wayland-client.h>

#include "stage.h"

struct pointer {
	uint32_t serial;
	bool entered;
};

static void handle_enter(void *data, struct wl_pointer *wl_pointer,
		uint32_t serial, struct wl_surface *surface, wl_fixed_t x,
		wl_fixed_t y) {
	struct pointer *pointer = data;
	pointer->serial = serial;
	pointer->entered = true;
}

static void handle_leave(void *data, struct wl_pointer *wl_pointer,
		uint32_t serial, struct wl_surface *surface) {
}

static void handle_motion(void *data, struct wl_pointer *wl_pointer,
		uint32_t time, wl_fixed_t x, wl_fixed_t y) {
}

static void handle_button(void *data, struct wl_pointer *wl_pointer,
		uint32_t serial, uint32_t time, uint32_t button,
		uint32_t state) {
}

static void handle_axis(void *data, struct wl_pointer *wl_pointer,
		uint32_t time, uint32_t axis, wl_fixed_t value) {
}

static const struct wl_pointer_listener pointer_listener = {
	.enter = handle_enter,
	.leave = handle_leave,
	.motion = handle_motion,
	.button = handle_button,
	.axis = handle_axis,
};

/* Not all compositors capture cursors. So this checks only that the client stays
 * connected and that its window is right. A request with an older serial is ignored. */
static void show_cursor(struct test *test) {
	struct client *client = &test->client;
	struct pointer pointer = { 0 };
	struct scene scene;
	struct stage stage;
	struct canvas canvas;
	needs_window(test);
	if (client->seat == NULL ||
			!(client->seat_capabilities & WL_SEAT_CAPABILITY_POINTER)) {
		test_skip(test, "the compositor has no pointer");
	}
	struct wl_pointer *wl_pointer = wl_seat_get_pointer(client->seat);
	wl_pointer_add_listener(wl_pointer, &pointer_listener, &pointer);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	canvas_create_at(test, &canvas, test_get_kind(test), 2, 24, 24,
		WL_SHM_FORMAT_ARGB8888, (struct placing){ 0 });
	struct client_surface cursor = {
		.client = client,
		.surface = wl_compositor_create_surface(client->compositor),
	};
	for (uint32_t frame = 0; frame < 4; frame++) {
		struct client_buffer *buffer = &canvas.buffers[frame % 2];
		scene_show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
		wl_pointer_set_cursor(wl_pointer, pointer.serial,
			cursor.surface, 3, 4);
		if (buffer->released) {
			client_image_draw(&canvas.images[frame % 2], frame);
			client_surface_attach(&cursor, buffer);
			client_surface_damage(&cursor, 0, 0, 24, 24);
			client_surface_commit(&cursor);
		}
		test_expect_alive(test);
	}
	scene_show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
}

const struct test_case content_cursor_cases[] = {
	both_kinds("cursor:", 0,
		"A cursor's buffer does not change the window.", show_cursor),
	{ 0 },
};
