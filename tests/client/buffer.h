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

/** A wl_shm_pool. Its size may differ from that of its memory. */
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
	/* Not in use by the compositor: only then may it be drawn on. */
	bool released;
	/* How often it was released. */
	unsigned releases;
};

/** Creates a pool of "size" bytes. The memory may be smaller. */
bool client_pool_create(struct client *client, struct client_pool *pool,
	struct client_memory *memory, int32_t size);
void client_pool_resize(struct client_pool *pool, int32_t size);
void client_pool_destroy(struct client_pool *pool);

/** Creates an XRGB8888 buffer, at any place. */
bool client_buffer_create(struct client_pool *pool,
	struct client_buffer *buffer, int32_t offset, int32_t width,
	int32_t height, int32_t stride);
/** The same in another of wl_shm's formats. */
bool client_buffer_create_with_format(struct client_pool *pool,
	struct client_buffer *buffer, int32_t offset, int32_t width,
	int32_t height, int32_t stride, uint32_t format);
void client_buffer_destroy(struct client_buffer *buffer);

/**
 * The buffer's pixels as an image, which is valid until its memory grows, is truncated or
 * destroyed. Fails if the file does not have all of them.
 */
bool client_buffer_get_image(struct client *client,
	const struct client_buffer *buffer, struct client_image *image);

/** Waits until the compositor has released the buffer. */
bool client_buffer_wait_released(struct client *client,
	const struct client_buffer *buffer);

#endif
