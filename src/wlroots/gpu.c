/* SPDX-License-Identifier: MIT */
/*
 * Sealed buffers as textures, without a copy.
 *
 * wlroots uploads a wl_shm buffer at each commit: the event loop's thread copies it, and
 * the driver may copy it once more. If a buffer is in sealed memory, and comes again and
 * again, its pages are made a dma-buf once (import.c), and wlroots imports that.
 *
 * A dma-buf opens ways to a client's memory that an upload has not. So
 *
 *   - it is handed out only while wlroots makes a texture for a commit. wlroots then asks
 *     for it twice (is the buffer opaque? is there a dma-buf to import?). It asks for it
 *     at other times too: to scan it out, to capture it, to pass it to a parent
 *     compositor.
 *   - the import is tried, by the call that wlroots will make, before wlroots handles the
 *     commit. wlroots does not fall back to the upload, and a surface without a texture
 *     may end the compositor. The import stays with the wlr_buffer, so that wlroots' own
 *     call finds it.
 *   - a program of its own (probe.c) has imported and drawn with this device before.
 *
 *   wl_surface.commit
 *     logger               the surface gets a record, at its first commit
 *     client_commit        decides, and makes and tries the dma-buf
 *     move_state           the state becomes current: two answers from here on
 *       is it opaque?      get_dmabuf: first answer
 *       update the texture begin_data_ptr_access: refused, so that wlroots makes a new one
 *       a new texture      get_dmabuf: second answer, and the last
 *     commit               what was not asked for is forgotten
 *
 * wlroots updates a texture from memory if it can, and never asks for a dma-buf then. For a
 * commit that is delayed (a synchronized subsurface), the state moves elsewhere first, and
 * the buffer is uploaded when its turn comes.
 *
 * The texture locks the wlr_buffer until the surface has another one, so
 * wl_buffer.release comes a commit later than with an upload (gpu-buffer.c). A client needs
 * a second buffer for that. So only a buffer is imported that was shown on this surface
 * before, with another one of the same size in between. If the other one goes, or goes to
 * another surface, the client gets its release at once.
 *
 * wlroots keeps an import as long as the wlr_buffer. A dma-buf that is idle is given back
 * by replacing the wlr_buffer.
 */
#include <stdlib.h>
#include <string.h>
#include <wayland-server-protocol.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_subcompositor.h>
#include <wlr/util/log.h>

#include <sealpool/shm.h>

#include "gpu.h"
#include "probe.h"

/* wl_surface.commit */
#define SURFACE_COMMIT 6

enum state {
	/* No surface was committed with a renderer yet. */
	STATE_NEW,
	STATE_PROBING,
	STATE_WORKS,
	STATE_OFF,
};

struct sp_gpu {
	struct wl_display *display;
	const struct sp_gpu_ops *ops;
	enum state state;
	/* Its renderer is set unless the state is NEW or OFF. */
	struct sp_gpu_device device;
	struct wl_listener renderer_lost, renderer_destroy;
	struct sp_probe *probe;
	struct wl_list surfaces; /* sp_gpu_surface.link */
	struct wl_protocol_logger *logger;
	struct wl_listener display_destroy;
};

/* wlroots moves it with the surface's state, from pending to cached or current. */
struct surface_state {
	/* Only that of a current state. */
	struct sp_gpu_surface *surface;
	/* To be imported when this state becomes current. */
	struct sp_gpu_buffer *buffer;
};

struct sp_gpu_surface {
	struct sp_gpu *gpu;
	struct wlr_surface *wlr_surface;
	struct wl_list link; /* sp_gpu.surfaces */
	/* Those that have a wl_buffer and the size of the last one, and were on no other
	 * surface. */
	struct wl_list buffers; /* sp_gpu_buffer.link */
	/* The one last committed, or NULL. */
	struct sp_gpu_buffer *last;
	struct wlr_surface_synced synced;
	struct surface_state pending, current;
	/* Its dma-buf may be asked for, or NULL. */
	struct sp_gpu_buffer *open;
	struct wl_listener client_commit, commit, destroy;
};

/* The renderer */

