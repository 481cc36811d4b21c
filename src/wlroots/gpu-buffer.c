/* SPDX-License-Identifier: MIT */
/*
 * Buffers that the GPU reads where they are: their imports, and their releases.
 *
 * An upload is over when the commit is. A texture that was imported reads the client's
 * memory as long as it is drawn with. It locks the wlr_buffer until its surface has another
 * texture, and what was drawn with it may not be done by then. So wl_buffer.release waits
 * for both: for the last lock, and then for a fence behind everything that was drawn until
 * then. (The dma-buf's own fences would do for most drivers, but not for llvmpipe.)
 *
 * Where a client may have no other buffer to draw into, the texture gets a copy of the
 * pixels, in GL and without wlroots: the image of its texture is replaced. That costs what
 * an upload would have cost.
 */
#include <errno.h>
#include <time.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/render/gles2.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/render/wlr_texture.h>
#include <wlr/util/log.h>

#include <sealpool/shm.h>

#include "gpu-buffer.h"

/* wlroots asks whether the buffer is opaque, and then for what to import. To import it
 * for the first time, gles2 asks twice as well. */
#define ANSWERS 2

#define FENCE_INTERVAL_MS 1

static uint64_t now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Runs a timer after "ms", or when it is due already: a client that needs it again and again
 * cannot put it off for others. Returns false if it does not run. */
static bool run_timer(struct wl_event_source *timer, bool *runs, uint32_t ms) {
	*runs = *runs || wl_event_source_timer_update(timer, (int)ms) == 0;
	return *runs;
}

/* Releases */

static bool watch_fences(struct sp_gpu_device *device) {
	return run_timer(device->fence_timer, &device->watches_fences,
		FENCE_INTERVAL_MS);
}

static void drop_fence(struct sp_gpu_buffer *buffer) {
	if (buffer->import != NULL && buffer->fence != EGL_NO_SYNC_KHR) {
		sp_gles_destroy_fence(&buffer->device->gles, buffer->fence);
		buffer->fence = EGL_NO_SYNC_KHR;
	}
}

/* Sends wl_buffer.release once the GPU no longer reads the buffer. Returns false if that
 * is now, and nothing was sent. */
static bool release_later(struct sp_gpu_buffer *buffer) {
	struct sp_gpu_device *device = buffer->device;
	drop_fence(buffer);
	/* What was drawn with a renderer that is gone is not shown. */
	EGLSyncKHR fence = device->renderer != NULL ?
		sp_gles_create_fence(&device->gles) : EGL_NO_SYNC_KHR;
	if (fence == EGL_NO_SYNC_KHR) {
		return false;
	}
	if (sp_gles_is_done(&device->gles, fence) || !watch_fences(device)) {
		sp_gles_destroy_fence(&device->gles, fence);
		return false;
	}
	buffer->fence = fence;
	return true;
}

static int handle_fence_timer(void *data) {
	struct sp_gpu_device *device = data;
	struct sp_gpu_buffer *buffer;
	bool waiting = false;
	device->watches_fences = false;
	wl_list_for_each(buffer, &device->buffers, imported_link) {
		if (buffer->fence == EGL_NO_SYNC_KHR) {
			continue;
		}
		if (!sp_gles_is_done(&device->gles, buffer->fence)) {
			waiting = true;
			continue;
		}
		drop_fence(buffer);
		sealpool_buffer_send_release(buffer->buffer);
	}
	if (waiting) {
		watch_fences(device);
	}
	return 0;
}

bool sp_gpu_buffer_holds_release(struct sp_gpu_buffer *buffer) {
	buffer->is_shown = false;
	if (buffer->import == NULL) {
		return false;
	}
	if (buffer->is_copied) {
		buffer->is_copied = false;
		return true;
	}
	return release_later(buffer);
}

/* The client has not got the release of its last commit. */
static bool is_held(const struct sp_gpu_buffer *buffer) {
	return buffer->import != NULL && buffer->is_shown &&
		!buffer->is_copied && buffer->import->pinner->client != NULL &&
		sealpool_buffer_get_resource(buffer->buffer) != NULL;
}

