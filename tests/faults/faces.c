/* SPDX-License-Identifier: MIT */
/*
 * The ways in which a compositor uses Sealpool: the core; libsealpool-wlroots; the guard;
 * sealpool-run, without a call of the compositor's; and libsealpool-libwayland, which
 * replaces libwayland's functions when it is preloaded.
 */
#include <dlfcn.h>
#include <drm_fourcc.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#ifdef FAULTS_WLROOTS
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/render/pixman.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_shm.h>
#include <sealpool/wlroots.h>
#endif

#include <sealpool/guard.h>

#include "host.h"
#include "server/context.h"
#include "shm.h"

/* Small limits, so that a few requests exceed them, and a short idle time. */
static const struct sealpool_options options = {
	.size = sizeof(options),
	.budget = {
		.pools = 12, .buffers = 24, .all_fds = 64,
		.shadow_bytes = 4 << 20, .all_shadow_bytes = 16 << 20,
	},
	.shadow_idle_ms = 100,
};

static bool offer(struct host *host) {
	/* Both are optional for the compositor. */
	if (host->shm != NULL) {
		sealpool_feedback_create(host->shm);
		sealpool_monitor_create(host->shm);
	}
	return host->shm != NULL;
}

/* No frame waits for a file that is not memory. */
static void make_late(struct host *host) {
	if (host->shm != NULL) {
		struct sp_readers *readers = &host->shm->context->memory.readers;
		readers->allowance = readers->allowance_max = 0;
	}
}

/* Core */

/* A delayed commit is shown at once, and again when it is released. */
static uint32_t hold_commit(struct wl_resource *surface, void *data) {
	return 1;
}

static void release_commit(struct wl_resource *surface, uint32_t number,
		void *data) {
	/* The driver reads until all bytes have arrived. */
}

static bool core_start(struct host *host) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888, DRM_FORMAT_NV12,
	};
	host->shm = sealpool_shm_create(host->display, 2, formats, 3, &options);
	if (host->shm != NULL) {
		sealpool_shm_set_commit_funcs(host->shm, hold_commit,
			release_commit, NULL);
	}
	make_late(host);
	return offer(host);
}

static void core_hold(void **held, struct wl_resource *resource) {
	struct sealpool_buffer *buffer = resource != NULL ?
		sealpool_buffer_try_from_resource(resource) : NULL;
	struct sealpool_buffer *old = *held;
	*held = buffer != NULL ? sealpool_buffer_ref(buffer) : NULL;
	if (old != NULL) {
		sealpool_buffer_send_release(old);
		sealpool_buffer_unref(old);
	}
}

static bool core_access(void *held, bool writes,
		void (*func)(const struct client_image *image, void *data),
		void *data) {
	struct sealpool_access access;
	if (sealpool_buffer_begin_access(held, writes ?
			SEALPOOL_ACCESS_WRITE : SEALPOOL_ACCESS_READ,
			&access) < 0) {
		return false;
	}
	func(&(struct client_image){
		.width = sealpool_buffer_get_width(held),
		.height = sealpool_buffer_get_height(held),
		.stride = (int32_t)access.stride,
		.data = access.data,
	}, data);
	sealpool_buffer_end_access(&access);
	return true;
}

static void core_get_fd(void *held) {
	/* The buffer owns it. */
	sealpool_buffer_get_fd(held);
}

/* wlroots */

#ifdef FAULTS_WLROOTS
static struct wlr_renderer *renderer;

static bool wlroots_start(struct host *host) {
	renderer = wlr_pixman_renderer_create();
	if (renderer == NULL) {
		return false;
	}
	/* The defaults, except for what takes long. */
	host->shm = sealpool_wlr_shm_create_with_renderer(host->display, 2,
		renderer, &(struct sealpool_options){
			.size = sizeof(options),
			.budget = { .pools = 12, .buffers = 24,
				.shadow_bytes = 4 << 20 },
			.shadow_idle_ms = 100,
		});
	/* The surfaces are not wlr_surfaces. */
	if (host->shm != NULL) {
		sealpool_shm_set_commit_funcs(host->shm, NULL, NULL, NULL);
	}
	wlr_renderer_destroy(renderer);
	return offer(host);
}

static void wlroots_hold(void **held, struct wl_resource *resource) {
	struct wlr_buffer *old = *held;
	*held = resource != NULL ? wlr_buffer_try_from_resource(resource) : NULL;
	if (old != NULL) {
		wlr_buffer_unlock(old);
	}
}

