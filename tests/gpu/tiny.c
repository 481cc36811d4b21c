/* SPDX-License-Identifier: MIT */
/*
 * sealpool-tiny with wlroots' GLES2 renderer where there is no GPU: its EGL display has no
 * surface and no device, and its outputs are dma-bufs of this process's own memory.
 * wlroots 0.18 has neither. These functions take the place of those of libwlroots.
 *
 * llvmpipe's textures are in this process's memory, so that they count as the compositor's.
 * How much they take, at most, is said on stderr.
 */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <GLES2/gl2.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/render/allocator.h>
#include <wlr/render/drm_format_set.h>
#include <wlr/render/egl.h>
#include <wlr/render/gles2.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/version.h>

struct output_buffer {
	struct wlr_buffer base;
	struct wlr_dmabuf_attributes dmabuf;
};

static void output_buffer_destroy(struct wlr_buffer *base) {
	struct output_buffer *buffer = wl_container_of(base, buffer, base);
#if WLR_VERSION_NUM >= (19 << 8)
	wlr_buffer_finish(base);
#endif
	wlr_dmabuf_attributes_finish(&buffer->dmabuf);
	free(buffer);
}

static bool output_buffer_get_dmabuf(struct wlr_buffer *base,
		struct wlr_dmabuf_attributes *attributes) {
	struct output_buffer *buffer = wl_container_of(base, buffer, base);
	*attributes = buffer->dmabuf;
	return true;
}

static const struct wlr_buffer_impl output_buffer_impl = {
	.destroy = output_buffer_destroy,
	.get_dmabuf = output_buffer_get_dmabuf,
};

static int make_dmabuf(size_t size) {
	int ret = -1;
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int fd = memfd_create("output", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (device >= 0 && fd >= 0 && ftruncate(fd, (off_t)size) == 0 &&
			fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0) {
		struct udmabuf_create create = {
			.memfd = (uint32_t)fd,
			.flags = UDMABUF_FLAGS_CLOEXEC,
			.size = size,
		};
		ret = ioctl(device, UDMABUF_CREATE, &create);
	}
	close(fd);
	close(device);
	return ret;
}

static struct wlr_buffer *create_buffer(struct wlr_allocator *allocator,
		int width, int height, const struct wlr_drm_format *format) {
	size_t stride = ((size_t)width * 4 + 255) & ~(size_t)255;
	int fd = make_dmabuf((stride * (size_t)height + 4095) & ~(size_t)4095);
	struct output_buffer *buffer =
		fd < 0 ? NULL : calloc(1, sizeof(*buffer));
	if (buffer == NULL) {
		return NULL;
	}
	wlr_buffer_init(&buffer->base, &output_buffer_impl, width, height);
	buffer->dmabuf = (struct wlr_dmabuf_attributes){
		.width = width,
		.height = height,
		.format = format->format,
		.modifier = DRM_FORMAT_MOD_LINEAR,
		.n_planes = 1,
		.stride = { (uint32_t)stride },
		.fd = { fd },
	};
	return &buffer->base;
}

static void destroy_allocator(struct wlr_allocator *allocator) {
	free(allocator);
}

static const struct wlr_allocator_interface allocator_impl = {
	.create_buffer = create_buffer,
	.destroy = destroy_allocator,
};

struct wlr_allocator *wlr_allocator_autocreate(struct wlr_backend *backend,
		struct wlr_renderer *renderer) {
	struct wlr_allocator *allocator = calloc(1, sizeof(*allocator));
	if (allocator != NULL) {
		wlr_allocator_init(allocator, &allocator_impl,
			WLR_BUFFER_CAP_DMABUF);
	}
	return allocator;
}

struct wlr_renderer *wlr_renderer_autocreate(struct wlr_backend *backend) {
	static const EGLint attributes[] = {
		EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE,
	};
	PFNEGLGETPLATFORMDISPLAYEXTPROC get_display =
		(PFNEGLGETPLATFORMDISPLAYEXTPROC)
		eglGetProcAddress("eglGetPlatformDisplayEXT");
	EGLDisplay display = get_display == NULL ? EGL_NO_DISPLAY :
		get_display(EGL_PLATFORM_SURFACELESS_MESA,
			(void *)EGL_DEFAULT_DISPLAY, NULL);
	if (display == EGL_NO_DISPLAY || !eglInitialize(display, NULL, NULL) ||
			!eglBindAPI(EGL_OPENGL_ES_API)) {
		return NULL;
	}
	EGLContext context = eglCreateContext(display, EGL_NO_CONFIG_KHR,
		EGL_NO_CONTEXT, attributes);
	struct wlr_egl *egl = context == EGL_NO_CONTEXT ? NULL :
		wlr_egl_create_with_context(display, context);
	return egl == NULL ? NULL : wlr_gles2_renderer_create(egl);
}

/* Textures that are uploaded. Mesa's names are small numbers. Imported ones have no memory
 * of their own. */

#define TEXTURES_MAX 65536
#define MIB ((size_t)1 << 20)

static size_t texture_sizes[TEXTURES_MAX];
static size_t all_textures, most_textures;

static void set_texture_size(GLuint name, size_t size) {
	if (name >= TEXTURES_MAX) {
		return;
	}
	all_textures += size - texture_sizes[name];
	texture_sizes[name] = size;
	if (all_textures >= most_textures + MIB) {
		most_textures = all_textures;
		fprintf(stderr, "textures: %zu MiB\n", most_textures / MIB);
	}
}

void glTexImage2D(GLenum target, GLint level, GLint internal_format,
		GLsizei width, GLsizei height, GLint border, GLenum format,
		GLenum type, const void *pixels) {
	__typeof__(&glTexImage2D) upload =
		(__typeof__(&glTexImage2D))eglGetProcAddress("glTexImage2D");
	upload(target, level, internal_format, width, height, border, format,
		type, pixels);
	GLint name = 0;
	glGetIntegerv(GL_TEXTURE_BINDING_2D, &name);
	set_texture_size((GLuint)name, (size_t)width * (size_t)height * 4);
}

void glDeleteTextures(GLsizei count, const GLuint *names) {
	__typeof__(&glDeleteTextures) delete = (__typeof__(&glDeleteTextures))
		eglGetProcAddress("glDeleteTextures");
	for (GLsizei i = 0; i < count; i++) {
		set_texture_size(names[i], 0);
	}
	delete(count, names);
}
