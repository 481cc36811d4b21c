/* SPDX-License-Identifier: MIT */
/*
 * Pictures of the output, taken with one of three protocols. The compositor writes them
 * into a buffer of this client: the other direction of wl_shm.
 */
#include <stdio.h>
#include <string.h>
#include <wayland-client.h>

#include "buffer.h"
#include "capture.h"
#include "client.h"
#include "ext-image-capture-source-v1-client-protocol.h"
#include "ext-image-copy-capture-v1-client-protocol.h"
#include "image.h"
#include "weston-output-capture-client-protocol.h"
#include "wlr-screencopy-unstable-v1-client-protocol.h"

/* DRM fourcc codes: "AR24" and "XR24". */
#define WESTON_ARGB8888 0x34325241
#define WESTON_XRGB8888 0x34325258

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

/* Takes the first format that this file can convert. */
static void offer_format(struct client_capture *capture, uint32_t format) {
	bool red_first;
	if (!capture->has_format || (!has_red_first(capture->format,
			&red_first) && has_red_first(format, &red_first))) {
		capture->format = format;
		capture->has_format = true;
	}
}

static void set_size(struct client_capture *capture, int32_t width,
		int32_t height) {
	capture->width = width;
	capture->height = height;
	/* All formats that this file can convert have 4 bytes a pixel. */
	capture->stride = width * 4;
}

static void set_failed(struct client_capture *capture, const char *reason) {
	capture->described = true;
	capture->over = true;
	capture->failed = true;
	snprintf(capture->reason, sizeof(capture->reason), "%s", reason);
}

/* wlr-screencopy */

static void wlr_handle_buffer(void *data, struct zwlr_screencopy_frame_v1 *frame,
		uint32_t format, uint32_t width, uint32_t height,
		uint32_t stride) {
	struct client_capture *capture = data;
	capture->format = format;
	capture->has_format = true;
	capture->width = (int32_t)width;
	capture->height = (int32_t)height;
	capture->stride = (int32_t)stride;
	/* Before version 3, there is no buffer_done event. */
	if (zwlr_screencopy_frame_v1_get_version(frame) <
			ZWLR_SCREENCOPY_FRAME_V1_BUFFER_DONE_SINCE_VERSION) {
		capture->described = true;
	}
}

static void wlr_handle_linux_dmabuf(void *data,
		struct zwlr_screencopy_frame_v1 *frame, uint32_t format,
		uint32_t width, uint32_t height) {
	/* Only shared memory is used. */
}

static void wlr_handle_buffer_done(void *data,
		struct zwlr_screencopy_frame_v1 *frame) {
	struct client_capture *capture = data;
	capture->described = true;
}

static void wlr_handle_flags(void *data, struct zwlr_screencopy_frame_v1 *frame,
		uint32_t flags) {
	struct client_capture *capture = data;
	capture->y_invert = flags & ZWLR_SCREENCOPY_FRAME_V1_FLAGS_Y_INVERT;
}

static void wlr_handle_damage(void *data, struct zwlr_screencopy_frame_v1 *frame,
		uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
	/* Sent only on request. */
}

static void wlr_handle_ready(void *data, struct zwlr_screencopy_frame_v1 *frame,
		uint32_t seconds_high, uint32_t seconds_low,
		uint32_t nanoseconds) {
	struct client_capture *capture = data;
	capture->over = true;
}

static void wlr_handle_failed(void *data, struct zwlr_screencopy_frame_v1 *frame) {
	set_failed(data, "the compositor gave no reason");
}

static const struct zwlr_screencopy_frame_v1_listener wlr_frame_listener = {
	.buffer = wlr_handle_buffer,
	.flags = wlr_handle_flags,
	.ready = wlr_handle_ready,
	.failed = wlr_handle_failed,
	.damage = wlr_handle_damage,
	.linux_dmabuf = wlr_handle_linux_dmabuf,
	.buffer_done = wlr_handle_buffer_done,
};

static bool wlr_begin(struct client *client, struct client_capture *capture) {
	capture->wlr_frame = zwlr_screencopy_manager_v1_capture_output(
		client->screencopy, 0, client->output);
	if (capture->wlr_frame == NULL) {
		return client_fail(client, "no memory");
	}
	zwlr_screencopy_frame_v1_add_listener(capture->wlr_frame,
		&wlr_frame_listener, capture);
	return client_wait(client, &capture->described,
		"the capture's description");
}

/* ext-image-copy-capture */

static void ext_handle_buffer_size(void *data,
		struct ext_image_copy_capture_session_v1 *session,
		uint32_t width, uint32_t height) {
	set_size(data, (int32_t)width, (int32_t)height);
}

static void ext_handle_shm_format(void *data,
		struct ext_image_copy_capture_session_v1 *session,
		uint32_t format) {
	offer_format(data, format);
}