/* The texture no longer reads the client's memory. */
static bool copy_pixels(struct sp_gpu_buffer *buffer) {
	/* Without the renderer, its texture ends as well. */
	if (buffer->device->renderer == NULL) {
		return false;
	}
	struct sealpool_access access;
	sealpool_buffer_begin_access(buffer->buffer, SEALPOOL_ACCESS_READ,
		&access);
	bool ok = sp_gles_copy(&buffer->device->gles, buffer->texture,
		access.format, buffer->base->width, buffer->base->height,
		access.stride, access.data);
	sealpool_buffer_end_access(&access);
	return ok;
}

void sp_gpu_buffer_give_back(struct sp_gpu_buffer *buffer) {
	if (!is_held(buffer) || !copy_pixels(buffer)) {
		return;
	}
	buffer->is_copied = true;
	if (!release_later(buffer)) {
		sealpool_buffer_send_release(buffer->buffer);
	}
}

bool sp_gpu_buffer_part(struct sp_gpu_buffer *buffer) {
	if (buffer->import == NULL || !buffer->is_shown) {
		return false;
	}
	/* A client that does not wait for it gets it now, and not when it may take it for
	 * that of its next commit. */
	bool is_due = !buffer->is_copied || buffer->fence != EGL_NO_SYNC_KHR;
	if (!buffer->is_copied) {
		copy_pixels(buffer);
		buffer->is_copied = true;
	}
	drop_fence(buffer);
	if (is_due) {
		sealpool_buffer_send_release(buffer->buffer);
	}
	return true;
}

void sp_gpu_buffer_use(struct sp_gpu_buffer *buffer) {
	/* The release that is due now is that of this commit. */
	drop_fence(buffer);
	buffer->is_shown = false;
	buffer->is_copied = false;
	buffer->used_at = now_ms();
}

/* Imports */

static void watch_idle(struct sp_gpu_device *device) {
	if (device->idle_ms != UINT32_MAX) {
		run_timer(device->idle_timer, &device->watches_idle,
			device->idle_ms / 4 + 1);
	}
}

static int handle_idle_timer(void *data) {
	struct sp_gpu_device *device = data;
	uint64_t now = now_ms();
	struct sp_gpu_buffer *buffer, *tmp;
	device->watches_idle = false;
	wl_list_for_each(buffer, &device->buffers, imported_link) {
		if (now - buffer->used_at >= device->idle_ms) {
			sp_gpu_buffer_give_back(buffer);
		}
	}
	wl_list_for_each_safe(buffer, tmp, &device->buffers, imported_link) {
		if (now - buffer->used_at >= device->idle_ms &&
				buffer->base->n_locks == 0 &&
				buffer->fence == EGL_NO_SYNC_KHR) {
			device->replace(buffer->base);
		}
	}
	if (!wl_list_empty(&device->buffers)) {
		watch_idle(device);
	}
	return 0;
}

static bool refuse(struct sp_gpu_buffer *buffer, const char *reason) {
	wlr_log(WLR_DEBUG, "[sealpool] a buffer of %dx%d is uploaded, not "
		"imported: %s", buffer->base->width, buffer->base->height,
		reason);
	buffer->excluded = true;
	return false;
}

/* Makes a texture as wlroots will. The import stays with the wlr_buffer. */
static bool try_import(struct sp_gpu_buffer *buffer) {
	struct sp_gpu_device *device = buffer->device;
	sp_gles_take_error(&device->gles);
	buffer->answers = ANSWERS;
	struct wlr_texture *texture =
		wlr_texture_from_buffer(device->renderer, buffer->base);
	buffer->answers = 0;
	if (texture == NULL) {
		sp_gpu_buffer_drop_import(buffer);
		return refuse(buffer, "the driver refuses it");
	}
	struct wlr_gles2_texture_attribs attributes;
	wlr_gles2_texture_get_attribs(texture, &attributes);
	buffer->texture = attributes.tex;
	/* An external texture cannot get a copy. */
	bool ok = !sp_gles_take_error(&device->gles) &&
		attributes.target == GL_TEXTURE_2D;
	wlr_texture_destroy(texture);
	/* Nothing draws with it, but it cannot be taken from the wlr_buffer. */
	return ok || refuse(buffer, "its texture is external, or has an error");
}

