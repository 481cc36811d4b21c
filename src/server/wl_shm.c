/* SPDX-License-Identifier: MIT */
/*
 * The requests of wl_shm, wl_shm_pool and wl_buffer.
 *
 * All checks of a client's arguments are here. pool.c and buffer.c create the objects.
 */
#include <assert.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <inttypes.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "context.h"
#include "image/format.h"
#include "pool.h"
#include "wl_shm.h"

/* libwayland before 1.22.90 has only version 1, which has no release request. */
#ifdef WL_SHM_RELEASE_SINCE_VERSION
#define SHM_VERSION 2
#else
#define SHM_VERSION 1
#endif

/* Formats */

uint32_t sp_wl_shm_format_from_drm(uint32_t drm) {
	switch (drm) {
	case DRM_FORMAT_ARGB8888:
		return WL_SHM_FORMAT_ARGB8888;
	case DRM_FORMAT_XRGB8888:
		return WL_SHM_FORMAT_XRGB8888;
	default:
		return drm;
	}
}

uint32_t sp_wl_shm_format_to_drm(uint32_t format) {
	switch (format) {
	case WL_SHM_FORMAT_ARGB8888:
		return DRM_FORMAT_ARGB8888;
	case WL_SHM_FORMAT_XRGB8888:
		return DRM_FORMAT_XRGB8888;
	default:
		return format;
	}
}

/* wl_buffer */

