/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_BUFFER_H
#define CLIENT_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct client_image;
struct client_memory;
struct wl_buffer;
struct wl_shm_pool;

/** A wl_shm_pool. Its size need not be that of its memory. */
struct client_pool {
	struct client *client;
	struct client_memory *memory;
	struct wl_shm_pool *pool;
};

/** A wl_buffer. It must not move while it exists. */
struct client_buffer {
	struct client_memory *memory;
	struct wl_buffer *buffer;
	int32_t offset, width, height, stride;
	/* Not with the compositor. To be drawn on only then. */
	bool released;
	/* How often it was given back. */
	unsigned releases;
};

/** Pools of "size" bytes, whatever the size of the memory. */
bool client_pool_create(struct client *client, struct client_pool *pool,
	struct client_memory *memory, int32_t size);
void client_pool_resize(struct client_pool *pool, int32_t size);
void client_pool_destroy(struct client_pool *pool);

/** Creates an XRGB8888 buffer, wherever it may lie. */
bool client_buffer_create(struct client_pool *pool,
	struct client_buffer *buffer, int32_t offset, int32_t width,
	int32_t height, int32_t stride);
/** The same in another of wl_shm's formats. */
bool client_buffer_create_with_format(struct client_pool *pool,
	struct client_buffer *buffer, int32_t offset, int32_t width,
	int32_t height, int32_t stride, uint32_t format);
void client_buffer_destroy(struct client_buffer *buffer);

/**
 * The buffer's pixels as an image that is valid until its memory grows, is cut
 * or destroyed. Fails when the file does not have all of them.
 */
bool client_buffer_get_image(struct client *client,
	const struct client_buffer *buffer, struct client_image *image);

/** Waits until the compositor has given the buffer back. */
bool client_buffer_wait_released(struct client *client,
	const struct client_buffer *buffer);

#endif
