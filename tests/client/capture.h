/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CAPTURE_H
#define CLIENT_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

struct client;
struct client_buffer;
struct client_image;
struct ext_image_capture_source_v1;
struct ext_image_copy_capture_frame_v1;
struct ext_image_copy_capture_session_v1;
struct weston_capture_source_v1;
struct zwlr_screencopy_frame_v1;

/**
 * A capture of the output with wlr-screencopy, ext-image-copy-capture or Weston's output
 * capture: the first of them that the compositor has.
 */
struct client_capture {
	struct client *client;
	struct zwlr_screencopy_frame_v1 *wlr_frame;
	struct ext_image_capture_source_v1 *ext_source;
	struct ext_image_copy_capture_session_v1 *ext_session;
	struct ext_image_copy_capture_frame_v1 *ext_frame;
	struct weston_capture_source_v1 *weston_source;
	/* The required buffer: wl_shm format, size in pixels, stride in bytes. */
	uint32_t format;
	bool has_format;
	int32_t width, height, stride;

	/* The bottom row comes first. */
	bool y_invert;
	bool described, over, failed;
	/* The compositor's reason for a failure, if it gave one. */
	char reason[128];
};

/**
 * Returns whether the compositor has a protocol for captures, and exactly one output,
 * whose pixels are those of clients, neither scaled nor transformed. It may still refuse
 * this client.
 */
bool client_capture_is_possible(const struct client *client);

/** Requests a capture, and waits until the compositor has described the buffer that it
 * needs. */
bool client_capture_begin(struct client *client,
	struct client_capture *capture);
void client_capture_end(struct client_capture *capture);

/** Has the capture written to a buffer, and waits for it. */
bool client_capture_copy(struct client_capture *capture,
	struct client_buffer *buffer);

/** Makes an image of the buffer, with the top row first. */
bool client_capture_read(struct client_capture *capture,
	const struct client_buffer *buffer, struct client_image *image);

/**
 * Does all of it: captures the output in memory of a kind. The image shows all that this
 * client has committed before. The caller destroys it.
 */
bool client_capture_output(struct client *client, enum client_memory_kind kind,
	struct client_image *image);

#endif