bool sp_gpu_buffer_import(struct sp_gpu_buffer *buffer,
		struct sp_gpu_device *device, struct wl_client *client) {
	if (buffer->import != NULL) {
		return true;
	}
	const char *reason;
	buffer->import = sp_import_create(&device->imports, client,
		buffer->buffer, device->renderer, &reason);
	if (buffer->import == NULL) {
		/* Without a reason, its next commit may find room. */
		return reason != NULL ? refuse(buffer, reason) : false;
	}
	buffer->device = device;
	wl_list_insert(&device->buffers, &buffer->imported_link);
	watch_idle(device);
	if (!try_import(buffer)) {
		return false;
	}
	wlr_log(WLR_DEBUG, "[sealpool] a buffer of %dx%d is imported",
		buffer->base->width, buffer->base->height);
	return true;
}

void sp_gpu_buffer_drop_import(struct sp_gpu_buffer *buffer) {
	if (buffer->import == NULL) {
		return;
	}
	drop_fence(buffer);
	wl_list_remove(&buffer->imported_link);
	sp_import_destroy(buffer->import);
	buffer->import = NULL;
	buffer->answers = 0;
	if (buffer->device->renderer != NULL) {
		sp_gles_flush(&buffer->device->gles);
	}
}

void sp_gpu_buffer_open(struct sp_gpu_buffer *buffer) {
	buffer->is_shown = true;
	buffer->answers = ANSWERS;
}

bool sp_gpu_buffer_get_dmabuf(struct sp_gpu_buffer *buffer,
		struct wlr_dmabuf_attributes *attributes) {
	if (buffer->answers == 0) {
		return false;
	}
	buffer->answers--;
	*attributes = buffer->import->dmabuf;
	return true;
}

void sp_gpu_buffer_init(struct sp_gpu_buffer *buffer, struct wlr_buffer *base,
		struct sealpool_buffer *sealpool_buffer) {
	*buffer = (struct sp_gpu_buffer){
		.base = base,
		.buffer = sealpool_buffer,
	};
}

/* The device */

int sp_gpu_device_init(struct sp_gpu_device *device, struct wl_event_loop *loop,
		uint32_t idle_ms, void (*replace)(struct wlr_buffer *base)) {
	*device = (struct sp_gpu_device){
		.idle_ms = idle_ms,
		.replace = replace,
	};
	wl_list_init(&device->buffers);
	int ret = sp_imports_init(&device->imports);
	if (ret < 0) {
		return ret;
	}
	device->fence_timer =
		wl_event_loop_add_timer(loop, handle_fence_timer, device);
	device->idle_timer =
		wl_event_loop_add_timer(loop, handle_idle_timer, device);
	if (device->fence_timer == NULL || device->idle_timer == NULL) {
		sp_gpu_device_finish(device);
		return -ENOMEM;
	}
	return 0;
}

void sp_gpu_device_leave_renderer(struct sp_gpu_device *device) {
	struct sp_gpu_buffer *buffer;
	wl_list_for_each(buffer, &device->buffers, imported_link) {
		if (buffer->fence != EGL_NO_SYNC_KHR) {
			drop_fence(buffer);
			sealpool_buffer_send_release(buffer->buffer);
		}
	}
	device->renderer = NULL;
}

void sp_gpu_device_finish(struct sp_gpu_device *device) {
	struct sp_gpu_buffer *buffer, *tmp;
	wl_list_for_each_safe(buffer, tmp, &device->buffers, imported_link) {
		sp_gpu_buffer_drop_import(buffer);
	}
	sp_imports_finish(&device->imports);
	if (device->fence_timer != NULL) {
		wl_event_source_remove(device->fence_timer);
	}
	if (device->idle_timer != NULL) {
		wl_event_source_remove(device->idle_timer);
	}
}
