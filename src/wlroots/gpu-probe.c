/* SPDX-License-Identifier: MIT */
/*
 * sealpool-gpu-probe [DEVICE [DRIVER]]: tries whether a GPU shows sealed memory as it is.
 *
 * For each format: makes memory, and a dma-buf of it with /dev/udmabuf; imports that as
 * wlroots does; draws with it, and compares each pixel. Changes the memory, and compares
 * again. Strides and offsets are those that a client of Sealpool may have.
 *
 * DEVICE is a DRM device's path as EGL has it; empty or missing for none (llvmpipe).
 * DRIVER is what GL_RENDERER has to be. The last line begins with "works" or "does not
 * work", and the exit status is 0 or 1. A driver that hangs is ended after a minute.
 *
 * libsealpool-wlroots runs it: some drivers accept an import, and die when they draw with
 * it.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define EGL_NO_X11
#define EGL_NO_PLATFORM_SPECIFIC_TYPES
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>

#define PATIENCE_SECONDS 60

#define PAGE 4096
#define SIZE (16 * PAGE)

struct format {
	uint32_t drm;
	/* Which byte of a pixel is red, green, blue, alpha; -1 for opaque. */
	int order[4];
};

static const struct format formats[] = {
	{ DRM_FORMAT_ARGB8888, { 2, 1, 0, 3 } },
	{ DRM_FORMAT_XRGB8888, { 2, 1, 0, -1 } },
	{ DRM_FORMAT_ABGR8888, { 0, 1, 2, 3 } },
	{ DRM_FORMAT_XBGR8888, { 0, 1, 2, -1 } },
};

struct picture {
	int width, height, stride, offset;
};

/* Rows that fill their stride, rows that do not, and a first page that is shared. */
static const struct picture pictures[] = {
	{ 64, 64, 256, 0 },
	{ 67, 61, 512, 0 },
	{ 100, 37, 768, 256 },
};

static EGLDisplay display;
static bool has_modifiers;
static int device;
static int memfd;
static uint8_t *memory;
static PFNEGLCREATEIMAGEKHRPROC create_image;
static PFNEGLDESTROYIMAGEKHRPROC destroy_image;
static PFNGLEGLIMAGETARGETTEXTURE2DOESPROC target_texture;

