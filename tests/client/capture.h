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
 * One picture of the output, being taken with wlr-screencopy,
 * ext-image-copy-capture or Weston's output capture: the first of them that the
 * compositor has.
 */
struct client_capture {
	struct client *client;
	struct zwlr_screencopy_frame_v1 *wlr_frame;
	struct ext_image_capture_source_v1 *ext_source;
	struct ext_image_copy_capture_session_v1 *ext_session;
	struct ext_image_copy_capture_frame_v1 *ext_frame;
	struct weston_capture_source_v1 *weston_source;
	/* What the buffer for it must be like: a wl_shm format, pixels,
	 * bytes. */
	uint32_t format;
	bool has_format;
	int32_t width, height, stride;

	/* The bottom row comes first. */
	bool y_invert;
	bool described, over, failed;
	/* Why, where the compositor has said. */
	char reason[128];
};

/**
 * Whether the compositor has a protocol to take pictures of its output with, and
 * one output, on which clients' pixels are neither scaled nor turned. It may
 * refuse this client all the same.
 */
bool client_capture_is_possible(const struct client *client);

/** Asks for a picture, and waits until the compositor says what it needs. */
bool client_capture_begin(struct client *client,
	struct client_capture *capture);
void client_capture_end(struct client_capture *capture);

/** Has it put into a buffer, and waits until it is there. */
bool client_capture_copy(struct client_capture *capture,
	struct client_buffer *buffer);

/** Makes an image, top row first, of what is in the buffer. */
bool client_capture_read(struct client_capture *capture,
	const struct client_buffer *buffer, struct client_image *image);

/**
 * All of it: takes a picture of the output by way of memory of a kind. It shows
 * all that this client has committed before. To be destroyed by the caller.
 */
bool client_capture_output(struct client *client, enum client_memory_kind kind,
	struct client_image *image);

#endif
