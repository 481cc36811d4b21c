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

/* exports.c redefines it for headers of libwayland that do not say const. */
#define SP_READ_ONLY const

/** libwayland's functions for wl_shm, without "wl_": F(type, name, parameters, arguments). */
#define SP_LIBWAYLAND_FUNCTIONS(F) \
	F(struct wl_shm_buffer *, shm_buffer_get, \
		(struct wl_resource *resource), (resource)) \
	F(struct wl_shm_buffer *, shm_buffer_create, \
		(struct wl_client *client, uint32_t id, int32_t width, \
			int32_t height, int32_t stride, uint32_t format), \
		(client, id, width, height, stride, format)) \
	F(void, shm_buffer_begin_access, \
		(struct wl_shm_buffer *buffer), (buffer)) \
	F(void, shm_buffer_end_access, \
		(struct wl_shm_buffer *buffer), (buffer)) \
	F(void *, shm_buffer_get_data, \
		(struct wl_shm_buffer *buffer), (buffer)) \
	F(int32_t, shm_buffer_get_stride, \
		(SP_READ_ONLY struct wl_shm_buffer *buffer), (buffer)) \
	F(uint32_t, shm_buffer_get_format, \
		(SP_READ_ONLY struct wl_shm_buffer *buffer), (buffer)) \
	F(int32_t, shm_buffer_get_width, \
		(SP_READ_ONLY struct wl_shm_buffer *buffer), (buffer)) \
	F(int32_t, shm_buffer_get_height, \
		(SP_READ_ONLY struct wl_shm_buffer *buffer), (buffer)) \
	F(struct wl_shm_buffer *, shm_buffer_ref, \
		(struct wl_shm_buffer *buffer), (buffer)) \
	F(void, shm_buffer_unref, \
		(struct wl_shm_buffer *buffer), (buffer)) \
	F(struct wl_shm_pool *, shm_buffer_ref_pool, \
		(struct wl_shm_buffer *buffer), (buffer)) \
	F(void, shm_pool_unref, (struct wl_shm_pool *pool), (pool)) \
	F(int, display_init_shm, (struct wl_display *display), (display)) \
	F(uint32_t *, display_add_shm_format, \
		(struct wl_display *display, uint32_t format), \
		(display, format))

/** The functions that exports.c has under libwayland's names. */
struct sp_libwayland {
#define MEMBER(type, name, parameters, arguments) type (*name)parameters;
	SP_LIBWAYLAND_FUNCTIONS(MEMBER)
#undef MEMBER
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