static void ext_handle_dmabuf_device(void *data,
		struct ext_image_copy_capture_session_v1 *session,
		struct wl_array *device) {
	/* Only shared memory is used. */
}

static void ext_handle_dmabuf_format(void *data,
		struct ext_image_copy_capture_session_v1 *session,
		uint32_t format, struct wl_array *modifiers) {
	/* Only shared memory is used. */
}

static void ext_handle_done(void *data,
		struct ext_image_copy_capture_session_v1 *session) {
	struct client_capture *capture = data;
	capture->described = true;
}

static void ext_handle_stopped(void *data,
		struct ext_image_copy_capture_session_v1 *session) {
	set_failed(data, "the compositor has ended the session");
}

static const struct ext_image_copy_capture_session_v1_listener
		ext_session_listener = {
	.buffer_size = ext_handle_buffer_size,
	.shm_format = ext_handle_shm_format,
	.dmabuf_device = ext_handle_dmabuf_device,
	.dmabuf_format = ext_handle_dmabuf_format,
	.done = ext_handle_done,
	.stopped = ext_handle_stopped,
};

static void ext_handle_transform(void *data,
		struct ext_image_copy_capture_frame_v1 *frame,
		uint32_t transform) {
	/* The output's transform, which is known to be normal. */
}

static void ext_handle_damage(void *data,
		struct ext_image_copy_capture_frame_v1 *frame, int32_t x,
		int32_t y, int32_t width, int32_t height) {
	/* The whole buffer is requested each time. */
}

static void ext_handle_presentation_time(void *data,
		struct ext_image_copy_capture_frame_v1 *frame,
		uint32_t seconds_high, uint32_t seconds_low,
		uint32_t nanoseconds) {
	/* The time does not matter. */
}

static void ext_handle_ready(void *data,
		struct ext_image_copy_capture_frame_v1 *frame) {
	struct client_capture *capture = data;
	capture->over = true;
}

static void ext_handle_failed(void *data,
		struct ext_image_copy_capture_frame_v1 *frame,
		uint32_t reason) {
	switch (reason) {
	case EXT_IMAGE_COPY_CAPTURE_FRAME_V1_FAILURE_REASON_BUFFER_CONSTRAINTS:
		set_failed(data, "the buffer does not meet the constraints");
		break;
	case EXT_IMAGE_COPY_CAPTURE_FRAME_V1_FAILURE_REASON_STOPPED:
		set_failed(data, "the compositor has ended the session");
		break;
	default:
		set_failed(data, "the compositor gave no reason");
	}
}

static const struct ext_image_copy_capture_frame_v1_listener
		ext_frame_listener = {
	.transform = ext_handle_transform,
	.damage = ext_handle_damage,
	.presentation_time = ext_handle_presentation_time,
	.ready = ext_handle_ready,
	.failed = ext_handle_failed,
};

static bool ext_begin(struct client *client, struct client_capture *capture) {
	capture->ext_source =
		ext_output_image_capture_source_manager_v1_create_source(
			client->output_sources, client->output);
	if (capture->ext_source == NULL) {
		return client_fail(client, "no memory");
	}
	/* The first frame of a session never waits for a change. */
	capture->ext_session =
		ext_image_copy_capture_manager_v1_create_session(
			client->copy_capture, capture->ext_source, 0);
	if (capture->ext_session == NULL) {
		return client_fail(client, "no memory");
	}
	ext_image_copy_capture_session_v1_add_listener(capture->ext_session,
		&ext_session_listener, capture);
	return client_wait(client, &capture->described,
		"the capture session's description");
}

static bool ext_copy(struct client *client, struct client_capture *capture,
		struct client_buffer *buffer) {
	capture->ext_frame = ext_image_copy_capture_session_v1_create_frame(
		capture->ext_session);
	if (capture->ext_frame == NULL) {
		return client_fail(client, "no memory");
	}
	ext_image_copy_capture_frame_v1_add_listener(capture->ext_frame,
		&ext_frame_listener, capture);
	ext_image_copy_capture_frame_v1_attach_buffer(capture->ext_frame,
		buffer->buffer);
	ext_image_copy_capture_frame_v1_damage_buffer(capture->ext_frame, 0, 0,
		buffer->width, buffer->height);
	ext_image_copy_capture_frame_v1_capture(capture->ext_frame);
	return true;
}

/* Weston's output capture */

static void weston_handle_format(void *data,
		struct weston_capture_source_v1 *source, uint32_t drm_format) {
	/* Except for two, wl_shm's formats are DRM fourcc codes. */
	uint32_t format = drm_format;
	if (drm_format == WESTON_ARGB8888) {
		format = WL_SHM_FORMAT_ARGB8888;
	} else if (drm_format == WESTON_XRGB8888) {
		format = WL_SHM_FORMAT_XRGB8888;
	}
	offer_format(data, format);
}

