/* SPDX-License-Identifier: MIT */
/*
 * One wl_buffer, and what remains of it while the compositor holds it.
 */
#include <assert.h>
#include <stdlib.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "commits.h"
#include "context.h"
#include "pool.h"

static void handle_destroy(struct wl_client *client,
		struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static const struct wl_buffer_interface buffer_impl = {
	.destroy = handle_destroy,
};

static void handle_resource_destroy(struct wl_resource *resource) {
	sp_buffer_leave_resource(wl_resource_get_user_data(resource));
}

void sp_buffer_leave_resource(struct sealpool_buffer *buffer) {
	buffer->resource = NULL;
	/* The contents are those of the last commit from now on: what is not
	 * stale stays so, whatever else is committed. */
	sp_commits_forget_buffer(buffer);
	sealpool_buffer_unref(buffer);
}

static void buffer_destroy(struct sealpool_buffer *buffer) {
	sp_memory_finish(buffer);
	wl_list_remove(&buffer->link);
	sp_client_dismiss_buffer(buffer->pool->client);
	if (buffer->memory.fd_behind) {
		sp_client_discharge_fd(buffer->pool->client);
	}
	sp_pool_unref(buffer->pool);
	free(buffer);
}

struct sealpool_buffer *sp_buffer_new(struct sp_pool *pool,
		const struct sp_layout *layout) {
	if (!sp_client_admit_buffer(pool->client)) {
		return NULL;
	}
	struct sealpool_buffer *buffer = calloc(1, sizeof(*buffer));
	if (buffer == NULL) {
		sp_client_dismiss_buffer(pool->client);
		sp_post_no_memory(pool->client->context,
			pool->client->wl_client);
		return NULL;
	}
	buffer->pool = pool;
	sp_pool_ref(pool);
	wl_list_insert(&pool->buffers, &buffer->link);
	buffer->refs = 1;
	buffer->layout = *layout;
	return buffer;
}

void sp_buffer_create(struct sp_pool *pool, struct wl_client *client,
		uint32_t id, const struct sp_layout *layout) {
	struct sp_context *context = pool->client->context;
	struct sealpool_buffer *buffer = sp_buffer_new(pool, layout);
	if (buffer == NULL) {
		return;
	}
	sp_memory_init(buffer);
	buffer->resource =
		wl_resource_create(client, &wl_buffer_interface, 1, id);
	if (buffer->resource == NULL) {
		sp_post_no_memory(context, client);
		buffer_destroy(buffer);
		return;
	}
	wl_resource_set_implementation(buffer->resource, &buffer_impl, buffer,
		handle_resource_destroy);

	if (context->new_buffer != NULL &&
			!context->new_buffer(buffer, context->new_buffer_data)) {
		sp_post_no_memory(context, client);
		wl_resource_destroy(buffer->resource);
	}
}

struct sealpool_buffer *sealpool_buffer_try_from_resource(
		struct wl_resource *resource) {
	if (!wl_resource_instance_of(resource, &wl_buffer_interface,
			&buffer_impl)) {
		return NULL;
	}
	return wl_resource_get_user_data(resource);
}

struct sealpool_buffer *sealpool_buffer_ref(struct sealpool_buffer *buffer) {
	buffer->refs++;
	return buffer;
}

void sealpool_buffer_unref(struct sealpool_buffer *buffer) {
	assert(buffer->refs > 0);
	if (--buffer->refs == 0) {
		buffer_destroy(buffer);
	}
}

struct wl_resource *sealpool_buffer_get_resource(
		struct sealpool_buffer *buffer) {
	return buffer->resource;
}

int32_t sealpool_buffer_get_width(const struct sealpool_buffer *buffer) {
	return buffer->layout.width;
}

int32_t sealpool_buffer_get_height(const struct sealpool_buffer *buffer) {
	return buffer->layout.height;
}

int32_t sealpool_buffer_get_stride(const struct sealpool_buffer *buffer) {
	return (int32_t)buffer->layout.planes[0].stride;
}

int32_t sealpool_buffer_get_offset(const struct sealpool_buffer *buffer) {
	return (int32_t)sp_layout_start(&buffer->layout);
}

uint32_t sealpool_buffer_get_format(const struct sealpool_buffer *buffer) {
	return buffer->layout.format->drm;
}

enum sealpool_memory_kind sealpool_buffer_get_kind(
		const struct sealpool_buffer *buffer) {
	return atomic_load_explicit(&buffer->memory.kind, memory_order_acquire);
}

void sealpool_buffer_send_release(struct sealpool_buffer *buffer) {
	if (buffer->resource != NULL) {
		wl_buffer_send_release(buffer->resource);
	}
}
