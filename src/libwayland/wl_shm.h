/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_LIBWAYLAND_WL_SHM_H
#define SEALPOOL_LIBWAYLAND_WL_SHM_H

#include <stdbool.h>
#include <stdint.h>

struct sealpool_options;
struct sealpool_shm;
struct wl_client;
struct wl_display;
struct wl_resource;
struct wl_shm_buffer;
struct wl_shm_pool;

/** The functions that exports.c has under libwayland's names. */
struct sp_libwayland {
	struct wl_shm_buffer *(*buffer_get)(struct wl_resource *resource);
	struct wl_shm_buffer *(*buffer_create)(struct wl_client *client,
		uint32_t id, int32_t width, int32_t height, int32_t stride,
		uint32_t format);
	void (*buffer_begin_access)(struct wl_shm_buffer *buffer);
	void (*buffer_end_access)(struct wl_shm_buffer *buffer);
	void *(*buffer_get_data)(struct wl_shm_buffer *buffer);
	int32_t (*buffer_get_stride)(const struct wl_shm_buffer *buffer);
	uint32_t (*buffer_get_format)(const struct wl_shm_buffer *buffer);
	int32_t (*buffer_get_width)(const struct wl_shm_buffer *buffer);
	int32_t (*buffer_get_height)(const struct wl_shm_buffer *buffer);
	struct wl_shm_buffer *(*buffer_ref)(struct wl_shm_buffer *buffer);
	void (*buffer_unref)(struct wl_shm_buffer *buffer);
	struct wl_shm_pool *(*buffer_ref_pool)(struct wl_shm_buffer *buffer);
	void (*pool_unref)(struct wl_shm_pool *pool);
	int (*display_init_shm)(struct wl_display *display);
	uint32_t *(*display_add_shm_format)(struct wl_display *display,
		uint32_t format);
};

/** Sealpool's. */
extern const struct sp_libwayland sp_libwayland;

/** Returns the functions to use in this process. */
const struct sp_libwayland *sp_libwayland_choose(void);

/** See sealpool_libwayland_set_options(). */
void sp_libwayland_set_options(const struct sealpool_options *options);

/** Lets wl_display_init_shm() use what was created for a display by sp_shm_create(), or
 * for a guard. Returns false when there is no memory. */
bool sp_libwayland_give_shm(struct wl_display *display, struct sealpool_shm *shm);

/** Returns what wl_display_init_shm() has created for a display, or NULL. */
struct sealpool_shm *sp_libwayland_get_shm(struct wl_display *display);

#endif