static bool wlroots_access(void *held, bool writes,
		void (*func)(const struct client_image *image, void *data),
		void *data) {
	struct wlr_buffer *buffer = held;
	void *pixels;
	uint32_t format;
	size_t stride;
	if (!wlr_buffer_begin_data_ptr_access(buffer, writes ?
			WLR_BUFFER_DATA_PTR_ACCESS_WRITE :
			WLR_BUFFER_DATA_PTR_ACCESS_READ,
			&pixels, &format, &stride)) {
		return false;
	}
	func(&(struct client_image){
		.width = buffer->width,
		.height = buffer->height,
		.stride = (int32_t)stride,
		.data = pixels,
	}, data);
	wlr_buffer_end_data_ptr_access(buffer);
	return true;
}

static void wlroots_get_fd(void *held) {
	struct wlr_shm_attributes attributes;
	wlr_buffer_get_shm(held, &attributes);
}
#endif

/* The guard in front of libwayland's wl_shm. The compositor does not announce accesses to
 * libwayland, which would then protect this process itself. */

static bool stock_start(struct host *host) {
	return wl_display_init_shm(host->display) == 0;
}

/* A display with the wl_shm of wlroots, which a native module replaces. */
static bool use_native_module(void) {
#ifdef FAULTS_WLROOTS
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888,
	};
	struct wl_display *display = wl_display_create();
	if (display == NULL) {
		return false;
	}
	bool ok = wlr_shm_create(display, 1, formats, 2) != NULL;
	wl_display_destroy(display);
	return ok;
#else
	return true;
#endif
}

/* Other calls that sealpool-run intercepts: starting a program, creating an event loop
 * without a display, and creating the objects of wlroots. */
static bool preload_start(struct host *host) {
	pid_t pid = fork();
	if (pid == 0) {
		execlp("true", "true", NULL);
		_exit(0);
	}
	struct wl_event_loop *loop = wl_event_loop_create();
	if (loop != NULL) {
		wl_event_loop_destroy(loop);
	}
	return (pid < 0 || waitpid(pid, NULL, 0) == pid) &&
		use_native_module() && stock_start(host);
}

static bool guard_start(struct host *host) {
	struct sealpool_guard *guard =
		sealpool_guard_create(host->display, &options);
	host->shm = guard != NULL ? sealpool_guard_get_shm(guard) : NULL;
	make_late(host);
	return offer(host) && stock_start(host);
}

static void stock_hold(void **held, struct wl_resource *resource) {
	*held = resource;
}

static bool stock_access(void *held, bool writes,
		void (*func)(const struct client_image *image, void *data),
		void *data) {
	struct wl_shm_buffer *shm = wl_shm_buffer_get(held);
	if (shm == NULL) {
		return false;
	}
	func(&(struct client_image){
		.width = wl_shm_buffer_get_width(shm),
		.height = wl_shm_buffer_get_height(shm),
		.stride = wl_shm_buffer_get_stride(shm),
		.data = wl_shm_buffer_get_data(shm),
	}, data);
	return true;
}

/* libwayland's functions, preloaded */

static bool libwayland_start(struct host *host) {
	void (*set_options)(const struct sealpool_options *options);
	*(void **)&set_options = dlsym(RTLD_DEFAULT,
		"sealpool_libwayland_set_options");
	if (set_options == NULL) {
		return false;
	}
	set_options(&options);
	return wl_display_add_shm_format(host->display,
			WL_SHM_FORMAT_RGB565) != NULL && stock_start(host) &&
		wl_display_add_shm_format(host->display,
			WL_SHM_FORMAT_NV12) != NULL;
}

static bool libwayland_access(void *held, bool writes,
		void (*func)(const struct client_image *image, void *data),
		void *data) {
	struct wl_shm_buffer *shm = wl_shm_buffer_get(held);
	if (shm == NULL) {
		return false;
	}
	wl_shm_buffer_begin_access(shm);
	bool ok = stock_access(held, writes, func, data);
	wl_shm_buffer_end_access(shm);
	return ok;
}

const struct host_face host_faces[] = {
	{ "native", core_start, true, core_hold, core_access, core_get_fd },
#ifdef FAULTS_WLROOTS
	{ "wlroots", wlroots_start, true, wlroots_hold, wlroots_access,
		wlroots_get_fd },
#endif
	{ "guard", guard_start, false, stock_hold, stock_access },
	{ "preload", preload_start, false, stock_hold, stock_access },
	{ "libwayland", libwayland_start, false, stock_hold, libwayland_access },
};
const size_t host_faces_len = sizeof(host_faces) / sizeof(host_faces[0]);