static void gpu_stop(struct sp_gpu *gpu, const char *reason) {
	if (gpu->state == STATE_OFF) {
		return;
	}
	wlr_log(WLR_INFO, "[sealpool] buffers are uploaded, not imported: %s",
		reason);
	gpu->state = STATE_OFF;
	if (gpu->device.renderer != NULL) {
		wl_list_remove(&gpu->renderer_lost.link);
		wl_list_remove(&gpu->renderer_destroy.link);
		sp_gpu_device_leave_renderer(&gpu->device);
	}
	sp_probe_destroy(gpu->probe);
	gpu->probe = NULL;
}

static void handle_renderer_lost(struct wl_listener *listener, void *data) {
	struct sp_gpu *gpu = wl_container_of(listener, gpu, renderer_lost);
	gpu_stop(gpu, "the renderer is lost");
}

static void handle_renderer_destroy(struct wl_listener *listener, void *data) {
	struct sp_gpu *gpu = wl_container_of(listener, gpu, renderer_destroy);
	gpu_stop(gpu, "the renderer was destroyed");
}

static void handle_probed(bool works, const char *message, void *data) {
	struct sp_gpu *gpu = data;
	if (!works) {
		gpu_stop(gpu, message);
		return;
	}
	wlr_log(WLR_INFO, "[sealpool] sealed buffers are imported: %s", message);
	sp_probe_destroy(gpu->probe);
	gpu->probe = NULL;
	gpu->state = STATE_WORKS;
}

static void gpu_start(struct sp_gpu *gpu, struct wlr_renderer *renderer) {
	if (!sp_gles_init(&gpu->device.gles, renderer)) {
		gpu_stop(gpu, "the renderer is not GLES2, or has no fences");
		return;
	}
	gpu->device.renderer = renderer;
	gpu->renderer_lost.notify = handle_renderer_lost;
	wl_signal_add(&renderer->events.lost, &gpu->renderer_lost);
	gpu->renderer_destroy.notify = handle_renderer_destroy;
	wl_signal_add(&renderer->events.destroy, &gpu->renderer_destroy);

	char driver[256];
	sp_gles_get_driver(&gpu->device.gles, driver, sizeof(driver));
	const char *device = sp_gles_get_device(&gpu->device.gles);
	gpu->probe = sp_probe_start(wl_display_get_event_loop(gpu->display),
		device != NULL ? device : "", driver, handle_probed, gpu);
	if (gpu->probe == NULL) {
		gpu_stop(gpu, "the probe cannot be run");
		return;
	}
	gpu->state = STATE_PROBING;
}

/* Surfaces */

static bool is_synchronized(struct wlr_surface *wlr_surface) {
	struct wlr_subsurface *subsurface =
		wlr_subsurface_try_from_wlr_surface(wlr_surface);
	while (subsurface != NULL) {
		if (subsurface->synchronized) {
			return true;
		}
		subsurface = wlr_subsurface_try_from_wlr_surface(
			subsurface->parent);
	}
	return false;
}

void sp_gpu_buffer_leave(struct sp_gpu_buffer *buffer) {
	struct sp_gpu_surface *surface = buffer->surface;
	if (surface == NULL) {
		return;
	}
	wl_list_remove(&buffer->link);
	buffer->surface = NULL;
	buffer->answers = 0;
	if (surface->last == buffer) {
		surface->last = NULL;
	}
	if (surface->open == buffer) {
		surface->open = NULL;
	}
	if (surface->pending.buffer == buffer) {
		surface->pending.buffer = NULL;
	}
	/* There may be thousands, which all leave when their client does. */
	if (!wl_list_empty(&surface->buffers) &&
			surface->buffers.next == surface->buffers.prev) {
		struct sp_gpu_buffer *only =
			wl_container_of(surface->buffers.next, only, link);
		sp_gpu_buffer_give_back(only);
	}
}

/* Without giving back what the surface shows. */
static void forget_buffers(struct sp_gpu_surface *surface) {
	struct sp_gpu_buffer *buffer, *tmp;
	wl_list_for_each_safe(buffer, tmp, &surface->buffers, link) {
		wl_list_remove(&buffer->link);
		buffer->surface = NULL;
		buffer->answers = 0;
	}
	surface->last = NULL;
}

