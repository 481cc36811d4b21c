/* SPDX-License-Identifier: MIT */
/*
 * The readers. One composites with pixman into a framebuffer in memory, as wlroots' and
 * Weston's pixman renderers do. One uploads to a texture with glTexSubImage2D(), as
 * wlroots' GLES renderer does; it runs on llvmpipe, without a screen.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench-server-protocol.h"
#include "reader.h"

#ifdef BENCH_GLES
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>

static bool init_gles(struct reader *reader) {
	/* Not on a GPU, since this measures memory. */
	setenv("LIBGL_ALWAYS_SOFTWARE", "1", 1);
	PFNEGLGETPLATFORMDISPLAYEXTPROC get_display =
		(PFNEGLGETPLATFORMDISPLAYEXTPROC)eglGetProcAddress(
			"eglGetPlatformDisplayEXT");
	if (get_display == NULL) {
		return false;
	}
	EGLDisplay display = get_display(EGL_PLATFORM_SURFACELESS_MESA,
		EGL_DEFAULT_DISPLAY, NULL);
	if (display == EGL_NO_DISPLAY ||
			!eglInitialize(display, NULL, NULL) ||
			!eglBindAPI(EGL_OPENGL_ES_API)) {
		return false;
	}
	static const EGLint attributes[] = {
		EGL_CONTEXT_CLIENT_VERSION, 2,
		EGL_NONE,
	};
	EGLContext context = eglCreateContext(display, EGL_NO_CONFIG_KHR,
		EGL_NO_CONTEXT, attributes);
	if (context == EGL_NO_CONTEXT || !eglMakeCurrent(display,
			EGL_NO_SURFACE, EGL_NO_SURFACE, context)) {
		return false;
	}
	glGenTextures(1, &reader->texture);
	glBindTexture(GL_TEXTURE_2D, reader->texture);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_BGRA_EXT, reader->width,
		reader->height, 0, GL_BGRA_EXT, GL_UNSIGNED_BYTE, NULL);
	return glGetError() == GL_NO_ERROR;
}

static void upload(struct reader *reader, void *data, size_t stride,
		const pixman_region32_t *damage) {
	int boxes_len;
	const pixman_box32_t *boxes = pixman_region32_rectangles(
		(pixman_region32_t *)damage, &boxes_len);
	glPixelStorei(GL_UNPACK_ROW_LENGTH_EXT, (GLint)(stride / 4));
	for (int i = 0; i < boxes_len; i++) {
		const pixman_box32_t *box = &boxes[i];
		glPixelStorei(GL_UNPACK_SKIP_PIXELS_EXT, box->x1);
		glPixelStorei(GL_UNPACK_SKIP_ROWS_EXT, box->y1);
		glTexSubImage2D(GL_TEXTURE_2D, 0, box->x1, box->y1,
			box->x2 - box->x1, box->y2 - box->y1, GL_BGRA_EXT,
			GL_UNSIGNED_BYTE, data);
	}
	glFlush();
}
#else
static bool init_gles(struct reader *reader) {
	return false;
}

static void upload(struct reader *reader, void *data, size_t stride,
		const pixman_region32_t *damage) {
	abort();
}
#endif

bool reader_init(struct reader *reader, uint32_t kind, int32_t width,
		int32_t height) {
	*reader = (struct reader){
		.kind = kind,
		.width = width,
		.height = height,
	};
	if (kind == BENCH_READER_GLES && !init_gles(reader)) {
		fprintf(stderr, "bench: GLES is not available\n");
		return false;
	}
	if (kind == BENCH_READER_PIXMAN) {
		reader->framebuffer = pixman_image_create_bits(PIXMAN_a8r8g8b8,
			width, height, NULL, 0);
		if (reader->framebuffer == NULL) {
			fprintf(stderr, "bench: no memory\n");
			return false;
		}
	}
	return true;
}

static void compose(struct reader *reader, void *data, size_t stride,
		const pixman_region32_t *damage) {
	pixman_image_t *image = pixman_image_create_bits_no_clear(
		PIXMAN_a8r8g8b8, reader->width, reader->height, data,
		(int)stride);
	pixman_image_set_clip_region32(reader->framebuffer,
		(pixman_region32_t *)damage);
	pixman_image_composite32(PIXMAN_OP_SRC, image, NULL,
		reader->framebuffer, 0, 0, 0, 0, 0, 0, reader->width,
		reader->height);
	pixman_image_unref(image);
}

static void touch(struct reader *reader, void *data, size_t stride,
		const pixman_region32_t *damage) {
	const pixman_box32_t *box =
		pixman_region32_extents((pixman_region32_t *)damage);
	for (int32_t y = box->y1; y < box->y2; y++) {
		reader->sum += *(const uint32_t *)((const uint8_t *)data +
			stride * (size_t)y);
	}
}

void reader_read(struct reader *reader, void *data, size_t stride,
		const pixman_region32_t *damage) {
	switch (reader->kind) {
	case BENCH_READER_TOUCH:
		touch(reader, data, stride, damage);
		break;
	case BENCH_READER_PIXMAN:
		compose(reader, data, stride, damage);
		break;
	case BENCH_READER_GLES:
		upload(reader, data, stride, damage);
		break;
	}
}
