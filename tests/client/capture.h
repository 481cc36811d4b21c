/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CAPTURE_H
#define CLIENT_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

struct client;
struct client_buffer;
struct client_image;
struct zwlr_screencopy_frame_v1;

/** One picture of the output, being taken with wlr-screencopy. */
struct client_capture {
	struct client *client;
	struct zwlr_screencopy_frame_v1 *frame;
	/* What the buffer for it must be like: a wl_shm format, pixels,
	 * bytes. */
	uint32_t format;
	int32_t width, height, stride;

	/* The bottom row comes first. */
	bool y_invert;
	bool described, over, failed;
};

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
