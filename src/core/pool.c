/* SPDX-License-Identifier: MIT */
/*
 * One wl_shm_pool: a file and a size.
 *
 * Creating or resizing a pool maps nothing and promises nothing. It is the
 * buffer whose range is judged, and mapped, when it is made.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "context.h"
#include "format.h"
#include "pool.h"

static struct sp_pool *pool_from_resource(struct wl_resource *resource) {
	return wl_resource_get_user_data(resource);
}

static void pool_handle_create_buffer(struct wl_client *client,
		struct wl_resource *resource, uint32_t id, int32_t offset,
		int32_t width, int32_t height, int32_t stride,
		uint32_t wl_shm_format) {
	struct sp_pool *pool = pool_from_resource(resource);
	struct sp_context *context = pool->client->context;
	uint32_t drm = sp_format_wl_shm_to_drm(wl_shm_format);
	const struct sp_format *format = sp_format_get(drm);
	/* The DRM codes of wl_shm's own two formats are not wl_shm's. */
	if (format == NULL || !sp_context_has_format(context, drm) ||
			sp_format_drm_to_wl_shm(drm) != wl_shm_format) {
		sp_post_error(context, resource, WL_SHM_ERROR_INVALID_FORMAT,
			"format 0x%08" PRIx32 " is not one that was announced",
			wl_shm_format);
		return;
	}
	if (offset < 0 || width <= 0 || height <= 0 || stride <= 0) {
		sp_post_error(context, resource, WL_SHM_ERROR_INVALID_STRIDE,
			"invalid size %" PRIi32 "x%" PRIi32 ", stride %" PRIi32
			" or offset %" PRIi32, width, height, stride, offset);
		return;
	}
	struct sp_layout layout;
	if (!sp_layout_init(&layout, format, offset, width, height, stride)) {
		sp_post_error(context, resource, WL_SHM_ERROR_INVALID_STRIDE,
			"stride of %" PRIi32 " bytes does not fit a width of "
			"%" PRIi32 " in format 0x%08" PRIx32, stride, width,
			wl_shm_format);
		return;
	}
	if (layout.end > (uint64_t)pool->size) {
		sp_post_error(context, resource, WL_SHM_ERROR_INVALID_STRIDE,
			"a buffer that ends at byte %" PRIu64 " is outside a "
			"pool of %" PRIi32 " bytes", layout.end, pool->size);
		return;
	}
	sp_buffer_create(pool, client, id, &layout);
}

static void pool_handle_destroy(struct wl_client *client,
		struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static void pool_handle_resize(struct wl_client *client,
		struct wl_resource *resource, int32_t size) {
	struct sp_pool *pool = pool_from_resource(resource);
	if (size < pool->size) {
		sp_post_error(pool->client->context, resource,
			WL_SHM_ERROR_INVALID_FD, "a pool cannot shrink from %" PRIi32 " to %" PRIi32
			" bytes", pool->size, size);
		return;
	}
	pool->size = size;
	sp_backing_grow(&pool->backing, (uint64_t)size);
}

static const struct wl_shm_pool_interface pool_impl = {
	.create_buffer = pool_handle_create_buffer,
	.destroy = pool_handle_destroy,
	.resize = pool_handle_resize,
};

struct sp_pool *sp_pool_try_from_resource(struct wl_resource *resource) {
	return wl_resource_instance_of(resource, &wl_shm_pool_interface,
		&pool_impl) ? pool_from_resource(resource) : NULL;
}

static void pool_handle_resource_destroy(struct wl_resource *resource) {
	struct sp_pool *pool = pool_from_resource(resource);
	pool->resource = NULL;
	sp_pool_unref(pool);
}

struct sp_pool *sp_pool_new(struct sp_context *context,
		struct wl_client *wl_client, struct sp_file *file,
		int32_t size) {
	/* Before there is a buffer to be accessed. */
	sp_mailbox_note_thread(&context->mailbox);
	struct sp_client *client = sp_client_get(context, wl_client);
	if (client == NULL) {
		sp_post_no_memory(context, wl_client);
		goto error_file;
	}
	if (!sp_client_admit_pool(client)) {
		goto error_file;
	}
	struct sp_pool *pool = calloc(1, sizeof(*pool));
	if (pool == NULL) {
		sp_post_no_memory(context, wl_client);
		goto error_admitted;
	}
	if (sp_backing_init(&pool->backing, &context->memory, &client->account,
			&client->spare, &client->counters, file,
			(uint64_t)size) < 0) {
		sp_post_no_memory(context, wl_client);
		goto error_pool;
	}
	pool->client = client;
	sp_client_ref(client);
	wl_list_insert(client->pools.prev, &pool->link);
	wl_list_init(&pool->buffers);
	wl_list_init(&pool->lents);
	pool->refs = 1;
	pool->size = size;
	return pool;

error_pool:
	free(pool);
error_admitted:
	sp_client_dismiss_pool(client, true);
error_file:
	sp_file_finish(file);
	return NULL;
}

void sp_pool_refuse_file(struct sp_context *context,
		struct wl_resource *shm_resource, int error,
		const char *reason) {
	if (error != -EINVAL && error != -EACCES && error != -EBADF) {
		struct wl_client *wl_client =
			wl_resource_get_client(shm_resource);
		pid_t pid;
		wl_client_get_credentials(wl_client, &pid, NULL, NULL);
		sp_log(context, SEALPOOL_LOG_ERROR, "client %d: the pool's "
			"file %s: %s: disconnected", (int)pid, reason,
			strerror(-error));
		wl_client_post_no_memory(wl_client);
		return;
	}
	sp_post_error(context, shm_resource, WL_SHM_ERROR_INVALID_FD,
		"the pool's file %s", reason);
}

void sp_pool_create(struct sp_context *context, struct wl_client *wl_client,
		struct wl_resource *shm_resource, uint32_t id, int fd,
		int32_t size) {
	if (size <= 0) {
		sp_post_error(context, shm_resource, WL_SHM_ERROR_INVALID_STRIDE,
			"invalid pool size of %" PRIi32 " bytes", size);
		sp_file_discard_fd(fd);
		return;
	}

	struct sp_file file;
	const char *reason;
	int ret = sp_file_init(&file, fd, &reason);
	if (ret < 0) {
		sp_pool_refuse_file(context, shm_resource, ret, reason);
		sp_file_discard_fd(fd);
		return;
	}

	struct sp_pool *pool = sp_pool_new(context, wl_client, &file, size);
	if (pool == NULL) {
		return;
	}
	pool->resource = wl_resource_create(wl_client, &wl_shm_pool_interface,
		wl_resource_get_version(shm_resource), id);
	if (pool->resource == NULL) {
		sp_post_no_memory(context, wl_client);
		sp_pool_unref(pool);
		return;
	}
	wl_resource_set_implementation(pool->resource, &pool_impl, pool,
		pool_handle_resource_destroy);
}

void sp_pool_ref(struct sp_pool *pool) {
	pool->refs++;
}

void sp_pool_unref(struct sp_pool *pool) {
	assert(pool->refs > 0);
	if (--pool->refs > 0) {
		return;
	}
	assert(wl_list_empty(&pool->buffers));
	bool has_fd = sp_backing_finish(&pool->backing);
	wl_list_remove(&pool->link);
	if (pool->fd_behind) {
		sp_account_discharge(&pool->client->account, SP_RESOURCE_FDS, 1);
	}
	sp_client_dismiss_pool(pool->client, has_fd);
	sp_client_unref(pool->client);
	free(pool);
}
