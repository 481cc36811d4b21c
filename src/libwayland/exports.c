/* SPDX-License-Identifier: MIT */
/*
 * libwayland-server's functions for wl_shm under their own names.
 */
#include <wayland-server-core.h>

#include "wl_shm.h"

/* Newer headers of libwayland say const in some functions. */
#ifdef SP_LIBWAYLAND_SAYS_CONST
#define READ_ONLY const
#else
#define READ_ONLY
#endif

/* libwayland's header has these two since version 1.24. */
struct wl_shm_buffer *wl_shm_buffer_ref(struct wl_shm_buffer *buffer);
void wl_shm_buffer_unref(struct wl_shm_buffer *buffer);

struct wl_shm_buffer *wl_shm_buffer_get(struct wl_resource *resource) {
	return sp_libwayland_choose()->buffer_get(resource);
}

struct wl_shm_buffer *wl_shm_buffer_create(struct wl_client *client,
		uint32_t id, int32_t width, int32_t height, int32_t stride,
		uint32_t format) {
	return sp_libwayland_choose()->buffer_create(client, id, width, height,
		stride, format);
}

void wl_shm_buffer_begin_access(struct wl_shm_buffer *buffer) {
	sp_libwayland_choose()->buffer_begin_access(buffer);
}

void wl_shm_buffer_end_access(struct wl_shm_buffer *buffer) {
	sp_libwayland_choose()->buffer_end_access(buffer);
}

void *wl_shm_buffer_get_data(struct wl_shm_buffer *buffer) {
	return sp_libwayland_choose()->buffer_get_data(buffer);
}

int32_t wl_shm_buffer_get_stride(READ_ONLY struct wl_shm_buffer *buffer) {
	return sp_libwayland_choose()->buffer_get_stride(buffer);
}

uint32_t wl_shm_buffer_get_format(READ_ONLY struct wl_shm_buffer *buffer) {
	return sp_libwayland_choose()->buffer_get_format(buffer);
}

int32_t wl_shm_buffer_get_width(READ_ONLY struct wl_shm_buffer *buffer) {
	return sp_libwayland_choose()->buffer_get_width(buffer);
}

int32_t wl_shm_buffer_get_height(READ_ONLY struct wl_shm_buffer *buffer) {
	return sp_libwayland_choose()->buffer_get_height(buffer);
}

struct wl_shm_buffer *wl_shm_buffer_ref(struct wl_shm_buffer *buffer) {
	return sp_libwayland_choose()->buffer_ref(buffer);
}

void wl_shm_buffer_unref(struct wl_shm_buffer *buffer) {
	sp_libwayland_choose()->buffer_unref(buffer);
}

struct wl_shm_pool *wl_shm_buffer_ref_pool(struct wl_shm_buffer *buffer) {
	return sp_libwayland_choose()->buffer_ref_pool(buffer);
}

void wl_shm_pool_unref(struct wl_shm_pool *pool) {
	sp_libwayland_choose()->pool_unref(pool);
}

int wl_display_init_shm(struct wl_display *display) {
	return sp_libwayland_choose()->display_init_shm(display);
}

uint32_t *wl_display_add_shm_format(struct wl_display *display,
		uint32_t format) {
	return sp_libwayland_choose()->display_add_shm_format(display, format);
}
