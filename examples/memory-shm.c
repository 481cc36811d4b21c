/* SPDX-License-Identifier: MIT */
/*
 * A wl_shm for compositors on wlroots, built on libsealpool-memory: an example for
 * compositors and libraries that keep their own wl_shm. Everything that uses Wayland is
 * here. Only handle_ready() disconnects clients, never an access.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <wayland-server-core.h>
#include <wayland-server-protocol.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/render/drm_format_set.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/version.h>

#include <sealpool/memory.h>

#include "memory-shm.h"

/* A process is one compositor, so the state is global. */
static struct {
	struct sealpool_memory *memory;
	const struct wlr_drm_format_set *formats;
	struct wl_event_source *source;
	struct wl_listener new_surface, compositor_destroy;
} shm;

struct shm_client {
	struct sealpool_account *account;
	struct wl_listener destroy;
};

struct shm_surface {
	struct wlr_surface *wlr_surface;
	struct shm_buffer *held; /* its commit waits for the file; or NULL */
	uint32_t held_number;
	struct wl_listener client_commit, destroy;
};

struct shm_buffer {
	struct wlr_buffer base;
	struct wl_resource *resource; /* NULL once destroyed */
	struct sealpool_view *view;
	struct sealpool_view_access access; /* wlroots allows one at a time */
	void *discarded; /* instead of memory that cannot be written */
	struct shm_surface *held_by; /* or NULL */
	struct wl_listener release;
};

/* Two of wl_shm's formats are not DRM's codes. */
static uint32_t format_from_wl(uint32_t format) {
	return format == WL_SHM_FORMAT_ARGB8888 ? DRM_FORMAT_ARGB8888 :
		format == WL_SHM_FORMAT_XRGB8888 ? DRM_FORMAT_XRGB8888 : format;
}

static uint32_t format_to_wl(uint32_t format) {
	return format == DRM_FORMAT_ARGB8888 ? WL_SHM_FORMAT_ARGB8888 :
		format == DRM_FORMAT_XRGB8888 ? WL_SHM_FORMAT_XRGB8888 : format;
}

/* Clients */

static void client_handle_destroy(struct wl_listener *listener, void *data) {
	struct shm_client *client = wl_container_of(listener, client, destroy);
	sealpool_account_destroy(client->account);
	free(client);
}

static struct shm_client *client_get(struct wl_client *wl_client) {
	struct wl_listener *listener =
		wl_client_get_destroy_listener(wl_client, client_handle_destroy);
	struct shm_client *client;
	if (listener != NULL) {
		return wl_container_of(listener, client, destroy);
	}
	client = calloc(1, sizeof(*client));
	if (client == NULL || (client->account = sealpool_account_create(
			shm.memory, NULL, wl_client)) == NULL) {
		free(client);
		return NULL;
	}
	client->destroy.notify = client_handle_destroy;
	wl_client_add_destroy_listener(wl_client, &client->destroy);
	return client;
}

static void end_client(struct wl_resource *resource, const char *message) {
	wl_resource_post_error(resource, WL_SHM_ERROR_INVALID_FD, "%s", message);
	wl_client_destroy(wl_resource_get_client(resource));
}

/* Buffers */

static void buffer_destroy(struct wlr_buffer *base) {
	struct shm_buffer *buffer = wl_container_of(base, buffer, base);
	wl_list_remove(&buffer->release.link);
#if WLR_VERSION_NUM >= (19 << 8)
	wlr_buffer_finish(base);
#endif
	sealpool_view_destroy(buffer->view);
	free(buffer);
}

static bool buffer_begin_access(struct wlr_buffer *base, uint32_t wlr_flags,
		void **data, uint32_t *format, size_t *stride) {
	struct shm_buffer *buffer = wl_container_of(base, buffer, base);
	struct sealpool_view_access *access = &buffer->access;
	int ret = sealpool_view_begin(buffer->view,
		wlr_flags & WLR_BUFFER_DATA_PTR_ACCESS_WRITE ?
		SEALPOOL_ACCESS_WRITE : SEALPOOL_ACCESS_READ, access);
	if (ret == -EACCES && buffer->resource != NULL) {
		wl_resource_post_error(buffer->resource,
			WL_SHM_ERROR_INVALID_FD, "the pool's file cannot be "
			"written, as a capture requires");
	}
	/* wlroots' screencopy never releases its lock of the buffer if an access
	 * fails: discard what it writes, at most three times the first plane. */
	buffer->discarded = ret == 0 ? NULL :
		calloc((size_t)base->height, 3 * access->stride);
	*data = ret == 0 ? access->data : buffer->discarded;
	*format = access->format;
	*stride = access->stride;
	return *data != NULL;
}

static void buffer_end_access(struct wlr_buffer *base) {
	struct shm_buffer *buffer = wl_container_of(base, buffer, base);
	sealpool_view_end(buffer->view, &buffer->access);
	free(buffer->discarded);
}