__attribute__((format(printf, 1, 2), noreturn))
static void fail(const char *format, ...) {
	va_list args;
	printf("does not work: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(1);
}

static void *get_proc(const char *name) {
	void *proc = (void *)eglGetProcAddress(name);
	if (proc == NULL) {
		fail("EGL has no %s", name);
	}
	return proc;
}

static EGLDeviceEXT find_device(const char *path) {
	PFNEGLQUERYDEVICESEXTPROC query_devices =
		get_proc("eglQueryDevicesEXT");
	PFNEGLQUERYDEVICESTRINGEXTPROC query_string =
		get_proc("eglQueryDeviceStringEXT");
	EGLDeviceEXT devices[32];
	EGLint length = 0;
	query_devices(32, devices, &length);
	for (EGLint i = 0; i < length; i++) {
		const char *extensions =
			query_string(devices[i], EGL_EXTENSIONS);
		const char *file = extensions == NULL ||
				strstr(extensions, "EGL_MESA_device_software") != NULL ?
			NULL : query_string(devices[i], EGL_DRM_DEVICE_FILE_EXT);
		if (file != NULL && strcmp(file, path) == 0) {
			return devices[i];
		}
	}
	fail("EGL has no device %s", path);
}

static void open_display(const char *path) {
	PFNEGLGETPLATFORMDISPLAYEXTPROC get_display =
		get_proc("eglGetPlatformDisplayEXT");
	static const EGLint attributes[] = {
		EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE,
	};
	if (path[0] != '\0') {
		display = get_display(EGL_PLATFORM_DEVICE_EXT, find_device(path),
			NULL);
	} else {
		setenv("LIBGL_ALWAYS_SOFTWARE", "1", true);
		display = get_display(EGL_PLATFORM_SURFACELESS_MESA,
			(void *)EGL_DEFAULT_DISPLAY, NULL);
	}
	EGLint major, minor;
	if (display == EGL_NO_DISPLAY ||
			!eglInitialize(display, &major, &minor) ||
			!eglBindAPI(EGL_OPENGL_ES_API)) {
		fail("no EGL display (0x%x)", (unsigned)eglGetError());
	}
	EGLContext context = eglCreateContext(display, EGL_NO_CONFIG_KHR,
		EGL_NO_CONTEXT, attributes);
	if (context == EGL_NO_CONTEXT || !eglMakeCurrent(display,
			EGL_NO_SURFACE, EGL_NO_SURFACE, context)) {
		fail("no context (0x%x)", (unsigned)eglGetError());
	}
}

/* wlroots makes external textures of such formats, which are not used. Where a driver lists
 * no modifiers, it makes 2D textures. */
static void check_external(const struct format *format) {
	PFNEGLQUERYDMABUFMODIFIERSEXTPROC query =
		get_proc("eglQueryDmaBufModifiersEXT");
	EGLuint64KHR modifiers[256];
	/* llvmpipe sets none of them (Mesa 25.0.7); for wlroots, they are false at
	 * first, too. */
	EGLBoolean external[256] = { EGL_FALSE };
	EGLint length = 0;
	query(display, (EGLint)format->drm, 256, modifiers, external, &length);
	for (EGLint i = 0; i < length; i++) {
		if (modifiers[i] == DRM_FORMAT_MOD_LINEAR && !external[i]) {
			return;
		}
	}
	if (length > 0) {
		fail("%.4s has only external textures",
			(const char *)&format->drm);
	}
}

/* wlroots passes modifiers if there are any, but for WLR_EGL_NO_MODIFIERS. */
static void check_extensions(void) {
	const char *extensions = eglQueryString(display, EGL_EXTENSIONS);
	const char *no_modifiers = getenv("WLR_EGL_NO_MODIFIERS");
	if (strstr(extensions, "EGL_EXT_image_dma_buf_import") == NULL) {
		fail("EGL does not import dma-bufs");
	}
	has_modifiers = strstr(extensions,
			"EGL_EXT_image_dma_buf_import_modifiers") != NULL &&
		(no_modifiers == NULL || strcmp(no_modifiers, "1") != 0);
	for (size_t i = 0; has_modifiers &&
			i < sizeof(formats) / sizeof(formats[0]); i++) {
		check_external(&formats[i]);
	}
	create_image = get_proc("eglCreateImageKHR");
	destroy_image = get_proc("eglDestroyImageKHR");
	target_texture = get_proc("glEGLImageTargetTexture2DOES");
}

/* Memory that a client might share. */
static void make_memory(void) {
	device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		fail("/dev/udmabuf: %s", strerror(errno));
	}
	memfd = memfd_create("probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memfd < 0 || ftruncate(memfd, SIZE) < 0 ||
			fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		fail("memory: %s", strerror(errno));
	}
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (memory == MAP_FAILED) {
		fail("memory: %s", strerror(errno));
	}
}

static void fill_memory(uint32_t seed) {
	for (size_t i = 0; i < SIZE; i++) {
		seed = seed * 1103515245 + 12345;
		memory[i] = (uint8_t)(seed >> 16);
	}
}

static GLuint make_shader(GLenum type, const char *text) {
	GLuint shader = glCreateShader(type);
	GLint ok = GL_FALSE;
	glShaderSource(shader, 1, &text, NULL);
	glCompileShader(shader);
	glGetShaderiv(shader, GL_COMPILE_STATUS, &ok);
	if (!ok) {
		fail("a shader does not compile");
	}
	return shader;
}

static void use_program(void) {
	static const float corners[] = { 0, 0, 1, 0, 0, 1, 1, 1 };
	GLuint program = glCreateProgram();
	glAttachShader(program, make_shader(GL_VERTEX_SHADER,
		"attribute vec2 place; varying vec2 at;"
		"void main() { at = place;"
		" gl_Position = vec4(place * 2.0 - 1.0, 0, 1); }"));
	glAttachShader(program, make_shader(GL_FRAGMENT_SHADER,
		"precision highp float; varying vec2 at;"
		"uniform sampler2D picture;"
		"void main() { gl_FragColor = texture2D(picture, at); }"));
	glBindAttribLocation(program, 0, "place");
	glLinkProgram(program);
	glUseProgram(program);
	glVertexAttribPointer(0, 2, GL_FLOAT, GL_FALSE, 0, corners);
	glEnableVertexAttribArray(0);
}

