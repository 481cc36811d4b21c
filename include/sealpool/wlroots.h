/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_WLROOTS_H
#define SEALPOOL_WLROOTS_H

/**
 * @file
 *
 * Sealpool's wl_shm for compositors built on wlroots 0.18 to 0.20.
 *
 * In place of
 *
 *     wlr_shm_create_with_renderer(display, 2, renderer);
 *
 * a compositor calls
 *
 *     sealpool_wlr_shm_create_with_renderer(display, 2, renderer, NULL);
 *
 * and nothing else changes: wlr_buffer_try_from_resource() finds the buffers,
 * the renderer reads them, screen capture writes them, and the release event is
 * sent when the last lock is gone. (wlr_renderer_init_wl_display() creates a
 * wlr_shm too: replace it by the call above, and create linux-dmabuf yourself where
 * it is wanted.)
 *
 * A capture into memory that cannot be written is discarded, and the client gets
 * wl_shm.invalid_fd, or the error for its budget. If the compositor lacks a resource,
 * that is logged, and the capture is discarded too.
 *
 * Everything in <sealpool/shm.h> applies, except that
 * sealpool_shm_set_commit_funcs() must not be called: this library uses it to delay
 * commits of wlr_surfaces. So all wl_surfaces of the display must be those of a
 * wlr_compositor.
 *
 * All functions are called on the display's thread.
 */

#include <stddef.h>
#include <stdint.h>

#include <sealpool/shm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wl_display;
struct wlr_buffer;
struct wlr_renderer;

/**
 * Creates the wl_shm global. It offers the formats that "renderer" can read from
 * memory. "options" may be NULL, and is copied. Without a log function,
 * messages go to wlr_log.
 *
 * The global is destroyed with the display. Returns NULL, after a log message,
 * when the renderer cannot read from memory or a resource is lacking.
 */
struct sealpool_shm *sealpool_wlr_shm_create_with_renderer(
	struct wl_display *display, uint32_t version,
	struct wlr_renderer *renderer, const struct sealpool_options *options);

/**
 * The same with a list of formats, for compositors that do not use struct
 * wlr_renderer. The list is as for sealpool_shm_create().
 */
struct sealpool_shm *sealpool_wlr_shm_create(struct wl_display *display,
	uint32_t version, const uint32_t *formats, size_t formats_len,
	const struct sealpool_options *options);

/**
 * Returns the buffer behind a wlr_buffer, such as wlr_surface.pending.buffer, or NULL for
 * one that is not Sealpool's. Of a wlr_client_buffer, such as wlr_surface.buffer, pass the
 * source, unless that is NULL. The wlr_buffer keeps the reference. For
 * sealpool_buffer_damage(), in a listener of wlr_surface.events.client_commit.
 */
struct sealpool_buffer *sealpool_wlr_buffer_try_get(
	struct wlr_buffer *wlr_buffer);

#ifdef __cplusplus
}
#endif

#endif
