/* SPDX-License-Identifier: MIT */
/*
 * Orders for clients with objects that take buffers.
 */
#include <wayland-client.h>

#include "globals.h"
#include "host.h"
#include "image.h"
#include "weston-output-capture-client-protocol.h"
#include "wlr-screencopy-unstable-v1-client-protocol.h"
#include "xdg-toplevel-icon-v1-client-protocol.h"

/* One client's: each client is a process. A slot has at most one of the three. */
static struct taker {
	struct zwlr_screencopy_frame_v1 *frame;
	struct weston_capture_source_v1 *source;
	struct xdg_toplevel_icon_v1 *icon;
	bool ready;
} takers[ACTOR_SLOTS];

/* Globals that the client does not bind itself */

static void *bind_global(struct client *client,
		const struct wl_interface *interface, uint32_t version) {
	struct client_global wanted[] = {
		{ .interface = interface, .version = version }, { 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(client->display, wanted);
	if (registry == NULL) {
		return NULL;
	}
	client_roundtrip(client);
	wl_registry_destroy(registry);
	return wanted[0].object;
}

bool bind_shm(struct actor *actor, const struct args *args) {
	struct client *client = &actor->client;
	wl_shm_destroy(client->shm);
	client->shm = bind_global(client, &wl_shm_interface, args->version);
	return client->shm != NULL || client_fail(client, "no wl_shm");
}

/* wlr-screencopy */

static void frame_handle_buffer(void *data,
		struct zwlr_screencopy_frame_v1 *frame, uint32_t format,
		uint32_t width, uint32_t height, uint32_t stride) {
	/* The size is known. */
}

static void frame_handle_flags(void *data,
		struct zwlr_screencopy_frame_v1 *frame, uint32_t flags) {
	/* No flags are sent. */
}

static void frame_handle_ready(void *data,
		struct zwlr_screencopy_frame_v1 *frame, uint32_t seconds_high,
		uint32_t seconds_low, uint32_t nanoseconds) {
	struct taker *taker = data;
	taker->ready = true;
}

static void frame_handle_failed(void *data,
		struct zwlr_screencopy_frame_v1 *frame) {
	/* It never becomes ready. */
}

static void frame_handle_damage(void *data,
		struct zwlr_screencopy_frame_v1 *frame, uint32_t x, uint32_t y,
		uint32_t width, uint32_t height) {
	/* The whole frame is damaged. */
}

static void frame_handle_linux_dmabuf(void *data,
		struct zwlr_screencopy_frame_v1 *frame, uint32_t format,
		uint32_t width, uint32_t height) {
	/* Only shared memory is used. */
}

static void frame_handle_buffer_done(void *data,
		struct zwlr_screencopy_frame_v1 *frame) {
	/* The size is known. */
}

static const struct zwlr_screencopy_frame_v1_listener frame_listener = {
	.buffer = frame_handle_buffer,
	.flags = frame_handle_flags,
	.ready = frame_handle_ready,
	.failed = frame_handle_failed,
	.damage = frame_handle_damage,
	.linux_dmabuf = frame_handle_linux_dmabuf,
	.buffer_done = frame_handle_buffer_done,
};

/* Weston's output capture */

static void source_handle_format(void *data,
		struct weston_capture_source_v1 *source, uint32_t format) {
	/* The format is known. */
}

static void source_handle_size(void *data,
		struct weston_capture_source_v1 *source, int32_t width,
		int32_t height) {
	/* The size is known. */
}

static void source_handle_complete(void *data,
		struct weston_capture_source_v1 *source) {
	struct taker *taker = data;
	taker->ready = true;
}

static void source_handle_retry(void *data,
		struct weston_capture_source_v1 *source) {
	/* It never becomes ready. */
}

static void source_handle_failed(void *data,
		struct weston_capture_source_v1 *source, const char *message) {
	/* It never becomes ready. */
}

static const struct weston_capture_source_v1_listener source_listener = {
	.format = source_handle_format,
	.size = source_handle_size,
	.complete = source_handle_complete,
	.retry = source_handle_retry,
	.failed = source_handle_failed,
};

/* Orders */

bool take_again(struct actor *actor, const struct args *args) {
	struct taker *taker = &takers[args->count];
	struct wl_buffer *buffer = actor->buffers[args->buffer].buffer;
	taker->ready = false;
	if (taker->frame != NULL) {
		zwlr_screencopy_frame_v1_copy(taker->frame, buffer);
	} else if (taker->source != NULL) {
		weston_capture_source_v1_capture(taker->source, buffer);
	} else {
		xdg_toplevel_icon_v1_add_buffer(taker->icon, buffer, 1);
	}
	return true;
}

bool take_frame(struct actor *actor, const struct args *args) {
	struct client *client = &actor->client;
	struct taker *taker = &takers[args->count];
	taker->frame = zwlr_screencopy_manager_v1_capture_output(
		client->screencopy, 0, client->output);
	if (taker->frame == NULL) {
		return client_fail(client, "no memory");
	}
	zwlr_screencopy_frame_v1_add_listener(taker->frame, &frame_listener,
		taker);
	return take_again(actor, args);
}

bool take_source(struct actor *actor, const struct args *args) {
	struct client *client = &actor->client;
	struct taker *taker = &takers[args->count];
	taker->source = weston_capture_v1_create(client->weston_capture,
		client->output, WESTON_CAPTURE_V1_SOURCE_FRAMEBUFFER);
	if (taker->source == NULL) {
		return client_fail(client, "no memory");
	}
	weston_capture_source_v1_add_listener(taker->source, &source_listener,
		taker);
	return take_again(actor, args);
}

bool take_icon(struct actor *actor, const struct args *args) {
	static struct xdg_toplevel_icon_manager_v1 *icons;
	struct client *client = &actor->client;
	struct taker *taker = &takers[args->count];
	if (icons == NULL) {
		icons = bind_global(client,
			&xdg_toplevel_icon_manager_v1_interface, 1);
	}
	taker->icon = icons != NULL ?
		xdg_toplevel_icon_manager_v1_create_icon(icons) : NULL;
	if (taker->icon == NULL) {
		return client_fail(client, "no icons");
	}
	return take_again(actor, args);
}

bool destroy_taker(struct actor *actor, const struct args *args) {
	struct taker *taker = &takers[args->count];
	if (taker->frame != NULL) {
		zwlr_screencopy_frame_v1_destroy(taker->frame);
	} else if (taker->source != NULL) {
		weston_capture_source_v1_destroy(taker->source);
	} else {
		xdg_toplevel_icon_v1_destroy(taker->icon);
	}
	*taker = (struct taker){ 0 };
	return true;
}

bool wait_ready(struct actor *actor, const struct args *args) {
	return client_wait(&actor->client, &takers[args->count].ready,
		"a capture");
}

bool expect_rows(struct actor *actor, const struct args *args) {
	const struct client_buffer *buffer = &actor->buffers[args->buffer];
	struct client *client = &actor->client;
	struct client_image image;
	if (!client_buffer_get_image(client, buffer, &image)) {
		return false;
	}
	for (int32_t y = args->y; y < args->y + args->height; y++) {
		for (int32_t x = 0; x < image.width; x++) {
			uint32_t pixel = client_image_get(&image, x, y);
			uint32_t expected = client_pattern(x, y, args->frame);
			if ((pixel ^ expected) & 0xffffff) {
				return client_fail(client, "pixel %d,%d is "
					"%08x instead of %08x", x, y, pixel,
					expected);
			}
		}
	}
	return true;
}