static void handle_destroy(struct wl_client *client,
		struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static const struct wl_buffer_interface buffer_impl = {
	.destroy = handle_destroy,
};

static void buffer_handle_resource_destroy(struct wl_resource *resource) {
	sp_buffer_leave_resource(wl_resource_get_user_data(resource));
}

/* As long as all is read in place, nobody needs to know what is committed. */
static void tell_needs(struct sealpool_buffer *buffer) {
	if (sp_view_needs_commits(&buffer->view)) {
		wl_signal_emit(&buffer->pool->client->context->commits_needed,
			NULL);
	}
}

/* By now, the client has drawn it. (Apart from what follows, as the compiler would save
 * registers for it there.) */
__attribute__((noinline))
static struct sealpool_buffer *handle_found(struct sealpool_buffer *buffer) {
	sp_view_handle_attach(&buffer->view);
	if (sp_view_wants_commits(&buffer->view) &&
			!sp_view_needs_commits(&buffer->view)) {
		sp_view_handle_commit(&buffer->view);
	}
	tell_needs(buffer);
	return buffer;
}

/* The arguments are valid. */
static void create_buffer(struct sp_pool *pool, struct wl_client *client,
		uint32_t id, const struct sp_layout *layout) {
	struct sp_context *context = pool->client->context;
	struct sealpool_buffer *buffer = sp_buffer_new(pool, layout, false);
	if (buffer == NULL) {
		return;
	}
	buffer->resource =
		wl_resource_create(client, &wl_buffer_interface, 1, id);
	if (buffer->resource == NULL) {
		sp_post_no_memory(context, client);
		sealpool_buffer_unref(buffer);
		return;
	}
	wl_resource_set_implementation(buffer->resource, &buffer_impl, buffer,
		buffer_handle_resource_destroy);
	tell_needs(buffer);
	wl_signal_emit(&context->new_buffer, buffer);
}

struct sealpool_buffer *sealpool_buffer_try_from_resource(
		struct wl_resource *resource) {
	if (!wl_resource_instance_of(resource, &wl_buffer_interface,
			&buffer_impl)) {
		return NULL;
	}
	/* The compositor has it at hand: it was attached, or lent. */
	struct sealpool_buffer *buffer = wl_resource_get_user_data(resource);
	return sp_view_is_settled(&buffer->view) ? buffer :
		handle_found(buffer);
}

/* wl_shm_pool */

bool sp_wl_shm_make_layout(struct sp_pool *pool, struct wl_resource *resource,
		const struct sp_place *place, bool padded,
		struct sp_layout *layout) {
	struct sp_context *context = pool->client->context;
	const struct sp_format *format =
		sp_format_get(sp_wl_shm_format_to_drm(place->format));
	if (!(padded ? sp_layout_init_padded : sp_layout_init)(layout, format,
			place->offset, place->width, place->height,
			place->stride)) {
		sp_post_error(context, resource, WL_SHM_ERROR_INVALID_STRIDE,
			"stride of %" PRIi32 " bytes does not fit a width of "
			"%" PRIi32 " in format 0x%08" PRIx32, place->stride,
			place->width, place->format);
		return false;
	}
	if (layout->end > (uint64_t)pool->size) {
		sp_post_error(context, resource, WL_SHM_ERROR_INVALID_STRIDE,
			"a buffer that ends at byte %" PRIu64 " is outside a "
			"pool of %" PRIi32 " bytes", layout->end, pool->size);
		return false;
	}
	return true;
}

static struct sp_pool *pool_from_resource(struct wl_resource *resource) {
	return wl_resource_get_user_data(resource);
}

static void pool_handle_create_buffer(struct wl_client *client,
		struct wl_resource *resource, uint32_t id, int32_t offset,
		int32_t width, int32_t height, int32_t stride,
		uint32_t wl_shm_format) {
	struct sp_pool *pool = pool_from_resource(resource);
	struct sp_context *context = pool->client->context;
	uint32_t drm = sp_wl_shm_format_to_drm(wl_shm_format);
	/* wl_shm has codes of its own for two formats; their DRM codes are invalid. */
	if (!sp_context_has_format(context, drm) ||
			sp_wl_shm_format_from_drm(drm) != wl_shm_format) {
		sp_post_error(context, resource, WL_SHM_ERROR_INVALID_FORMAT,
			"format 0x%08" PRIx32 " was not advertised",
			wl_shm_format);
		return;
	}
	const struct sp_place place = {
		offset, width, height, stride, wl_shm_format,
	};
	if (!sp_place_is_positive(&place)) {
		sp_post_error(context, resource, WL_SHM_ERROR_INVALID_STRIDE,
			"invalid size %" PRIi32 "x%" PRIi32 ", stride %" PRIi32
			" or offset %" PRIi32, width, height, stride, offset);
		return;
	}
	struct sp_layout layout;
	if (sp_wl_shm_make_layout(pool, resource, &place,
			context->front->pads_rows, &layout)) {
		create_buffer(pool, client, id, &layout);
	}
}

static void pool_handle_resize(struct wl_client *client,
		struct wl_resource *resource, int32_t size) {
	struct sp_pool *pool = pool_from_resource(resource);
	if (size < pool->size) {
		sp_post_error(pool->client->context, resource,
			WL_SHM_ERROR_INVALID_FD,
			"a pool cannot shrink from %" PRIi32 " to %" PRIi32
			" bytes", pool->size, size);
		return;
	}
	pool->size = size;
	sp_backing_grow(&pool->backing, (uint64_t)size);
}

static const struct wl_shm_pool_interface pool_impl = {
	.create_buffer = pool_handle_create_buffer,
	.destroy = handle_destroy,
	.resize = pool_handle_resize,
};

struct sp_pool *sp_pool_try_from_resource(struct wl_resource *resource) {
	return wl_resource_instance_of(resource, &wl_shm_pool_interface,
		&pool_impl) ? pool_from_resource(resource) : NULL;
}

static void pool_handle_resource_destroy(struct wl_resource *resource) {
	sp_pool_leave_resource(pool_from_resource(resource));
}

/* wl_shm */

static void shm_handle_create_pool(struct wl_client *wl_client,
		struct wl_resource *shm_resource, uint32_t id, int fd,
		int32_t size) {
	struct sp_context *context = wl_resource_get_user_data(shm_resource);
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

static const struct wl_shm_interface shm_impl = {
	.create_pool = shm_handle_create_pool,
#if SHM_VERSION >= 2
	.release = handle_destroy,
#endif
};

static void shm_handle_resource_destroy(struct wl_resource *resource) {
	sp_context_unref(wl_resource_get_user_data(resource));
}

static void shm_bind(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	struct sp_context *context = data;
	struct wl_resource *resource = wl_resource_create(client,
		&wl_shm_interface, (int)version, id);
	if (resource == NULL) {
		sp_post_no_memory(context, client);
		return;
	}
	wl_resource_set_implementation(resource, &shm_impl,
		sp_context_ref(context), shm_handle_resource_destroy);
	for (size_t i = 0; i < context->formats_len; i++) {
		wl_shm_send_format(resource,
			sp_wl_shm_format_from_drm(context->formats[i]));
	}
}

struct wl_global *sp_wl_shm_create_global(struct sp_context *context,
		uint32_t version) {
	assert(version > 0);
	return wl_global_create(context->display, &wl_shm_interface,
		version < SHM_VERSION ? (int)version : SHM_VERSION, context,
		shm_bind);
}
