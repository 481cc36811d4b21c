/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_WLROOTS_GLES_H
#define SEALPOOL_WLROOTS_GLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wlr/render/egl.h>

struct wlr_renderer;

/** The EGL context of wlroots' GLES2 renderer. */
struct sp_gles {
	EGLDisplay display;
	EGLContext context;
	PFNEGLCREATESYNCKHRPROC create_sync;
	PFNEGLDESTROYSYNCKHRPROC destroy_sync;
	PFNEGLCLIENTWAITSYNCKHRPROC wait_sync;
};

/** Returns false if the renderer is another one, or its EGL has no fences. */
bool sp_gles_init(struct sp_gles *gles, struct wlr_renderer *renderer);

/** Gets the name of the driver (GL_RENDERER), or an empty string. */
void sp_gles_get_driver(const struct sp_gles *gles, char *name, size_t size);

/** Returns the path of the device that the context draws with, or NULL if it has none,
 * as a software renderer. */
const char *sp_gles_get_device(const struct sp_gles *gles);

/** Returns whether an error of GL was pending, and clears it. */
bool sp_gles_take_error(const struct sp_gles *gles);

/** Submits what was drawn. A driver may keep what was imported until then. */
void sp_gles_flush(const struct sp_gles *gles);

/** Returns what is done once the GPU has done what was drawn until now; EGL_NO_SYNC_KHR on
 * failure. */
EGLSyncKHR sp_gles_create_fence(const struct sp_gles *gles);
/** Never waits. A fence of a context that was lost is done. */
bool sp_gles_is_done(const struct sp_gles *gles, EGLSyncKHR fence);
void sp_gles_destroy_fence(const struct sp_gles *gles, EGLSyncKHR fence);

/** Returns whether sp_gles_copy() knows a format (DRM fourcc). */
bool sp_gles_knows(uint32_t format);

/** Gives a 2D texture memory of its own, with these pixels, in place of what it was imported
 * from. Returns false if that failed. */
bool sp_gles_copy(const struct sp_gles *gles, unsigned texture,
	uint32_t format, int32_t width, int32_t height, size_t stride,
	const void *data);

#endif
