/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_WLROOTS_GPU_H
#define SEALPOOL_WLROOTS_GPU_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "gpu-buffer.h"

struct wlr_buffer;

/** How to get from wlr_buffers to their struct sp_gpu_buffer. */
struct sp_gpu_ops {
	/* Returns NULL for a wlr_buffer of another kind. */
	struct sp_gpu_buffer *(*find)(struct wlr_buffer *base);
	/* See struct sp_gpu_device. */
	void (*replace)(struct wlr_buffer *base);
};

/** Imports buffers of this display's clients from now on, if the renderer and the kernel
 * can. "idle_ms": see struct sp_gpu_device. */
void sp_gpu_enable(struct wl_display *display, uint32_t idle_ms,
	const struct sp_gpu_ops *ops);

/** The wl_buffer is being destroyed. */
void sp_gpu_buffer_leave(struct sp_gpu_buffer *buffer);
/** The wlr_buffer is being destroyed. */
void sp_gpu_buffer_finish(struct sp_gpu_buffer *buffer);

#endif