/* A client has no use for its buffers of another size, though it may keep them. */
static void forget_other_sizes(struct sp_gpu_surface *surface,
		const struct wlr_buffer *base) {
	if (wl_list_empty(&surface->buffers)) {
		return;
	}
	/* All have the same size. */
	const struct sp_gpu_buffer *any =
		wl_container_of(surface->buffers.next, any, link);
	if (any->base->width != base->width ||
			any->base->height != base->height) {
		forget_buffers(surface);
	}
}

/* Returns whether the buffer was shown before, and another one since. */
static bool note_commit(struct sp_gpu_surface *surface,
		struct sp_gpu_buffer *buffer) {
	sp_gpu_buffer_use(buffer);
	forget_other_sizes(surface, buffer->base);
	if (buffer->surface != surface) {
		if (buffer->surface != NULL) {
			sp_gpu_buffer_leave(buffer);
			buffer->excluded = true;
		}
		surface->last = NULL;
		if (!buffer->excluded) {
			buffer->surface = surface;
			wl_list_insert(&surface->buffers, &buffer->link);
			surface->last = buffer;
		}
		return false;
	}
	bool again = surface->last != NULL && surface->last != buffer;
	surface->last = buffer;
	return again;
}

static bool may_import(struct sp_gpu_surface *surface,
		struct sp_gpu_buffer *buffer) {
	const struct sp_gpu *gpu = surface->gpu;
	struct wlr_surface *wlr_surface = surface->wlr_surface;
	return gpu->state == STATE_WORKS &&
		wlr_surface->compositor->renderer == gpu->device.renderer &&
		wlr_surface->pending.cached_state_locks == 0 &&
		wl_list_empty(&wlr_surface->cached) &&
		!is_synchronized(wlr_surface) && !buffer->excluded &&
		/* It is direct. */
		sealpool_buffer_get_fd(buffer->buffer) >= 0;
}

static void handle_client_commit(struct wl_listener *listener, void *data) {
	struct sp_gpu_surface *surface =
		wl_container_of(listener, surface, client_commit);
	struct sp_gpu *gpu = surface->gpu;
	struct wlr_surface *wlr_surface = surface->wlr_surface;
	surface->pending.buffer = NULL;
	if (!(wlr_surface->pending.committed & WLR_SURFACE_STATE_BUFFER) ||
			wlr_surface->pending.buffer == NULL) {
		return;
	}
	struct sp_gpu_buffer *buffer =
		gpu->ops->find(wlr_surface->pending.buffer);
	if (buffer == NULL) {
		surface->last = NULL;
		return;
	}
	if (gpu->state == STATE_NEW &&
			wlr_surface->compositor->renderer != NULL) {
		gpu_start(gpu, wlr_surface->compositor->renderer);
	}
	if (note_commit(surface, buffer) && may_import(surface, buffer) &&
			sp_gpu_buffer_import(buffer, &gpu->device,
				wl_resource_get_client(wlr_surface->resource))) {
		surface->pending.buffer = buffer;
	}
}

static void move_state(void *dst, void *src) {
	struct surface_state *to = dst, *from = src;
	struct sp_gpu_buffer *buffer = from->buffer;
	from->buffer = NULL;
	if (to->surface != NULL && buffer != NULL) {
		to->surface->open = buffer;
		sp_gpu_buffer_open(buffer);
	}
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct sp_gpu_surface *surface =
		wl_container_of(listener, surface, commit);
	if (surface->open != NULL) {
		surface->open->answers = 0;
		surface->open = NULL;
	}
}

static const struct wlr_surface_synced_impl synced_impl = {
	.state_size = sizeof(struct surface_state),
	.move_state = move_state,
};

static void surface_destroy(struct sp_gpu_surface *surface) {
	forget_buffers(surface);
	wlr_surface_synced_finish(&surface->synced);
	wl_list_remove(&surface->client_commit.link);
	wl_list_remove(&surface->commit.link);
	wl_list_remove(&surface->destroy.link);
	wl_list_remove(&surface->link);
	free(surface);
}

