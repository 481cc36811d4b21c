/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "clock.h"
#include "driver.h"
#include "guest.h"
#include "wlr-screencopy-unstable-v1-client-protocol.h"

/* The pattern that the compositor draws into captures. */
#define CAPTURED 7777

bool guest_connect(struct guest *guest) {
	guest->connected = true;
	guest->slot = guest->compositor->clients++;
	return client_connect(&guest->client, guest->compositor->socket) &&
		(client_image_create(&guest->now, GUEST_SIDE, GUEST_SIDE) ||
		client_fail(&guest->client, "no memory"));
}

void guest_disconnect(struct guest *guest) {
	if (!guest->connected) {
		return;
	}
	client_disconnect(&guest->client);
	client_memory_destroy(&guest->memory);
	client_image_destroy(&guest->now);
	guest->connected = false;
	guest->over = true;
}

bool guest_begin(struct guest *guest, enum client_memory_kind kind, size_t size) {
	struct client *client = &guest->client;
	guest->late = kind == CLIENT_MEMORY_FILE;
	guest->surface = wl_compositor_create_surface(client->compositor);
	return client_memory_create(client, &guest->memory, kind, size) &&
		client_pool_create(client, &guest->pools[0], &guest->memory,
			(int32_t)size) &&
		client_roundtrip(client);
}

bool guest_add_buffer(struct guest *guest, int index) {
	return client_buffer_create(&guest->pools[0], &guest->buffers[index],
			index * GUEST_BYTES, GUEST_SIDE, GUEST_SIDE,
			GUEST_SIDE * 4) &&
		client_roundtrip(&guest->client);
}

/* Returns whether the compositor has read what the client has drawn. */
static bool sees(struct guest *guest) {
	const struct faults_shown *shown =
		&guest->compositor->control->shown[guest->slot];
	if (shown->reads == 0) {
		return client_fail(&guest->client, "nothing is shown");
	}
	struct client_image image = {
		.width = shown->width, .height = shown->height,
		.stride = shown->width * 4, .data = (void *)shown->pixels,
	};
	return client_image_expect(&image, 0, 0, &guest->now,
		guest->client.error, sizeof(guest->client.error));
}

/* The result of its own calls, which fail from then on, may never come. */
static bool is_hopeless(const struct guest *guest) {
	const struct faults_control *control = guest->compositor->control;
	return control->always &&
		(control->failed_actors >> guest->actor & 1) != 0;
}

/* Returns whether to wait for late bytes. */
static bool may_come(const struct guest *guest, int64_t end) {
	return guest->late && client_now_ms() < end && !is_hopeless(guest) &&
		guest->compositor->control->failed == guest->failed_before;
}

/* Late bytes are there at a later look. */
static bool sees_in_time(struct guest *guest) {
	int64_t end = client_now_ms() + guest->client.patience;
	while (!sees(guest)) {
		if (!may_come(guest, end)) {
			return false;
		}
		usleep(1000);
		if (!compositor_tell(guest->compositor, 'r', guest->slot) ||
				!client_roundtrip(&guest->client)) {
			return false;
		}
	}
	return true;
}

bool guest_look(struct guest *guest, char command) {
	guest->compositor->control->shown[guest->slot].reads = 0;
	return compositor_tell(guest->compositor, command, guest->slot) &&
		sees_in_time(guest);
}

bool guest_commit(struct guest *guest, int index) {
	guest->compositor->control->shown[guest->slot].reads = 0;
	wl_surface_attach(guest->surface, guest->buffers[index].buffer, 0, 0);
	wl_surface_damage_buffer(guest->surface, 0, 0, GUEST_SIDE, GUEST_SIDE);
	wl_surface_commit(guest->surface);
	return client_roundtrip(&guest->client);
}

bool guest_show(struct guest *guest, int index) {
	struct client_image image;
	if (!client_buffer_get_image(&guest->client, &guest->buffers[index],
			&image)) {
		return false;
	}
	client_image_draw(&image, ++guest->frame);
	client_image_draw(&guest->now, guest->frame);
	guest->shown = index;
	return guest_commit(guest, index) && sees_in_time(guest);
}