static const struct wlr_buffer_impl buffer_impl = {
	.destroy = buffer_destroy,
	.begin_data_ptr_access = buffer_begin_access,
	.end_data_ptr_access = buffer_end_access,
};

static void buffer_handle_release(struct wl_listener *listener, void *data) {
	struct shm_buffer *buffer = wl_container_of(listener, buffer, release);
	if (buffer->resource != NULL) {
		wl_buffer_send_release(buffer->resource);
	}
}

static void buffer_handle_resource_destroy(struct wl_resource *resource) {
	struct wlr_buffer *base = wl_resource_get_user_data(resource);
	struct shm_buffer *buffer = wl_container_of(base, buffer, base);
	buffer->resource = NULL;
	sealpool_view_freeze(buffer->view);
	wlr_buffer_drop(base);
}

static void handle_destroy(struct wl_client *client,
		struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static const struct wl_buffer_interface buffer_interface = {
	.destroy = handle_destroy,
};

static bool resource_is_buffer(struct wl_resource *resource) {
	return wl_resource_instance_of(resource, &wl_buffer_interface,
		&buffer_interface);
}

static struct wlr_buffer *buffer_from_resource(struct wl_resource *resource) {
	return wl_resource_get_user_data(resource);
}

static const struct wlr_buffer_resource_interface resource_interface = {
	.name = "sealpool-memory",
	.is_instance = resource_is_buffer,
	.from_resource = buffer_from_resource,
};

/* Surfaces. A surface's damage concerns all buffers that it has shown. This example
 * damages the whole committed buffer instead, which is simpler and as correct: a buffer
 * that is not read in place is copied once for each commit. */

static void surface_handle_client_commit(struct wl_listener *listener,
		void *data) {
	struct shm_surface *surface =
		wl_container_of(listener, surface, client_commit);
	const struct wlr_surface_state *pending = &surface->wlr_surface->pending;
	struct wlr_buffer *base = pending->buffer;
	if ((pending->committed & WLR_SURFACE_STATE_BUFFER) && base != NULL &&
			base->impl == &buffer_impl) {
		struct shm_buffer *buffer = wl_container_of(base, buffer, base);
		const struct sealpool_box all = { 0, 0, base->width, base->height };
		if (!sealpool_view_damage(buffer->view, &all, 1) &&
				buffer->held_by == NULL && surface->held == NULL) {
			buffer->held_by = surface;
			surface->held = buffer;
			surface->held_number =
				wlr_surface_lock_pending(surface->wlr_surface);
		}
	}
}

static void surface_handle_destroy(struct wl_listener *listener, void *data) {
	struct shm_surface *surface = wl_container_of(listener, surface, destroy);
	if (surface->held != NULL) {
		surface->held->held_by = NULL;
	}
	wl_list_remove(&surface->client_commit.link);
	wl_list_remove(&surface->destroy.link);
	free(surface);
}

static void handle_new_surface(struct wl_listener *listener, void *data) {
	struct shm_surface *surface = calloc(1, sizeof(*surface));
	if (surface == NULL) {
		return; /* its buffers are copied at each access */
	}
	surface->wlr_surface = data;
	surface->client_commit.notify = surface_handle_client_commit;
	wl_signal_add(&surface->wlr_surface->events.client_commit,
		&surface->client_commit);
	surface->destroy.notify = surface_handle_destroy;
	wl_signal_add(&surface->wlr_surface->events.destroy, &surface->destroy);
}

/* Pools: the user data is the file */

static void pool_create_buffer(struct wl_client *client,
		struct wl_resource *pool, uint32_t id, int32_t offset,
		int32_t width, int32_t height, int32_t stride, uint32_t format) {
	const struct sealpool_layout layout = {
		offset, width, height, stride, format_from_wl(format),
	};
	if (!wlr_drm_format_set_get(shm.formats, layout.format) ||
			!sealpool_format_is_known(layout.format) ||
			format_to_wl(layout.format) != format) {
		wl_resource_post_error(pool, WL_SHM_ERROR_INVALID_FORMAT,
			"format 0x%08x is not one that was announced", format);
		return;
	}
	struct shm_buffer *buffer = calloc(1, sizeof(*buffer));
	struct wl_resource *resource =
		wl_resource_create(client, &wl_buffer_interface, 1, id);
	if (buffer == NULL || resource == NULL) {
		free(buffer);
		wl_client_post_no_memory(client);
		return;
	}
	buffer->view = sealpool_view_create(wl_resource_get_user_data(pool),
		&layout, buffer);
	if (buffer->view == NULL) {
		wl_resource_post_error(pool, WL_SHM_ERROR_INVALID_STRIDE,
			"%dx%d pixels, %d bytes a row, at offset %d are not in "
			"the pool", width, height, stride, offset);
		free(buffer);
		return;
	}
	buffer->resource = resource;
	wlr_buffer_init(&buffer->base, &buffer_impl, width, height);
	wl_resource_set_implementation(resource, &buffer_interface,
		&buffer->base, buffer_handle_resource_destroy);
	buffer->release.notify = buffer_handle_release;
	wl_signal_add(&buffer->base.events.release, &buffer->release);
}

static void pool_resize(struct wl_client *client, struct wl_resource *pool,
		int32_t size) {
	if (sealpool_file_grow(wl_resource_get_user_data(pool),
			(uint64_t)size) < 0) {
		wl_resource_post_error(pool, WL_SHM_ERROR_INVALID_FD,
			"a pool cannot shrink");
	}
}

static const struct wl_shm_pool_interface pool_interface = {
	.create_buffer = pool_create_buffer,
	.destroy = handle_destroy,
	.resize = pool_resize,
};

static void pool_handle_resource_destroy(struct wl_resource *pool) {
	sealpool_file_close(wl_resource_get_user_data(pool));
}

/* The global */

static void shm_create_pool(struct wl_client *wl_client,
		struct wl_resource *resource, uint32_t id, int fd, int32_t size) {
	struct shm_client *client = client_get(wl_client);
	struct wl_resource *pool = wl_resource_create(wl_client,
		&wl_shm_pool_interface, wl_resource_get_version(resource), id);
	if (client == NULL || pool == NULL) {
		close(fd);
		wl_client_post_no_memory(wl_client);
		return;
	}
	const char *reason;
	struct sealpool_file *file = sealpool_file_open(client->account, fd,
		(uint64_t)size, pool, &reason);
	wl_resource_set_implementation(pool, &pool_interface, file,
		pool_handle_resource_destroy);
	if (file == NULL) {
		wl_resource_post_error(resource, size > 0 ?
			WL_SHM_ERROR_INVALID_FD : WL_SHM_ERROR_INVALID_STRIDE,
			"the pool's file %s", reason);
	}
}

static const struct wl_shm_interface shm_interface = {
	.create_pool = shm_create_pool,
};

static void shm_bind(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	struct wl_resource *resource = wl_resource_create(client,
		&wl_shm_interface, (int)version, id);
	if (resource == NULL) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(resource, &shm_interface, NULL, NULL);
	for (size_t i = 0; i < shm.formats->len; i++) {
		uint32_t format = shm.formats->formats[i].format;
		if (sealpool_format_is_known(format)) {
			wl_shm_send_format(resource, format_to_wl(format));
		}
	}
}

/* Hooks of libsealpool-memory */

static void handle_exceeded(struct sealpool_account *account,
		const char *reason, void *data) {
	wl_client_post_implementation_error(data, "wl_shm: the client %s", reason);
	wl_client_destroy(data);
}

static void handle_refused(struct sealpool_file *file, void *data) {
	end_client(data, "the pool's file is not a regular file");
}

static void handle_short_file(struct sealpool_view *view,
		uint64_t file_size, void *data) {
	struct shm_buffer *buffer = data;
	if (buffer->resource != NULL) {
		end_client(buffer->resource, "the pool's file is too short");
	}
}

static void handle_answered(struct sealpool_view *view, void *data) {
	struct shm_buffer *buffer = data;
	struct shm_surface *surface = buffer->held_by;
	if (surface != NULL) {
		buffer->held_by = NULL;
		surface->held = NULL;
		wlr_surface_unlock_cached(surface->wlr_surface,
			surface->held_number);
	}
}

static int handle_ready(int fd, uint32_t mask, void *data) {
	sealpool_memory_dispatch(shm.memory);
	return 0;
}

static void handle_compositor_destroy(struct wl_listener *listener, void *data) {
	wl_list_remove(&shm.new_surface.link);
	wl_list_remove(&shm.compositor_destroy.link);
	wl_event_source_remove(shm.source);
	sealpool_memory_destroy(shm.memory);
}

bool memory_shm_create(struct wl_display *display,
		struct wlr_compositor *compositor, struct wlr_renderer *renderer) {
	const struct sealpool_memory_options options = {
		.size = sizeof(options),
		.exceeded = handle_exceeded,
		.refused = handle_refused,
		.short_file = handle_short_file,
		.answered = handle_answered,
	};
	shm.formats = wlr_renderer_get_texture_formats(renderer,
		WLR_BUFFER_CAP_DATA_PTR);
	shm.memory = sealpool_memory_create(&options);
	if (shm.formats == NULL || shm.memory == NULL) {
		return false;
	}
	shm.source = wl_event_loop_add_fd(wl_display_get_event_loop(display),
		sealpool_memory_get_fd(shm.memory), WL_EVENT_READABLE,
		handle_ready, NULL);
	shm.new_surface.notify = handle_new_surface;
	wl_signal_add(&compositor->events.new_surface, &shm.new_surface);
	shm.compositor_destroy.notify = handle_compositor_destroy;
	wl_signal_add(&compositor->events.destroy, &shm.compositor_destroy);
	wlr_buffer_register_resource_interface(&resource_interface);
	return shm.source != NULL && wl_global_create(display,
		&wl_shm_interface, 1, NULL, shm_bind) != NULL;
}
