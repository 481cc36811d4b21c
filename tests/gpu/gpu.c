/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <dlfcn.h>
#include <drm_fourcc.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>
#include <wlr/render/egl.h>
#include <wlr/render/gles2.h>
#include <wlr/render/wlr_texture.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/util/log.h>

#include "gpu.h"

/* EGL: wlroots and Sealpool look up what they call, and find this program's
 * eglGetProcAddress() before libEGL's. */

struct egl_behavior egl_behavior;

static PFNEGLCREATEIMAGEKHRPROC real_create_image;
static PFNEGLCREATESYNCKHRPROC real_create_sync;
static PFNEGLCLIENTWAITSYNCKHRPROC real_wait_sync;
static PFNGLEGLIMAGETARGETTEXTURE2DOESPROC real_target_texture;

static EGLImageKHR create_image(EGLDisplay display, EGLContext context,
		EGLenum target, EGLClientBuffer buffer,
		const EGLint *attributes) {
	return egl_behavior.refuses_images ? EGL_NO_IMAGE_KHR :
		real_create_image(display, context, target, buffer, attributes);
}

/* Those that were not asked for yet. */
static EGLSyncKHR new_fences[64];

static EGLSyncKHR create_sync(EGLDisplay display, EGLenum type,
		const EGLint *attributes) {
	static unsigned next;
	EGLSyncKHR sync = real_create_sync(display, type, attributes);
	new_fences[next++ % 64] = sync;
	return sync;
}

static EGLint wait_sync(EGLDisplay display, EGLSyncKHR sync, EGLint flags,
		EGLTimeKHR timeout) {
	bool is_new = false;
	for (int i = 0; i < 64; i++) {
		if (new_fences[i] == sync) {
			new_fences[i] = EGL_NO_SYNC_KHR;
			is_new = true;
		}
	}
	return egl_behavior.is_busy || (egl_behavior.is_late && is_new) ?
		EGL_TIMEOUT_EXPIRED_KHR :
		real_wait_sync(display, sync, flags, timeout);
}

static void target_texture(GLenum target, GLeglImageOES image) {
	real_target_texture(target, image);
	if (egl_behavior.has_errors) {
		/* There is no such capability. */
		glEnable(0xffff);
	}
}

typedef __eglMustCastToProperFunctionPointerType (*get_proc_func)(
	const char *name);

__attribute__((visibility("default")))
__eglMustCastToProperFunctionPointerType eglGetProcAddress(const char *name) {
	static get_proc_func real;
	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "eglGetProcAddress");
	}
	__eglMustCastToProperFunctionPointerType proc = real(name);
	if (strcmp(name, "eglCreateImageKHR") == 0) {
		real_create_image = (PFNEGLCREATEIMAGEKHRPROC)proc;
		return (__eglMustCastToProperFunctionPointerType)create_image;
	}
	if (strcmp(name, "eglCreateSyncKHR") == 0) {
		real_create_sync = (PFNEGLCREATESYNCKHRPROC)proc;
		return (__eglMustCastToProperFunctionPointerType)create_sync;
	}
	if (strcmp(name, "eglClientWaitSyncKHR") == 0) {
		real_wait_sync = (PFNEGLCLIENTWAITSYNCKHRPROC)proc;
		return (__eglMustCastToProperFunctionPointerType)wait_sync;
	}
	if (strcmp(name, "glEGLImageTargetTexture2DOES") == 0) {
		real_target_texture =
			(PFNGLEGLIMAGETARGETTEXTURE2DOESPROC)proc;
		return (__eglMustCastToProperFunctionPointerType)target_texture;
	}
	return proc;
}

/* The log */

static enum {
	UNKNOWN,
	WORKS,
	WORKS_NOT,
} seen;

static void handle_log(enum wlr_log_importance importance, const char *format,
		va_list args) {
	char message[512];
	vsnprintf(message, sizeof(message), format, args);
	if (strstr(message, "sealed buffers are imported") != NULL) {
		seen = WORKS;
	} else if (strstr(message, "[sealpool] buffers are uploaded") != NULL) {
		seen = WORKS_NOT;
	}
	if (importance == WLR_ERROR || strstr(message, "uploaded") != NULL) {
		printf("# %s\n", message);
	}
}

bool gpu_works(void) {
	return seen == WORKS;
}

void gpu_forget(void) {
	seen = UNKNOWN;
}

void gpu_watch_log(void) {
	wlr_log_init(WLR_DEBUG, handle_log);
}

/* Hosts */

/* A driver duplicates descriptors, and has dma-bufs of its own. */
static unsigned count_all_dmabufs(void) {
	ino_t seen_before[256];
	unsigned number = 0;
	DIR *dir = opendir("/proc/self/fd");
	assert_non_null(dir);
	const struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		char path[300], target[64] = "";
		struct stat st;
		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		if (readlink(path, target, sizeof(target) - 1) < 0 ||
				strncmp(target, "/dmabuf", 7) != 0 ||
				stat(path, &st) < 0) {
			continue;
		}
		unsigned i = 0;
		while (i < number && seen_before[i] != st.st_ino) {
			i++;
		}
		if (i == number && number < 256) {
			seen_before[number++] = st.st_ino;
		}
	}
	closedir(dir);
	return number;
}

/* A driver may keep what it has read last, until it reads something else. */
static void read_something_else(void) {
	static const uint32_t pixel = 0xff123456;
	struct client_image image;
	struct wlr_texture *texture = wlr_texture_from_pixels(
		host_get_renderer(), DRM_FORMAT_ARGB8888, 4, 1, 1, &pixel);
	assert_non_null(texture);
	host_read_texture(texture, &image);
	client_image_destroy(&image);
	wlr_texture_destroy(texture);
}