static void handle_surface_destroy(struct wl_listener *listener, void *data) {
	struct sp_gpu_surface *surface =
		wl_container_of(listener, surface, destroy);
	surface_destroy(surface);
}

static void surface_create(struct sp_gpu *gpu,
		struct wlr_surface *wlr_surface) {
	struct sp_gpu_surface *surface = calloc(1, sizeof(*surface));
	if (surface == NULL) {
		return;
	}
	surface->gpu = gpu;
	surface->wlr_surface = wlr_surface;
	/* wlroots reads both if there is no memory, before it sets them. */
	surface->synced.impl = &synced_impl;
	surface->synced.index = wlr_surface->pending.synced.size / sizeof(void *);
	if (!wlr_surface_synced_init(&surface->synced, wlr_surface,
			&synced_impl, &surface->pending, &surface->current)) {
		free(surface);
		return;
	}
	surface->current.surface = surface;
	wl_list_init(&surface->buffers);
	surface->client_commit.notify = handle_client_commit;
	wl_signal_add(&wlr_surface->events.client_commit,
		&surface->client_commit);
	surface->commit.notify = handle_commit;
	wl_signal_add(&wlr_surface->events.commit, &surface->commit);
	surface->destroy.notify = handle_surface_destroy;
	wl_signal_add(&wlr_surface->events.destroy, &surface->destroy);
	wl_list_insert(&gpu->surfaces, &surface->link);
}

static void handle_message(void *data, enum wl_protocol_logger_type direction,
		const struct wl_protocol_logger_message *message) {
	struct sp_gpu *gpu = data;
	if (direction != WL_PROTOCOL_LOGGER_REQUEST ||
			message->message_opcode != SURFACE_COMMIT ||
			gpu->state == STATE_OFF ||
			strcmp(wl_resource_get_class(message->resource),
				wl_surface_interface.name) != 0) {
		return;
	}
	struct wlr_surface *wlr_surface =
		wlr_surface_from_resource(message->resource);
	if (wl_signal_get(&wlr_surface->events.destroy,
			handle_surface_destroy) == NULL) {
		surface_create(gpu, wlr_surface);
	}
}

/* The display */

static void handle_display_destroy(struct wl_listener *listener, void *data) {
	struct sp_gpu *gpu = wl_container_of(listener, gpu, display_destroy);
	struct sp_gpu_surface *surface, *tmp;
	gpu_stop(gpu, "the display is destroyed");
	wl_list_for_each_safe(surface, tmp, &gpu->surfaces, link) {
		surface_destroy(surface);
	}
	sp_gpu_device_finish(&gpu->device);
	wl_protocol_logger_destroy(gpu->logger);
	wl_list_remove(&gpu->display_destroy.link);
	free(gpu);
}

void sp_gpu_enable(struct wl_display *display, uint32_t idle_ms,
		const struct sp_gpu_ops *ops) {
	struct sp_gpu *gpu = calloc(1, sizeof(*gpu));
	if (gpu == NULL) {
		return;
	}
	gpu->display = display;
	gpu->ops = ops;
	wl_list_init(&gpu->surfaces);
	int ret = sp_gpu_device_init(&gpu->device,
		wl_display_get_event_loop(display), idle_ms, ops->replace);
	if (ret < 0) {
		wlr_log(WLR_INFO, "[sealpool] buffers are uploaded, not "
			"imported: /dev/udmabuf: %s", strerror(-ret));
		free(gpu);
		return;
	}
	gpu->logger = wl_display_add_protocol_logger(display, handle_message,
		gpu);
	if (gpu->logger == NULL) {
		sp_gpu_device_finish(&gpu->device);
		free(gpu);
		return;
	}
	gpu->display_destroy.notify = handle_display_destroy;
	wl_display_add_destroy_listener(display, &gpu->display_destroy);
}

void sp_gpu_buffer_finish(struct sp_gpu_buffer *buffer) {
	sp_gpu_buffer_leave(buffer);
	sp_gpu_buffer_drop_import(buffer);
}