/* What is drawn goes here. */
static void use_target(const struct picture *picture) {
	GLuint texture, framebuffer;
	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_2D, texture);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, picture->width, picture->height,
		0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
	glGenFramebuffers(1, &framebuffer);
	glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0,
		GL_TEXTURE_2D, texture, 0);
	glViewport(0, 0, picture->width, picture->height);
}

static EGLImageKHR import(const struct format *format,
		const struct picture *picture, int fd) {
	EGLint attributes[] = {
		EGL_WIDTH, picture->width,
		EGL_HEIGHT, picture->height,
		EGL_LINUX_DRM_FOURCC_EXT, (EGLint)format->drm,
		EGL_DMA_BUF_PLANE0_FD_EXT, fd,
		EGL_DMA_BUF_PLANE0_OFFSET_EXT, picture->offset,
		EGL_DMA_BUF_PLANE0_PITCH_EXT, picture->stride,
		EGL_IMAGE_PRESERVED_KHR, EGL_TRUE,
		has_modifiers ? EGL_DMA_BUF_PLANE0_MODIFIER_LO_EXT : EGL_NONE, 0,
		EGL_DMA_BUF_PLANE0_MODIFIER_HI_EXT, 0,
		EGL_NONE,
	};
	return create_image(display, EGL_NO_CONTEXT, EGL_LINUX_DMA_BUF_EXT, NULL,
		attributes);
}

static void compare(const struct format *format,
		const struct picture *picture, const char *when) {
	uint8_t *drawn = malloc((size_t)(picture->width * picture->height) * 4);
	if (drawn == NULL) {
		fail("memory: %s", strerror(errno));
	}
	glReadPixels(0, 0, picture->width, picture->height, GL_RGBA,
		GL_UNSIGNED_BYTE, drawn);
	for (int y = 0; y < picture->height; y++) {
		for (int x = 0; x < picture->width; x++) {
			const uint8_t *is = drawn + (y * picture->width + x) * 4;
			const uint8_t *pixel = memory + picture->offset +
				y * picture->stride + x * 4;
			for (int i = 0; i < 4; i++) {
				uint8_t wanted = format->order[i] < 0 ? 255 :
					pixel[format->order[i]];
				if (is[i] != wanted) {
					fail("%.4s, %dx%d, stride %d, offset %d, "
						"%s: %d, %d differs",
						(const char *)&format->drm,
						picture->width, picture->height,
						picture->stride, picture->offset,
						when, x, y);
				}
			}
		}
	}
	free(drawn);
}

/* wlroots binds the image anew at each commit. */
static void draw(GLuint texture, EGLImageKHR image) {
	glBindTexture(GL_TEXTURE_2D, texture);
	target_texture(GL_TEXTURE_2D, image);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
	glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
}

static void try_picture(const struct format *format,
		const struct picture *picture) {
	struct udmabuf_create create = {
		.memfd = (uint32_t)memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = SIZE,
	};
	fill_memory(format->drm);
	int fd = ioctl(device, UDMABUF_CREATE, &create);
	if (fd < 0) {
		fail("UDMABUF_CREATE: %s", strerror(errno));
	}
	EGLImageKHR image = import(format, picture, fd);
	if (image == EGL_NO_IMAGE_KHR) {
		fail("%.4s, stride %d is refused (0x%x)",
			(const char *)&format->drm, picture->stride,
			(unsigned)eglGetError());
	}
	GLuint texture;
	use_target(picture);
	glGenTextures(1, &texture);
	draw(texture, image);
	compare(format, picture, "at first");
	fill_memory(format->drm + 1);
	draw(texture, image);
	compare(format, picture, "after a change");
	if (glGetError() != GL_NO_ERROR) {
		fail("an error of GL");
	}
	glDeleteTextures(1, &texture);
	destroy_image(display, image);
	close(fd);
}

int main(int argc, char *argv[]) {
	alarm(PATIENCE_SECONDS);
	open_display(argc > 1 ? argv[1] : "");
	const char *driver = (const char *)glGetString(GL_RENDERER);
	if (driver == NULL || (argc > 2 && strcmp(driver, argv[2]) != 0)) {
		fail("the driver is %s", driver != NULL ? driver : "not known");
	}
	check_extensions();
	make_memory();
	use_program();
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		for (size_t j = 0; j < sizeof(pictures) / sizeof(pictures[0]); j++) {
			try_picture(&formats[i], &pictures[j]);
		}
	}
	printf("works: %s\n", driver);
	return 0;
}
