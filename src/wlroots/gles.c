/* SPDX-License-Identifier: MIT */
/*
 * What the import of buffers asks of the renderer's EGL context: fences, and a copy of a
 * texture that was imported.
 *
 * wlroots makes its context current for each call into its renderer, and restores what
 * was current before. So does each function here.
 */
#include <drm_fourcc.h>
#include <stdio.h>
#include <string.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>
#include <wlr/render/gles2.h>

#include "gles.h"

struct current {
	EGLDisplay display;
	EGLContext context;
	EGLSurface draw, read;
};

static bool enter(const struct sp_gles *gles, struct current *previous) {
	*previous = (struct current){
		.display = eglGetCurrentDisplay(),
		.context = eglGetCurrentContext(),
		.draw = eglGetCurrentSurface(EGL_DRAW),
		.read = eglGetCurrentSurface(EGL_READ),
	};
	return eglMakeCurrent(gles->display, EGL_NO_SURFACE, EGL_NO_SURFACE,
		gles->context);
}

static void leave(const struct sp_gles *gles, const struct current *previous) {
	/* Without a current context there is no current display. */
	EGLDisplay display = previous->display != EGL_NO_DISPLAY ?
		previous->display : gles->display;
	eglMakeCurrent(display, previous->draw, previous->read,
		previous->context);
}

bool sp_gles_init(struct sp_gles *gles, struct wlr_renderer *renderer) {
	if (!wlr_renderer_is_gles2(renderer)) {
		return false;
	}
	struct wlr_egl *egl = wlr_gles2_renderer_get_egl(renderer);
	*gles = (struct sp_gles){
		.display = wlr_egl_get_display(egl),
		.context = wlr_egl_get_context(egl),
		.create_sync = (PFNEGLCREATESYNCKHRPROC)
			eglGetProcAddress("eglCreateSyncKHR"),
		.destroy_sync = (PFNEGLDESTROYSYNCKHRPROC)
			eglGetProcAddress("eglDestroySyncKHR"),
		.wait_sync = (PFNEGLCLIENTWAITSYNCKHRPROC)
			eglGetProcAddress("eglClientWaitSyncKHR"),
	};
	/* The functions may be there for another display. */
	const char *extensions = eglQueryString(gles->display, EGL_EXTENSIONS);
	return gles->create_sync != NULL && gles->destroy_sync != NULL &&
		gles->wait_sync != NULL && extensions != NULL &&
		strstr(extensions, "EGL_KHR_fence_sync") != NULL;
}

void sp_gles_get_driver(const struct sp_gles *gles, char *name, size_t size) {
	struct current previous;
	name[0] = '\0';
	if (!enter(gles, &previous)) {
		return;
	}
	const char *driver = (const char *)glGetString(GL_RENDERER);
	snprintf(name, size, "%s", driver != NULL ? driver : "");
	leave(gles, &previous);
}

const char *sp_gles_get_device(const struct sp_gles *gles) {
	PFNEGLQUERYDISPLAYATTRIBEXTPROC query_display =
		(PFNEGLQUERYDISPLAYATTRIBEXTPROC)
		eglGetProcAddress("eglQueryDisplayAttribEXT");
	PFNEGLQUERYDEVICESTRINGEXTPROC query_device =
		(PFNEGLQUERYDEVICESTRINGEXTPROC)
		eglGetProcAddress("eglQueryDeviceStringEXT");
	EGLAttrib device = 0;
	if (query_display == NULL || query_device == NULL ||
			!query_display(gles->display, EGL_DEVICE_EXT, &device) ||
			device == 0) {
		return NULL;
	}
	const char *extensions =
		query_device((EGLDeviceEXT)device, EGL_EXTENSIONS);
	return extensions == NULL ||
			strstr(extensions, "EGL_MESA_device_software") != NULL ? NULL :
		query_device((EGLDeviceEXT)device, EGL_DRM_DEVICE_FILE_EXT);
}

bool sp_gles_take_error(const struct sp_gles *gles) {
	struct current previous;
	if (!enter(gles, &previous)) {
		return true;
	}
	bool found = glGetError() != GL_NO_ERROR;
	leave(gles, &previous);
	return found;
}

void sp_gles_flush(const struct sp_gles *gles) {
	struct current previous;
	if (enter(gles, &previous)) {
		glFlush();
		leave(gles, &previous);
	}
}

EGLSyncKHR sp_gles_create_fence(const struct sp_gles *gles) {
	struct current previous;
	if (!enter(gles, &previous)) {
		return EGL_NO_SYNC_KHR;
	}
	EGLSyncKHR fence = gles->create_sync(gles->display, EGL_SYNC_FENCE_KHR,
		NULL);
	/* Else it might never be done. */
	glFlush();
	leave(gles, &previous);
	return fence;
}

bool sp_gles_is_done(const struct sp_gles *gles, EGLSyncKHR fence) {
	return gles->wait_sync(gles->display, fence, 0, 0) !=
		EGL_TIMEOUT_EXPIRED_KHR;
}

void sp_gles_destroy_fence(const struct sp_gles *gles, EGLSyncKHR fence) {
	gles->destroy_sync(gles->display, fence);
}

/* Those of 32 bits: every driver that imports anything imports them, and they came out
 * exactly. */
static GLenum get_gl_format(uint32_t format) {
	switch (format) {
	case DRM_FORMAT_ARGB8888:
	case DRM_FORMAT_XRGB8888:
		return GL_BGRA_EXT;
	case DRM_FORMAT_ABGR8888:
	case DRM_FORMAT_XBGR8888:
		return GL_RGBA;
	default:
		return GL_NONE;
	}
}

bool sp_gles_knows(uint32_t format) {
	return get_gl_format(format) != GL_NONE;
}

bool sp_gles_copy(const struct sp_gles *gles, unsigned texture,
		uint32_t format, int32_t width, int32_t height, size_t stride,
		const void *data) {
	struct current previous;
	if (!enter(gles, &previous)) {
		return false;
	}
	GLenum gl_format = get_gl_format(format);
	glGetError();
	glBindTexture(GL_TEXTURE_2D, texture);
	/* wlroots' renderer requires GL_EXT_unpack_subimage. */
	glPixelStorei(GL_UNPACK_ROW_LENGTH_EXT, (GLint)(stride / 4));
	/* A new image of the texture; what was imported is not its any more. */
	glTexImage2D(GL_TEXTURE_2D, 0, (GLint)gl_format, width, height, 0,
		gl_format, GL_UNSIGNED_BYTE, data);
	glPixelStorei(GL_UNPACK_ROW_LENGTH_EXT, 0);
	glBindTexture(GL_TEXTURE_2D, 0);
	bool ok = glGetError() == GL_NO_ERROR;
	leave(gles, &previous);
	return ok;
}
