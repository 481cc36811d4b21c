/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_WLROOTS_GPU_BUFFER_H
#define SEALPOOL_WLROOTS_GPU_BUFFER_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "gles.h"
#include "import.h"

struct sealpool_buffer;
struct sp_gpu_surface;
struct wlr_buffer;
struct wlr_dmabuf_attributes;
struct wlr_renderer;

/** The device that buffers are imported into. */
struct sp_gpu_device {
	/* NULL if it cannot be used (yet, or any more). */
	struct wlr_renderer *renderer;
	struct sp_gles gles;
	struct sp_imports imports;
	struct wl_list buffers; /* sp_gpu_buffer.imported_link */
	/* A dma-buf that was not used for so long is given back; UINT32_MAX: never. */
	uint32_t idle_ms;
	struct wl_event_source *fence_timer, *idle_timer;
	bool watches_fences, watches_idle;
	/* Replaces a wlr_buffer that nothing has locked: its wl_buffer gets another one
	 * when it is committed again. */
	void (*replace)(struct wlr_buffer *base);
};

/** What the import knows of a wlr_buffer. */
struct sp_gpu_buffer {
	struct wlr_buffer *base;
	struct sealpool_buffer *buffer; /* the wlr_buffer's reference */
	/* gpu.c's: the only surface that it was committed to, or NULL. */
	struct sp_gpu_surface *surface;
	struct wl_list link; /* sp_gpu_surface.buffers */
	/* Never import it: it was committed to two surfaces, or it was refused. */
	bool excluded;
	/* How many more times its dma-buf is handed out. */
	unsigned answers;
	uint64_t used_at; /* when it was committed, in ms */

	/* NULL if there is no dma-buf; then the rest has no meaning. */
	struct sp_import *import;
	struct sp_gpu_device *device;
	struct wl_list imported_link; /* sp_gpu_device.buffers */
	unsigned texture; /* GL's name */
	/* Its last commit was imported, and something has locked the wlr_buffer since:
	 * the texture. */
	bool is_shown;
	/* Its texture has a copy of the pixels, and the client has, or will get, its
	 * wl_buffer.release before the texture ends. */
	bool is_copied;
	/* wl_buffer.release is sent when the GPU has come to it; else NULL. */
	EGLSyncKHR fence;
};

/** Opens the kernel's device; there is no renderer yet. Returns 0 or a negative errno. */
int sp_gpu_device_init(struct sp_gpu_device *device, struct wl_event_loop *loop,
	uint32_t idle_ms, void (*replace)(struct wlr_buffer *base));
/** The renderer is about to go, or is lost. */
void sp_gpu_device_leave_renderer(struct sp_gpu_device *device);
/** It has no renderer. Textures stay as they are. */
void sp_gpu_device_finish(struct sp_gpu_device *device);

void sp_gpu_buffer_init(struct sp_gpu_buffer *buffer, struct wlr_buffer *base,
	struct sealpool_buffer *sealpool_buffer);
/** Makes a dma-buf and imports it, unless that was done before. Returns false if the
 * buffer is uploaded. */
bool sp_gpu_buffer_import(struct sp_gpu_buffer *buffer,
	struct sp_gpu_device *device, struct wl_client *client);
void sp_gpu_buffer_drop_import(struct sp_gpu_buffer *buffer);

/** It is committed. */
void sp_gpu_buffer_use(struct sp_gpu_buffer *buffer);
/** If a texture holds back its release, and its client may wait for that, the texture gets
 * a copy of the pixels, and the client its release. */
void sp_gpu_buffer_give_back(struct sp_gpu_buffer *buffer);
/** The wl_buffer is used again. Returns true if a texture of the last time is there. It has a
 * copy of the pixels from now on, and holds back no release. But it keeps the wlr_buffer, so
 * the wl_buffer needs another one: its release must not wait for that texture. */
bool sp_gpu_buffer_part(struct sp_gpu_buffer *buffer);
/** Hands out the dma-buf, as often as wlroots asks for it to make a texture. */
void sp_gpu_buffer_open(struct sp_gpu_buffer *buffer);

/** Gets its dma-buf while a texture is made for a commit; else returns false. */
bool sp_gpu_buffer_get_dmabuf(struct sp_gpu_buffer *buffer,
	struct wlr_dmabuf_attributes *attributes);
/** Returns whether a texture is being made of its dma-buf: then an access to its bytes is
 * refused. Each access asks this. */
static inline bool sp_gpu_buffer_is_open(const struct sp_gpu_buffer *buffer) {
	return buffer->answers > 0;
}

/** Returns whether it has a dma-buf. */
static inline bool sp_gpu_buffer_is_imported(
		const struct sp_gpu_buffer *buffer) {
	return buffer->import != NULL;
}

/** Its last lock is gone. Returns whether wl_buffer.release is sent later, or was sent
 * before. */
bool sp_gpu_buffer_holds_release(struct sp_gpu_buffer *buffer);

#endif