bool guest_redraw(struct guest *guest, int32_t side) {
	struct client_buffer *buffer = &guest->buffers[guest->shown];
	struct client_image image;
	if (!client_buffer_get_image(&guest->client, buffer, &image)) {
		return false;
	}
	guest->frame++;
	wl_surface_attach(guest->surface, buffer->buffer, 0, 0);
	for (int32_t y = 0; y < GUEST_SIDE; y += 2 * side) {
		for (int32_t x = 0; x < GUEST_SIDE; x += 2 * side) {
			client_image_draw_rect(&image, x, y, side, side, 1,
				guest->frame);
			client_image_draw_rect(&guest->now, x, y, side, side,
				1, guest->frame);
			wl_surface_damage_buffer(guest->surface, x, y, side,
				side);
		}
	}
	guest->compositor->control->shown[guest->slot].reads = 0;
	wl_surface_commit(guest->surface);
	return client_roundtrip(&guest->client) && sees_in_time(guest);
}

struct capture {
	bool over, ready;
};

static void handle_buffer(void *data, struct zwlr_screencopy_frame_v1 *frame,
		uint32_t format, uint32_t width, uint32_t height,
		uint32_t stride) {
	/* The size does not matter. */
}

static void handle_flags(void *data, struct zwlr_screencopy_frame_v1 *frame,
		uint32_t flags) {
	/* The flags do not matter. */
}

static void handle_ready(void *data, struct zwlr_screencopy_frame_v1 *frame,
		uint32_t seconds_hi, uint32_t seconds_lo, uint32_t nanoseconds) {
	*(struct capture *)data = (struct capture){ true, true };
}

static void handle_failed(void *data, struct zwlr_screencopy_frame_v1 *frame) {
	*(struct capture *)data = (struct capture){ true, false };
}

static const struct zwlr_screencopy_frame_v1_listener frame_listener = {
	.buffer = handle_buffer,
	.flags = handle_flags,
	.ready = handle_ready,
	.failed = handle_failed,
};

/* Returns whether the picture is in the buffer, waiting for it if needed. */
static bool has_captured(struct guest *guest, int index) {
	struct client *client = &guest->client;
	struct client_image image, expected;
	if (!client_buffer_get_image(client, &guest->buffers[index], &image) ||
			!client_image_create(&expected, GUEST_SIDE, GUEST_SIDE)) {
		return client_fail(client, "no memory");
	}
	client_image_draw(&expected, CAPTURED);
	int64_t end = client_now_ms() + client->patience;
	bool same;
	while (!(same = client_image_expect(&image, 0, 0, &expected,
			client->error, sizeof(client->error))) &&
			may_come(guest, end) && client_roundtrip(client)) {
		usleep(1000);
	}
	client_image_destroy(&expected);
	return same;
}

bool guest_capture(struct guest *guest, int index) {
	struct client *client = &guest->client;
	struct capture capture = { false, false };
	struct zwlr_screencopy_frame_v1 *frame =
		zwlr_screencopy_manager_v1_capture_output(client->screencopy, 0,
			client->output);
	zwlr_screencopy_frame_v1_add_listener(frame, &frame_listener, &capture);
	zwlr_screencopy_frame_v1_copy(frame, guest->buffers[index].buffer);
	bool ok = client_wait(client, &capture.over, "a capture") &&
		client_roundtrip(client);
	zwlr_screencopy_frame_v1_destroy(frame);
	if (!ok) {
		return false;
	}
	if (!capture.ready) {
		return client_fail(client, "the capture failed");
	}
	return has_captured(guest, index);
}

bool guest_abandon_capture(struct guest *guest, int index) {
	struct client *client = &guest->client;
	struct zwlr_screencopy_frame_v1 *frame =
		zwlr_screencopy_manager_v1_capture_output(client->screencopy, 0,
			client->output);
	guest->compositor->control->silent = 1;
	zwlr_screencopy_frame_v1_copy(frame, guest->buffers[index].buffer);
	bool ok = client_roundtrip(client);
	guest->compositor->control->silent = 0;
	zwlr_screencopy_frame_v1_destroy(frame);
	return ok && client_roundtrip(client);
}

bool guest_expect_error(struct guest *guest, const char *name) {
	struct client_fate fate;
	int64_t end = client_now_ms() + guest->client.patience;
	do {
		client_wait_fate(&guest->client, 100, &fate);
	} while (fate.kind == CLIENT_ALIVE && client_now_ms() < end &&
		!is_hopeless(guest));
	guest->over = fate.kind != CLIENT_ALIVE;
	return (name == NULL && guest->over) || (name != NULL &&
		strcmp(fate.name, name) == 0) || client_fail(&guest->client,
		"expected %s, but: %s: %s",
		name != NULL ? name : "any error", fate.kind == CLIENT_ALIVE ?
		"alive" : fate.name, fate.message);
}
