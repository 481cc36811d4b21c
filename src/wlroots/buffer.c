/* SPDX-License-Identifier: MIT */
/*
 * Each sealpool_buffer that a wlroots compositor uses gets a wlr_buffer, which lives as
 * long as the wl_buffer or a lock of the compositor's.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <wayland-server-protocol.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_xdg_shell.h>
#include <wlr/util/log.h>
#include <wlr/version.h>

#include <sealpool/wlroots.h>

#include "buffer.h"
#include "gpu.h"

struct sealpool_wlr_buffer {
	struct wlr_buffer base;
	struct sealpool_buffer *buffer;
	/* wlroots allows one access to a wlr_buffer at a time. */
	struct sealpool_access access;
	/* Receives a write access if the client's memory cannot be written; else
	 * NULL. */
	void *discarded;
	struct wl_listener release;
	struct wl_listener resource_destroy;
	struct sp_gpu_buffer gpu;
	/* It has a share in "zeroes". */
	bool has_zeroes;
};

/* As long as the largest pool, without memory, and sealed. */
static struct {
	int fd;
	unsigned users;
} zeroes;

static const struct wlr_buffer_impl buffer_impl;

static struct sealpool_wlr_buffer *buffer_from_base(struct wlr_buffer *base) {
	assert(base->impl == &buffer_impl);
	struct sealpool_wlr_buffer *buffer =
		wl_container_of(base, buffer, base);
	return buffer;
}

