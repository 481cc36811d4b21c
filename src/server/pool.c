/* SPDX-License-Identifier: MIT */
/*
 * One wl_shm_pool: a file and a size.
 *
 * Creating or resizing a pool maps nothing and judges nothing. A range is judged, and
 * mapped, when a buffer is created.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-server-protocol.h>

#include "context.h"
#include "memory/look.h"
#include "pool.h"

static void pool_handle_refused(struct sp_backing *backing) {
	struct sp_pool *pool = wl_container_of(backing, pool, backing);
	if (pool->resource != NULL && !pool->client->disconnecting) {
		sp_pool_refuse_file(pool->client->context, pool->resource,
			-EINVAL, "is not a regular file");
		sp_client_disconnect_later(pool->client);
	}
}

static void pool_handle_closed(struct sp_backing *backing, bool had_fd) {
	struct sp_pool *pool = wl_container_of(backing, pool, backing);
	sp_client_dismiss_pool(pool->client, had_fd);
	sp_client_unref(pool->client);
	free(pool);
}

static const struct sp_look_ops look_ops = {
	.refused = pool_handle_refused,
	.closed = pool_handle_closed,
};

void sp_pool_leave_resource(struct sp_pool *pool) {
	pool->resource = NULL;
	/* Reading the type of a slow file would only delay other files. */
	sp_look_cancel(&pool->backing);
	sp_pool_unref(pool);
}

/* Nothing could be read of it. */
static void refuse_slow_file(struct sp_client *client) {
	sp_post_error(client->context, sp_get_display(client->wl_client),
		WL_DISPLAY_ERROR_IMPLEMENTATION, "wl_shm: a pool's file that is "
		"not memory cannot be read now: there are too many such files, "
		"or they do not answer");
}

struct sp_pool *sp_pool_new(struct sp_context *context,
		struct wl_client *wl_client, struct sp_file *file,
		int32_t size) {
	/* An access needs to know the thread, so note it before there is a buffer. */
	sp_mailbox_note_thread(&context->mailbox);
	struct sp_client *client = sp_client_get(context, wl_client);
	if (client == NULL) {
		sp_post_no_memory(context, wl_client);
		goto error_file;
	}
	if (file->kind == SP_FILE_SLOW && !sp_look_has_room(
			&client->member.identity->reader,
			context->limits.all_fds)) {
		refuse_slow_file(client);
		goto error_file;
	}
	if (!sp_client_admit_pool(client)) {
		goto error_file;
	}
	struct sp_pool *pool = calloc(1, context->front->pool_size);
	if (pool == NULL) {
		sp_post_no_memory(context, wl_client);
		goto error_admitted;
	}
	if (sp_backing_init(&pool->backing, &context->memory, &client->account,
			&client->spare, &client->member.identity->reader, &client->counters,
			file, (uint64_t)size) < 0) {
		sp_post_no_memory(context, wl_client);
		goto error_pool;
	}
	pool->client = client;
	sp_client_ref(client);
	wl_list_insert(client->pools.prev, &pool->link);
	wl_list_init(&pool->buffers);
	pool->refs = 1;
	pool->size = size;
	if (sp_look_begin(&pool->backing, &look_ops) < 0) {
		/* There are no threads. */
		sp_post_no_memory(context, wl_client);
		sp_pool_unref(pool);
		return NULL;
	}
	if (file->kind == SP_FILE_SLOW) {
		sp_context_request_upkeep(context);
	}
	return pool;

error_pool:
	free(pool);
error_admitted:
	sp_client_dismiss_pool(client, true);
error_file:
	sp_file_discard_fd(file->fd);
	return NULL;
}

void sp_pool_refuse_file(struct sp_context *context,
		struct wl_resource *resource, int error,
		const char *reason) {
	if (error != -EINVAL && error != -EACCES && error != -EBADF) {
		struct wl_client *wl_client =
			wl_resource_get_client(resource);
		sp_log(context, SEALPOOL_LOG_ERROR, "client %d: the pool's "
			"file %s: %s: disconnected", sp_get_pid(wl_client), reason,
			strerror(-error));
		wl_client_post_no_memory(wl_client);
		return;
	}
	sp_post_error(context, resource, WL_SHM_ERROR_INVALID_FD,
		"the pool's file %s", reason);
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
	wl_list_remove(&pool->link);
	if (pool->client->context->front->pool_gone != NULL) {
		pool->client->context->front->pool_gone(pool);
	}
	sp_look_close(&pool->backing);
}
