/* SPDX-License-Identifier: MIT */
/*
 * The implementations that are compared. Each is called as its own users do.
 */
#include <assert.h>
#include <drm_fourcc.h>
#include <stdio.h>
#include <wayland-server-core.h>
#include <wayland-server-protocol.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_shm.h>

#include <sealpool/guard.h>
#include <sealpool/shm.h>
#include <sealpool/wlroots.h>

#include "impl.h"

static_assert(sizeof(struct sealpool_access) <= IMPL_ACCESS_SIZE,
	"struct sealpool_access needs more room");

static const uint32_t formats[] = {
	DRM_FORMAT_ARGB8888,
	DRM_FORMAT_XRGB8888,
};

#define FORMATS_LEN (sizeof(formats) / sizeof(formats[0]))

/* libwayland */

static bool libwayland_create(struct wl_display *display) {
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

/* Keeps the compiler from leaving out the reads. */
static uintptr_t volatile used;

static bool libwayland_access(void **buffers, size_t len, uint32_t count) {
	uintptr_t sum = 0;
	for (size_t i = 0; count > 0; count--) {
		struct wl_shm_buffer *buffer = buffers[i];
		wl_shm_buffer_begin_access(buffer);
		sum += (uintptr_t)wl_shm_buffer_get_data(buffer) +
			(uintptr_t)wl_shm_buffer_get_stride(buffer);
		wl_shm_buffer_end_access(buffer);
		i = i + 1 < len ? i + 1 : 0;
	}
	used = sum;
	return true;
}

/* wlroots, and Sealpool's library for it */

static bool wlroots_create(struct wl_display *display) {
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

static bool wlroots_access(void **buffers, size_t len, uint32_t count) {
	uintptr_t sum = 0;
	for (size_t i = 0; count > 0; count--) {
		void *data;
		size_t stride;
		uint32_t format;
		if (!wlr_buffer_begin_data_ptr_access(buffers[i],
				WLR_BUFFER_DATA_PTR_ACCESS_READ, &data,
				&format, &stride)) {
			return false;
		}
		sum += (uintptr_t)data + stride;
		wlr_buffer_end_data_ptr_access(buffers[i]);
		i = i + 1 < len ? i + 1 : 0;
	}
	used = sum;
	return true;
}

/* Sealpool */

static struct sealpool_shm *sealpool;

static void log_errors(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	if (importance == SEALPOOL_LOG_ERROR) {
		vfprintf(stderr, format, args);
	}
}

static bool create_sealpool(struct wl_display *display, bool wl_shm_only) {
	const struct sealpool_options options = {
		.size = sizeof(options),
		.log = log_errors,
		.wl_shm_only = wl_shm_only,
	};
	sealpool = sealpool_shm_create(display, 2, formats, FORMATS_LEN,
		&options);
	return sealpool != NULL;
}

/* Without the gate, which the others do not have. */
static bool core_create(struct wl_display *display) {
	return create_sealpool(display, true);
}

static bool gated_create(struct wl_display *display) {
	return create_sealpool(display, false);
}

static bool face_create(struct wl_display *display) {
	const struct sealpool_options options = {
		.size = sizeof(options),
		.wl_shm_only = true,
	};
	sealpool = sealpool_wlr_shm_create(display, 2, formats, FORMATS_LEN,
		&options);
	if (sealpool == NULL) {
		return false;
	}
	/* These delay commits of wlr_surfaces, which this server does not have. */
	sealpool_shm_set_commit_funcs(sealpool, NULL, NULL, NULL);
	return true;
}

static void *core_lock(struct wl_resource *resource) {
	return sealpool_buffer_try_from_resource(resource);
}

static void core_unlock(void *buffer, struct wl_resource *resource) {
	sealpool_buffer_send_release(buffer);
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

static bool core_access(void **buffers, size_t len, uint32_t count) {
	uintptr_t sum = 0;
	for (size_t i = 0; count > 0; count--) {
		struct sealpool_access access;
		if (sealpool_buffer_begin_access(buffers[i],
				SEALPOOL_ACCESS_READ, &access) < 0) {
			return false;
		}
		sum += (uintptr_t)access.data + access.stride;
		sealpool_buffer_end_access(&access);
		i = i + 1 < len ? i + 1 : 0;
	}
	used = sum;
	return true;
}

static uint64_t sealpool_get_copied(struct wl_client *client) {
	struct sealpool_stats stats = { .size = sizeof(stats) };
	sealpool_shm_get_client_stats(sealpool, client, &stats);
	return stats.bytes_copied_in;
}

/* libwayland's, with the guard in front of it */

static bool guarded_create(struct wl_display *display) {
	const struct sealpool_options options = {
		.size = sizeof(options),
		.log = log_errors,
		.wl_shm_only = true,
	};
	struct sealpool_guard *guard = sealpool_guard_create(display, &options);
	if (guard == NULL) {
		return false;
	}
	sealpool = sealpool_guard_get_shm(guard);
	return libwayland_create(display);
}

const struct impl impls[IMPLS_LEN] = {
	[IMPL_LIBWAYLAND] = {
		.title = "libwayland",
		.create = libwayland_create,
		.lock = libwayland_lock,
		.unlock = libwayland_unlock,
		.begin = libwayland_begin,
		.end = libwayland_end,
		.access = libwayland_access,
	},
	[IMPL_WLROOTS] = {
		.title = "wlroots",
		.create = wlroots_create,
		.lock = wlroots_lock,
		.unlock = wlroots_unlock,
		.begin = wlroots_begin,
		.end = wlroots_end,
		.access = wlroots_access,
	},
	[IMPL_CORE] = {
		.title = "Sealpool",
		.create = core_create,
		.lock = core_lock,
		.unlock = core_unlock,
		.begin = core_begin,
		.end = core_end,
		.access = core_access,
		.get_copied = sealpool_get_copied,
	},
	[IMPL_FACE] = {
		.title = "Sealpool for wlroots",
		.create = face_create,
		.lock = wlroots_lock,
		.unlock = wlroots_unlock,
		.begin = wlroots_begin,
		.end = wlroots_end,
		.access = wlroots_access,
		.get_copied = sealpool_get_copied,
	},
	[IMPL_GUARDED] = {
		.title = "libwayland, guarded",
		.create = guarded_create,
		.lock = libwayland_lock,
		.unlock = libwayland_unlock,
		.begin = libwayland_begin,
		.end = libwayland_end,
		.access = libwayland_access,
		.get_copied = sealpool_get_copied,
	},
	[IMPL_GATED] = {
		.title = "Sealpool with its gate",
		.create = gated_create,
		.lock = core_lock,
		.unlock = core_unlock,
		.begin = core_begin,
		.end = core_end,
		.access = core_access,
		.get_copied = sealpool_get_copied,
	},
};