static struct {
	struct wl_protocol_logger *logger;
	const struct wl_client *client;
	unsigned number;
} releases;

static unsigned dmabufs_before;
static bool was_probed;

static int setup(void **state, uint32_t idle_ms) {
	const struct sealpool_options options = {
		.size = sizeof(options),
		.shadow_idle_ms = idle_ms,
		.gpu_import = SEALPOOL_GPU_IMPORT_AUTO,
	};
	/* The real probe takes long in a guest. */
	const char *probed = getenv("GPU_PROBED");
	if (was_probed && probed != NULL) {
		setenv("SEALPOOL_GPU_PROBE", probed, true);
	}
	egl_behavior = (struct egl_behavior){ 0 };
	gpu_forget();
	dmabufs_before = count_all_dmabufs();
	return host_setup_with_options(state, &options);
}

int gpu_teardown(void **state) {
	struct host *host = *state;
	if (releases.logger != NULL) {
		wl_protocol_logger_destroy(releases.logger);
		releases.logger = NULL;
	}
	wl_display_destroy_clients(host->server.display);
	read_something_else();
	return host_teardown(state);
}

int gpu_setup(void **state) {
	return setup(state, UINT32_MAX);
}

int gpu_setup_idle(void **state) {
	return setup(state, 100);
}

int gpu_setup_slow_idle(void **state) {
	return setup(state, 4000);
}

bool gpu_wait_for_probe(struct host *host) {
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	while (seen == UNKNOWN && server_now_ms() < deadline) {
		server_dispatch(&host->server, -1, deadline);
	}
	was_probed |= seen == WORKS;
	return seen == WORKS;
}

struct peer *gpu_create_peer_with(struct host *host, struct args picture) {
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < 2; i++) {
		picture.buffer = i;
		peer_tell(peer, make_picture, "make_picture", &picture);
		gpu_show(host, peer, i, (uint32_t)i + 1);
		assert_false(gpu_is_imported(host, peer));
		gpu_wait_for_probe(host);
	}
	return peer;
}

struct peer *gpu_create_peer(struct host *host) {
	return gpu_create_peer_with(host, (struct args){
		.kind = CLIENT_MEMORY_SEALED, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE,
	});
}

void gpu_show(struct host *host, struct peer *peer, int buffer,
		uint32_t frame) {
	tell(peer, draw_and_show, .buffer = buffer, .frame = frame);
	host_expect_shown_frame(host, peer, frame);
}

bool gpu_is_imported(struct host *host, const struct peer *peer) {
	const struct wlr_buffer *source =
		host_get_client_buffer(host, peer)->source;
	return source != NULL && source->n_locks > 0;
}

/* wlr_texture_read_pixels() reads what was imported, not what the texture has. */
void gpu_expect_texture(struct wlr_texture *texture, uint32_t frame) {
	struct wlr_egl *egl = wlr_gles2_renderer_get_egl(host_get_renderer());
	struct wlr_gles2_texture_attribs attributes;
	wlr_gles2_texture_get_attribs(texture, &attributes);
	assert_true(eglMakeCurrent(wlr_egl_get_display(egl), EGL_NO_SURFACE,
		EGL_NO_SURFACE, wlr_egl_get_context(egl)));
	struct client_image image;
	assert_true(client_image_create(&image, WIDTH, HEIGHT));
	GLuint framebuffer;
	glGenFramebuffers(1, &framebuffer);
	glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0,
		GL_TEXTURE_2D, attributes.tex, 0);
	glPixelStorei(GL_PACK_ALIGNMENT, 1);
	glReadPixels(0, 0, WIDTH, HEIGHT, GL_BGRA_EXT, GL_UNSIGNED_BYTE,
		image.data);
	glBindFramebuffer(GL_FRAMEBUFFER, 0);
	glDeleteFramebuffers(1, &framebuffer);
	eglMakeCurrent(wlr_egl_get_display(egl), EGL_NO_SURFACE, EGL_NO_SURFACE,
		EGL_NO_CONTEXT);
	host_expect_frame(&image, frame);
	client_image_destroy(&image);
}

void gpu_expect_drawn(struct host *host, const struct peer *peer,
		uint32_t frame) {
	gpu_expect_texture(host_get_client_buffer(host, peer)->texture, frame);
}

static void handle_message(void *data, enum wl_protocol_logger_type direction,
		const struct wl_protocol_logger_message *message) {
	if (direction == WL_PROTOCOL_LOGGER_EVENT &&
			message->message_opcode == WL_BUFFER_RELEASE &&
			strcmp(wl_resource_get_class(message->resource),
				"wl_buffer") == 0 &&
			wl_resource_get_client(message->resource) ==
				releases.client) {
		releases.number++;
	}
}

void gpu_watch_releases(struct host *host, const struct peer *peer) {
	assert_null(releases.logger);
	releases.client = peer->client;
	releases.number = 0;
	releases.logger = wl_display_add_protocol_logger(host->server.display,
		handle_message, NULL);
	assert_non_null(releases.logger);
}

unsigned gpu_count_releases(void) {
	return releases.number;
}

unsigned gpu_count_dmabufs(void) {
	read_something_else();
	return count_all_dmabufs() - dmabufs_before;
}

void gpu_wait_for_dmabufs(struct host *host, unsigned number) {
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	while (gpu_count_dmabufs() != number && server_now_ms() < deadline) {
		server_dispatch(&host->server, -1, deadline);
	}
	assert_int_equal(gpu_count_dmabufs(), number);
}
