/* SPDX-License-Identifier: MIT */
/*
 * Pools and buffers, valid or invalid as the test wants them.
 */
#include <wayland-client.h>

#include "buffer.h"
#include "client.h"
#include "image.h"
#include "memory.h"

bool client_pool_create(struct client *client, struct client_pool *pool,
		struct client_memory *memory, int32_t size) {
	*pool = (struct client_pool){
		.client = client,
		.memory = memory,
		.pool = wl_shm_create_pool(client->shm, memory->fd, size),
	};
	return pool->pool != NULL ||
		client_fail(client, "cannot send wl_shm.create_pool");
}

void client_pool_resize(struct client_pool *pool, int32_t size) {
	wl_shm_pool_resize(pool->pool, size);
}

void client_pool_destroy(struct client_pool *pool) {
	if (pool->pool != NULL) {
		wl_shm_pool_destroy(pool->pool);
		pool->pool = NULL;
	}
}

static void handle_release(void *data, struct wl_buffer *wl_buffer) {
	struct client_buffer *buffer = data;
	buffer->released = true;
	buffer->releases++;
}

static const struct wl_buffer_listener buffer_listener = {
	.release = handle_release,
};

bool client_buffer_create_with_format(struct client_pool *pool,
		struct client_buffer *buffer, int32_t offset, int32_t width,
		int32_t height, int32_t stride, uint32_t format) {
	*buffer = (struct client_buffer){
		.memory = pool->memory,
		.offset = offset,
		.width = width,
		.height = height,
		.stride = stride,
		.released = true,
		.buffer = wl_shm_pool_create_buffer(pool->pool, offset, width,
			height, stride, format),
	};
	if (buffer->buffer == NULL) {
		return client_fail(pool->client,
			"cannot send wl_shm_pool.create_buffer");
	}
	wl_buffer_add_listener(buffer->buffer, &buffer_listener, buffer);
	return true;
}

bool client_buffer_create(struct client_pool *pool,
		struct client_buffer *buffer, int32_t offset, int32_t width,
		int32_t height, int32_t stride) {
	return client_buffer_create_with_format(pool, buffer, offset, width,
		height, stride, WL_SHM_FORMAT_XRGB8888);
}

void client_buffer_destroy(struct client_buffer *buffer) {
	if (buffer->buffer != NULL) {
		wl_buffer_destroy(buffer->buffer);
		buffer->buffer = NULL;
	}
}

bool client_buffer_get_image(struct client *client,
		const struct client_buffer *buffer,
		struct client_image *image) {
	size_t end = (size_t)buffer->offset +
		(size_t)buffer->stride * (size_t)buffer->height;
	if (buffer->memory->data == NULL || buffer->memory->size < end) {
		return client_fail(client,
			"the buffer ends at byte %zu, but the file has %zu "
				"bytes", end,
			buffer->memory->size);
	}
	*image = (struct client_image){
		.width = buffer->width,
		.height = buffer->height,
		.stride = buffer->stride,
		.data = (char *)buffer->memory->data + buffer->offset,
	};
	return true;
}

bool client_buffer_wait_released(struct client *client,
		const struct client_buffer *buffer) {
	return client_wait(client, &buffer->released, "wl_buffer.release");
}