static int zeroes_create(void) {
	/* Beyond this limit, ftruncate() would raise SIGXFSZ. */
	struct rlimit limit;
	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 ||
			limit.rlim_cur < INT32_MAX) {
		return -1;
	}
	int fd = memfd_create("sealpool-zeroes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && (ftruncate(fd, INT32_MAX) < 0 || fcntl(fd, F_ADD_SEALS,
			F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Returns a negative value on failure. */
static int get_zeroes(struct sealpool_wlr_buffer *buffer) {
	if (!buffer->has_zeroes) {
		if (zeroes.users == 0) {
			zeroes.fd = zeroes_create();
		}
		if (zeroes.fd < 0) {
			return -1;
		}
		zeroes.users++;
		buffer->has_zeroes = true;
	}
	return zeroes.fd;
}

static void leave_zeroes(struct sealpool_wlr_buffer *buffer) {
	if (buffer->has_zeroes && --zeroes.users == 0) {
		close(zeroes.fd);
	}
}

static void buffer_destroy(struct wlr_buffer *base) {
	struct sealpool_wlr_buffer *buffer = buffer_from_base(base);
	wl_list_remove(&buffer->release.link);
	wl_list_remove(&buffer->resource_destroy.link);
	/* Emits the destroy event, on which wlr_client_buffer drops this buffer, and
	 * finishes the addons. wlroots 0.18 does this itself before it calls this
	 * function. Later versions assert that no release listener is left. */
#if WLR_VERSION_NUM >= (19 << 8)
	wlr_buffer_finish(base);
#endif
	/* After the renderer has dropped its import. */
	sp_gpu_buffer_finish(&buffer->gpu);
	sealpool_buffer_unref(buffer->buffer);
	leave_zeroes(buffer);
	free(buffer);
}

static bool buffer_get_shm(struct wlr_buffer *base,
		struct wlr_shm_attributes *attributes) {
	struct sealpool_wlr_buffer *buffer = buffer_from_base(base);
	/* The texture of an import locks the buffer, which wlroots then tries to
	 * scan out: it would pass the client's fd to a parent compositor. */
	if (sp_gpu_buffer_is_imported(&buffer->gpu)) {
		return false;
	}
	/* wlroots calls this at each commit only for the format, to know whether the
	 * buffer is opaque. Without an fd, it begins an access to learn that, as it
	 * will to show the buffer. */
	int fd = sealpool_buffer_get_fd(buffer->buffer);
	/* wlroots 0.19 and later disconnect a client if its icon has no fd, and do not use
	 * the fd (types/wlr_xdg_toplevel_icon_v1.c). They use that of a buffer that a
	 * surface shows: a backend may pass it to a parent compositor. */
	if (fd < 0 && !sealpool_buffer_is_tracked(buffer->buffer)) {
		fd = get_zeroes(buffer);
	}
	if (fd < 0) {
		return false;
	}
	*attributes = (struct wlr_shm_attributes){
		.fd = fd,
		.format = sealpool_buffer_get_format(buffer->buffer),
		.width = base->width,
		.height = base->height,
		.stride = sealpool_buffer_get_stride(buffer->buffer),
		.offset = sealpool_buffer_get_offset(buffer->buffer),
	};
	return true;
}

/* If a client's memory cannot be written, the compositor gets other memory for its
 * capture: wlroots' screencopy never releases its lock of the buffer if an access
 * fails. A client over its limit has got its error already. A lack of resources of the
 * compositor's is logged, and disconnects nobody. */
static bool begin_discarded_write(struct sealpool_wlr_buffer *buffer,
		int error) {
	size_t stride = (size_t)sealpool_buffer_get_stride(buffer->buffer);
	/* No format's planes take more than three times the first one. */
	buffer->discarded = calloc((size_t)buffer->base.height, 3 * stride);
	if (buffer->discarded == NULL) {
		return false;
	}
	struct wl_resource *resource =
		sealpool_buffer_get_resource(buffer->buffer);
	if (error == -EACCES && resource != NULL) {
		pid_t pid;
		wl_client_get_credentials(wl_resource_get_client(resource),
			&pid, NULL, NULL);
		wlr_log(WLR_INFO, "[sealpool] client %d: the pool's file cannot "
			"be written: disconnected", (int)pid);
		wl_resource_post_error(resource, WL_SHM_ERROR_INVALID_FD,
			"the pool's file cannot be written, as a capture "
			"requires");
	}
	return true;
}

static bool buffer_begin_data_ptr_access(struct wlr_buffer *base,
		uint32_t wlr_flags, void **data, uint32_t *format,
		size_t *stride) {
	struct sealpool_wlr_buffer *buffer = buffer_from_base(base);
	/* wlroots then makes a texture, and does not update the one that it has. */
	if (sp_gpu_buffer_is_open(&buffer->gpu)) {
		return false;
	}
	uint32_t flags = 0;
	if (wlr_flags & WLR_BUFFER_DATA_PTR_ACCESS_READ) {
		flags |= SEALPOOL_ACCESS_READ;
	}
	if (wlr_flags & WLR_BUFFER_DATA_PTR_ACCESS_WRITE) {
		flags |= SEALPOOL_ACCESS_WRITE;
	}
	int ret = sealpool_buffer_begin_access(buffer->buffer, flags,
		&buffer->access);
	if (ret < 0) {
		wlr_log(WLR_DEBUG, "Cannot access a wl_shm buffer: %s",
			strerror(-ret));
		if (!begin_discarded_write(buffer, ret)) {
			return false;
		}
	}
	*data = ret < 0 ? buffer->discarded : buffer->access.data;
	*format = buffer->access.format;
	*stride = buffer->access.stride;
	return true;
}

static void buffer_end_data_ptr_access(struct wlr_buffer *base) {
	struct sealpool_wlr_buffer *buffer = buffer_from_base(base);
	if (buffer->discarded != NULL) {
		free(buffer->discarded);
		buffer->discarded = NULL;
		return;
	}
	sealpool_buffer_end_access(&buffer->access);
}

static bool buffer_get_dmabuf(struct wlr_buffer *base,
		struct wlr_dmabuf_attributes *attributes) {
	return sp_gpu_buffer_get_dmabuf(&buffer_from_base(base)->gpu, attributes);
}

static const struct wlr_buffer_impl buffer_impl = {
	.destroy = buffer_destroy,
	.get_dmabuf = buffer_get_dmabuf,
	.get_shm = buffer_get_shm,
	.begin_data_ptr_access = buffer_begin_data_ptr_access,
	.end_data_ptr_access = buffer_end_data_ptr_access,
};

static void buffer_handle_release(struct wl_listener *listener, void *data) {
	struct sealpool_wlr_buffer *buffer =
		wl_container_of(listener, buffer, release);
	if (!sp_gpu_buffer_holds_release(&buffer->gpu)) {
		sealpool_buffer_send_release(buffer->buffer);
	}
}

/* The wl_buffer, if there still is one, gets another wlr_buffer when it is used next. */
static void buffer_leave_resource(struct sealpool_wlr_buffer *buffer) {
	wl_list_remove(&buffer->resource_destroy.link);
	wl_list_init(&buffer->resource_destroy.link);
	wlr_buffer_drop(&buffer->base);
}

static void buffer_handle_resource_destroy(struct wl_listener *listener,
		void *data) {
	struct sealpool_wlr_buffer *buffer =
		wl_container_of(listener, buffer, resource_destroy);
	sp_gpu_buffer_leave(&buffer->gpu);
	buffer_leave_resource(buffer);
}

static struct sealpool_wlr_buffer *buffer_create(
		struct sealpool_buffer *core, struct wl_resource *resource) {
	struct sealpool_wlr_buffer *buffer = calloc(1, sizeof(*buffer));
	if (buffer == NULL) {
		wl_resource_post_no_memory(resource);
		return NULL;
	}
	wlr_buffer_init(&buffer->base, &buffer_impl,
		sealpool_buffer_get_width(core),
		sealpool_buffer_get_height(core));
	buffer->buffer = sealpool_buffer_ref(core);
	sp_gpu_buffer_init(&buffer->gpu, &buffer->base, core);
	buffer->release.notify = buffer_handle_release;
	wl_signal_add(&buffer->base.events.release, &buffer->release);
	buffer->resource_destroy.notify = buffer_handle_resource_destroy;
	wl_resource_add_destroy_listener(resource, &buffer->resource_destroy);
	return buffer;
}

struct sealpool_buffer *sealpool_wlr_buffer_try_get(
		struct wlr_buffer *wlr_buffer) {
	return wlr_buffer->impl == &buffer_impl ?
		buffer_from_base(wlr_buffer)->buffer : NULL;
}

static bool buffer_resource_is_instance(struct wl_resource *resource) {
	return sealpool_buffer_try_from_resource(resource) != NULL;
}

/* Created on first use: many buffers are never attached. */
static struct wlr_buffer *buffer_base_from_resource(
		struct wl_resource *resource) {
	struct wl_listener *listener = wl_resource_get_destroy_listener(
		resource, buffer_handle_resource_destroy);
	struct sealpool_wlr_buffer *buffer;
	if (listener != NULL) {
		buffer = wl_container_of(listener, buffer, resource_destroy);
		if (!sp_gpu_buffer_part(&buffer->gpu)) {
			return &buffer->base;
		}
		sp_gpu_buffer_leave(&buffer->gpu);
		buffer_leave_resource(buffer);
	}
	buffer = buffer_create(sealpool_buffer_try_from_resource(resource),
		resource);
	return buffer != NULL ? &buffer->base : NULL;
}

static const struct wlr_buffer_resource_interface buffer_resource_interface = {
	.name = "sealpool",
	.is_instance = buffer_resource_is_instance,
	.from_resource = buffer_base_from_resource,
};

/* wlroots caches a delayed commit, like that of a synchronized subsurface. */
static uint32_t hold_commit(struct wl_resource *surface, void *data) {
	return wlr_surface_lock_pending(wlr_surface_from_resource(surface));
}

static void release_commit(struct wl_resource *resource, uint32_t number,
		void *data) {
	struct wlr_surface *surface = wlr_surface_from_resource(resource);
	const struct wlr_xdg_surface *xdg_surface =
		wlr_xdg_surface_try_from_wlr_surface(surface);
	if (xdg_surface == NULL || xdg_surface->configured) {
		wlr_surface_unlock_cached(surface, number);
		return;
	}
	/* The xdg_toplevel or xdg_popup of this commit is gone. For the next one, wlroots
	 * would take it for the initial commit, which has no buffer. */
	struct wl_resource *role = surface->role_resource;
	surface->role_resource = NULL;
	wlr_surface_unlock_cached(surface, number);
	surface->role_resource = role;
}

static struct sp_gpu_buffer *find_gpu_buffer(struct wlr_buffer *base) {
	return base->impl == &buffer_impl ? &buffer_from_base(base)->gpu : NULL;
}

static void replace_buffer(struct wlr_buffer *base) {
	buffer_leave_resource(buffer_from_base(base));
}

static const struct sp_gpu_ops gpu_ops = {
	.find = find_gpu_buffer,
	.replace = replace_buffer,
};

/* The user of a compositor overrides its author. */
static bool is_wanted(bool wanted) {
	const char *value = secure_getenv("SEALPOOL_GPU_IMPORT");
	if (value == NULL || value[0] == '\0') {
		return wanted;
	}
	if (strcmp(value, "auto") != 0 && strcmp(value, "off") != 0) {
		wlr_log(WLR_ERROR, "[sealpool] SEALPOOL_GPU_IMPORT=%s in the "
			"environment is ignored: it is neither off nor auto",
			value);
		return wanted;
	}
	return strcmp(value, "auto") == 0;
}

void sp_wlr_use_gpu(struct wl_display *display, bool wanted,
		uint32_t idle_ms) {
	if (is_wanted(wanted)) {
		sp_gpu_enable(display, idle_ms != 0 ? idle_ms : 10000, &gpu_ops);
	}
}

void sp_wlr_use_buffers(struct sealpool_shm *shm, bool delays) {
	if (delays) {
		sealpool_shm_set_commit_funcs(shm, hold_commit, release_commit,
			NULL);
	}
	wlr_buffer_register_resource_interface(&buffer_resource_interface);
}
