/* SPDX-License-Identifier: MIT */
/*
 * The implementations that are compared, each called in the way its own users
 * do.
 */
#include <assert.h>
#include <drm_fourcc.h>
#include <wayland-server-core.h>
#include <wayland-server-protocol.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_shm.h>

#include <sealpool/shm.h>
#include <sealpool/wlroots.h>

#include "impl.h"

static_assert(sizeof(struct sealpool_access) <= IMPL_ACCESS_SIZE,
	"room for an access");

static const uint32_t formats[] = {
	DRM_FORMAT_ARGB8888,
	DRM_FORMAT_XRGB8888,
};

#define FORMATS_LEN (sizeof(formats) / sizeof(formats[0]))

/* libwayland */

static bool libwayland_create(struct wl_display *display, uint32_t idle_ms) {
	return wl_display_init_shm(display) == 0;
}

static void *libwayland_lock(struct wl_resource *resource) {
	return wl_shm_buffer_get(resource);
}

static void libwayland_unlock(void *buffer, struct wl_resource *resource) {
	wl_buffer_send_release(resource);
}

static bool libwayland_begin(void *buffer, void *access, void **data,
		size_t *stride) {
	wl_shm_buffer_begin_access(buffer);
	*data = wl_shm_buffer_get_data(buffer);
	*stride = (size_t)wl_shm_buffer_get_stride(buffer);
	return true;
}

static void libwayland_end(void *buffer, void *access) {
	wl_shm_buffer_end_access(buffer);
}

/* wlroots, and Sealpool's face for it */

static bool wlroots_create(struct wl_display *display, uint32_t idle_ms) {
	return wlr_shm_create(display, 2, formats, FORMATS_LEN) != NULL;
}

static void *wlroots_lock(struct wl_resource *resource) {
	return wlr_buffer_try_from_resource(resource);
}

static void wlroots_unlock(void *buffer, struct wl_resource *resource) {
	wlr_buffer_unlock(buffer);
}

static bool wlroots_begin(void *buffer, void *access, void **data,
		size_t *stride) {
	uint32_t format;
	return wlr_buffer_begin_data_ptr_access(buffer,
		WLR_BUFFER_DATA_PTR_ACCESS_READ, data, &format, stride);
}

static void wlroots_end(void *buffer, void *access) {
	wlr_buffer_end_data_ptr_access(buffer);
}

/* Sealpool */

static struct sealpool_shm *sealpool;

static struct sealpool_options make_options(uint32_t idle_ms) {
	return (struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.shadow_idle_ms = idle_ms,
	};
}

static bool core_create(struct wl_display *display, uint32_t idle_ms) {
	struct sealpool_options options = make_options(idle_ms);
	sealpool = sealpool_shm_create(display, 2, formats, FORMATS_LEN, &options);
	return sealpool != NULL;
}

static bool face_create(struct wl_display *display, uint32_t idle_ms) {
	struct sealpool_options options = make_options(idle_ms);
	sealpool = sealpool_wlr_shm_create(display, 2, formats, FORMATS_LEN,
		&options);
	return sealpool != NULL;
}

static void *core_lock(struct wl_resource *resource) {
	struct sealpool_buffer *buffer =
		sealpool_buffer_try_from_resource(resource);
	return buffer != NULL ? sealpool_buffer_ref(buffer) : NULL;
}

static void core_unlock(void *buffer, struct wl_resource *resource) {
	sealpool_buffer_send_release(buffer);
	sealpool_buffer_unref(buffer);
}

static bool core_begin(void *buffer, void *access, void **data,
		size_t *stride) {
	struct sealpool_access *ours = access;
	if (sealpool_buffer_begin_access(buffer, SEALPOOL_ACCESS_READ,
			ours) < 0) {
		return false;
	}
	*data = ours->data;
	*stride = ours->stride;
	return true;
}

static void core_end(void *buffer, void *access) {
	sealpool_buffer_end_access(access);
}

static void sealpool_get_copies(struct wl_client *client, uint64_t *held,
		uint64_t *copied) {
	struct sealpool_stats stats = { .size = sizeof(stats) };
	sealpool_shm_get_client_stats(sealpool, client, &stats);
	*held = stats.shadow_bytes;
	*copied = stats.bytes_copied_in;
}

const struct impl impls[IMPLS_LEN] = {
	[IMPL_LIBWAYLAND] = {
		.name = "libwayland",
		.title = "libwayland",
		.threads = true,
		.create = libwayland_create,
		.lock = libwayland_lock,
		.unlock = libwayland_unlock,
		.begin = libwayland_begin,
		.end = libwayland_end,
	},
	[IMPL_WLROOTS] = {
		.name = "wlroots",
		.title = "wlroots",
		.create = wlroots_create,
		.lock = wlroots_lock,
		.unlock = wlroots_unlock,
		.begin = wlroots_begin,
		.end = wlroots_end,
	},
	[IMPL_CORE] = {
		.name = "sealpool",
		.title = "Sealpool",
		.threads = true,
		.ours = true,
		.create = core_create,
		.lock = core_lock,
		.unlock = core_unlock,
		.begin = core_begin,
		.end = core_end,
		.get_copies = sealpool_get_copies,
	},
	[IMPL_FACE] = {
		.name = "sealpool-wlroots",
		.title = "Sealpool for wlroots",
		.ours = true,
		.create = face_create,
		.lock = wlroots_lock,
		.unlock = wlroots_unlock,
		.begin = wlroots_begin,
		.end = wlroots_end,
		.get_copies = sealpool_get_copies,
	},
};
