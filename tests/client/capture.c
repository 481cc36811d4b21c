/* SPDX-License-Identifier: MIT */
/*
 * What is on the output, by wlr-screencopy. The compositor writes it into a
 * buffer of ours: the other direction of a wl_shm.
 */
#include <string.h>
#include <wayland-client.h>

#include "buffer.h"
#include "capture.h"
#include "client.h"
#include "image.h"
#include "wlr-screencopy-unstable-v1-client-protocol.h"

static void handle_buffer(void *data, struct zwlr_screencopy_frame_v1 *frame,
		uint32_t format, uint32_t width, uint32_t height,
		uint32_t stride) {
	struct client_capture *capture = data;
	capture->format = format;
	capture->width = (int32_t)width;
	capture->height = (int32_t)height;
	capture->stride = (int32_t)stride;
	/* Before version 3, nothing comes after this. */
	if (zwlr_screencopy_frame_v1_get_version(frame) <
			ZWLR_SCREENCOPY_FRAME_V1_BUFFER_DONE_SINCE_VERSION) {
		capture->described = true;
	}
}

static void handle_linux_dmabuf(void *data,
		struct zwlr_screencopy_frame_v1 *frame, uint32_t format,
		uint32_t width, uint32_t height) {
	/* This is about shared memory. */
}

static void handle_buffer_done(void *data,
		struct zwlr_screencopy_frame_v1 *frame) {
	struct client_capture *capture = data;
	capture->described = true;
}

static void handle_flags(void *data, struct zwlr_screencopy_frame_v1 *frame,
		uint32_t flags) {
	struct client_capture *capture = data;
	capture->y_invert = flags & ZWLR_SCREENCOPY_FRAME_V1_FLAGS_Y_INVERT;
}

static void handle_damage(void *data, struct zwlr_screencopy_frame_v1 *frame,
		uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
	/* Sent only to those who ask for it. */
}

static void handle_ready(void *data, struct zwlr_screencopy_frame_v1 *frame,
		uint32_t seconds_high, uint32_t seconds_low,
		uint32_t nanoseconds) {
	struct client_capture *capture = data;
	capture->over = true;
}

static void handle_failed(void *data, struct zwlr_screencopy_frame_v1 *frame) {
	struct client_capture *capture = data;
	capture->described = true;
	capture->over = true;
	capture->failed = true;
}

static const struct zwlr_screencopy_frame_v1_listener frame_listener = {
	.buffer = handle_buffer,
	.flags = handle_flags,
	.ready = handle_ready,
	.failed = handle_failed,
	.damage = handle_damage,
	.linux_dmabuf = handle_linux_dmabuf,
	.buffer_done = handle_buffer_done,
};

bool client_capture_begin(struct client *client,
		struct client_capture *capture) {
	*capture = (struct client_capture){ .client = client };
	if (client->screencopy == NULL || client->output == NULL) {
		return client_fail(client,
			"the compositor has no wlr-screencopy or no output");
	}
	capture->frame = zwlr_screencopy_manager_v1_capture_output(
		client->screencopy, 0, client->output);
	if (capture->frame == NULL) {
		return client_fail(client, "no memory");
	}
	zwlr_screencopy_frame_v1_add_listener(capture->frame, &frame_listener,
		capture);
	if (!client_wait(client, &capture->described,
			"the capture's description")) {
		return false;
	}
	return !capture->failed ||
		client_fail(client, "the compositor cannot capture its output");
}

void client_capture_end(struct client_capture *capture) {
	if (capture->frame != NULL) {
		zwlr_screencopy_frame_v1_destroy(capture->frame);
		capture->frame = NULL;
	}
}

bool client_capture_copy(struct client_capture *capture,
		struct client_buffer *buffer) {
	struct client *client = capture->client;
	zwlr_screencopy_frame_v1_copy(capture->frame, buffer->buffer);
	if (!client_wait(client, &capture->over, "the captured picture")) {
		return false;
	}
	return !capture->failed || client_fail(client, "the capture failed");
}

static bool has_red_first(uint32_t format, bool *red_first) {
	switch (format) {
	case WL_SHM_FORMAT_ARGB8888:
	case WL_SHM_FORMAT_XRGB8888:
		*red_first = true;
		return true;
	case WL_SHM_FORMAT_ABGR8888:
	case WL_SHM_FORMAT_XBGR8888:
		*red_first = false;
		return true;
	}
	return false;
}

bool client_capture_read(struct client_capture *capture,
		const struct client_buffer *buffer,
		struct client_image *image) {
	struct client *client = capture->client;
	bool red_first;
	if (!has_red_first(capture->format, &red_first)) {
		return client_fail(client, "captured in the strange format %#x",
			capture->format);
	}
	struct client_image raw;
	if (!client_buffer_get_image(client, buffer, &raw)) {
		return false;
	}
	if (!client_image_create(image, raw.width, raw.height)) {
		return client_fail(client, "no memory");
	}
	for (int32_t y = 0; y < raw.height; y++) {
		int32_t from = capture->y_invert ? raw.height - 1 - y : y;
		for (int32_t x = 0; x < raw.width; x++) {
			uint32_t pixel = client_image_get(&raw, x, from);
			if (!red_first) {
				pixel = (pixel & 0xff00ff00u) |
					(pixel & 0xffu) << 16 |
					(pixel >> 16 & 0xffu);
			}
			client_image_set(image, x, y, pixel);
		}
	}
	return true;
}

bool client_capture_output(struct client *client, enum client_memory_kind kind,
		struct client_image *image) {
	*image = (struct client_image){ 0 };
	struct client_capture capture;
	struct client_memory memory = { .fd = -1 };
	struct client_pool pool = { 0 };
	struct client_buffer buffer = { 0 };
	bool ok = client_capture_begin(client, &capture);
	int32_t size = capture.stride * capture.height;
	ok = ok && client_memory_create(client, &memory, kind, (size_t)size);
	if (ok) {
		/* A pixel that is left out has to show. */
		memset(memory.data, 0x5a, memory.size);
	}
	ok = ok && client_pool_create(client, &pool, &memory, size) &&
		client_buffer_create_with_format(&pool, &buffer, 0,
			capture.width, capture.height, capture.stride,
			capture.format) &&
		client_capture_copy(&capture, &buffer) &&
		client_capture_read(&capture, &buffer, image);
	client_buffer_destroy(&buffer);
	client_pool_destroy(&pool);
	client_memory_destroy(&memory);
	client_capture_end(&capture);
	return ok;
}