static void weston_handle_size(void *data,
		struct weston_capture_source_v1 *source, int32_t width,
		int32_t height) {
	set_size(data, width, height);
}

static void weston_handle_complete(void *data,
		struct weston_capture_source_v1 *source) {
	struct client_capture *capture = data;
	capture->over = true;
}

static void weston_handle_retry(void *data,
		struct weston_capture_source_v1 *source) {
	set_failed(data, "the buffer does not meet the constraints");
}

static void weston_handle_failed(void *data,
		struct weston_capture_source_v1 *source, const char *reason) {
	set_failed(data, reason != NULL ? reason : "the compositor gave no "
			"reason");
}

static const struct weston_capture_source_v1_listener weston_source_listener = {
	.format = weston_handle_format,
	.size = weston_handle_size,
	.complete = weston_handle_complete,
	.retry = weston_handle_retry,
	.failed = weston_handle_failed,
};

static bool weston_begin(struct client *client,
		struct client_capture *capture) {
	capture->weston_source = weston_capture_v1_create(
		client->weston_capture, client->output,
		WESTON_CAPTURE_V1_SOURCE_FRAMEBUFFER);
	if (capture->weston_source == NULL) {
		return client_fail(client, "no memory");
	}
	weston_capture_source_v1_add_listener(capture->weston_source,
		&weston_source_listener, capture);
	/* No event marks the end of the list. */
	return client_roundtrip(client);
}

/* Any format of the list */

bool client_capture_is_possible(const struct client *client) {
	bool has_ext = client->copy_capture != NULL &&
		client->output_sources != NULL;
	return client->output != NULL && client->output_is_plain &&
		(client->screencopy != NULL || has_ext ||
		client->weston_capture != NULL);
}

bool client_capture_begin(struct client *client,
		struct client_capture *capture) {
	*capture = (struct client_capture){ .client = client };
	bool ok;
	if (!client_capture_is_possible(client)) {
		return client_fail(client, "the compositor has no protocol for "
			"captures, or not exactly one output without scale and "
			"transform");
	}
	if (client->screencopy != NULL) {
		ok = wlr_begin(client, capture);
	} else if (client->copy_capture != NULL &&
			client->output_sources != NULL) {
		ok = ext_begin(client, capture);
	} else {
		ok = weston_begin(client, capture);
	}
	if (!ok) {
		return false;
	}
	if (capture->failed) {
		return client_fail(client,
			"the compositor cannot capture its output: %s",
			capture->reason);
	}
	return (capture->has_format && capture->width > 0 &&
			capture->height > 0) ||
		client_fail(client, "the compositor does not describe the "
			"buffer for a capture");
}

void client_capture_end(struct client_capture *capture) {
	if (capture->wlr_frame != NULL) {
		zwlr_screencopy_frame_v1_destroy(capture->wlr_frame);
		capture->wlr_frame = NULL;
	}
	if (capture->ext_frame != NULL) {
		ext_image_copy_capture_frame_v1_destroy(capture->ext_frame);
		capture->ext_frame = NULL;
	}
	if (capture->ext_session != NULL) {
		ext_image_copy_capture_session_v1_destroy(
			capture->ext_session);
		capture->ext_session = NULL;
	}
	if (capture->ext_source != NULL) {
		ext_image_capture_source_v1_destroy(capture->ext_source);
		capture->ext_source = NULL;
	}
	if (capture->weston_source != NULL) {
		weston_capture_source_v1_destroy(capture->weston_source);
		capture->weston_source = NULL;
	}
}

bool client_capture_copy(struct client_capture *capture,
		struct client_buffer *buffer) {
	struct client *client = capture->client;
	if (capture->wlr_frame != NULL) {
		zwlr_screencopy_frame_v1_copy(capture->wlr_frame,
			buffer->buffer);
	} else if (capture->weston_source != NULL) {
		weston_capture_source_v1_capture(capture->weston_source,
			buffer->buffer);
	} else if (!ext_copy(client, capture, buffer)) {
		return false;
	}
	if (!client_wait(client, &capture->over, "the captured picture")) {
		return false;
	}
	return !capture->failed ||
		client_fail(client, "the capture failed: %s", capture->reason);
}

bool client_capture_read(struct client_capture *capture,
		const struct client_buffer *buffer,
		struct client_image *image) {
	struct client *client = capture->client;
	bool red_first;
	if (!has_red_first(capture->format, &red_first)) {
		return client_fail(client, "the picture has the unexpected "
				"format %#x",
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
		/* A pixel that the compositor does not write must be noticed. */
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
