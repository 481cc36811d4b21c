/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_WLROOTS_GPU_H
#define SEALPOOL_WLROOTS_GPU_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

struct sp_gpu_buffer;
struct wlr_buffer;

/** How to get from wlr_buffers to their struct sp_gpu_buffer. */
struct sp_gpu_ops {
	/* Returns NULL for a wlr_buffer of another kind. */
	struct sp_gpu_buffer *(*find)(struct wlr_buffer *base);
	/* See struct sp_gpu_device. */
	void (*replace)(struct wlr_buffer *base);
};

#if SEALPOOL_GPU

#include "gpu-buffer.h"

/** Imports buffers of this display's clients from now on, if the renderer and the kernel
 * can. "idle_ms": see struct sp_gpu_device. */
void sp_gpu_enable(struct wl_display *display, uint32_t idle_ms,
	const struct sp_gpu_ops *ops);

/** It no longer is one of its surface's buffers: the wl_buffer is being destroyed, for
 * example. */
void sp_gpu_buffer_leave(struct sp_gpu_buffer *buffer);
/** The wlr_buffer is being destroyed. */
void sp_gpu_buffer_finish(struct sp_gpu_buffer *buffer);

#else

/* The same, where nothing is ever imported. */

#include <wlr/util/log.h>

struct sp_gpu_buffer {
	char unused;
};

static inline void sp_gpu_enable(struct wl_display *display, uint32_t idle_ms,
		const struct sp_gpu_ops *ops) {
	wlr_log(WLR_INFO, "[sealpool] buffers are uploaded, not imported: this "
		"library was built without it");
}

#define sp_gpu_buffer_init(buffer, base, core) ((void)0)
#define sp_gpu_buffer_leave(buffer) ((void)0)
#define sp_gpu_buffer_finish(buffer) ((void)0)
#define sp_gpu_buffer_is_imported(buffer) false
#define sp_gpu_buffer_is_open(buffer) false
#define sp_gpu_buffer_get_dmabuf(buffer, attributes) false
#define sp_gpu_buffer_holds_release(buffer) false
#define sp_gpu_buffer_part(buffer) false

#endif

#endif
