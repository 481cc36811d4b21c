/* SPDX-License-Identifier: MIT */
/*
 * The compositor's side, on wlroots.
 */
#include <drm_fourcc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <wayland-client.h>
#include <wlr/render/egl.h>
#include <wlr/render/gles2.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/render/wlr_texture.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/util/log.h>

#include <sealpool/wlroots.h>

#include "host.h"

/* One for all tests of the program, since the driver compiles shaders first. */
static EGLDisplay egl_display = EGL_NO_DISPLAY;
static struct wlr_renderer *renderer;

/* The actions before cmocka, which continues with the next test after a fault. If the
 * driver has faulted, its locks would stay locked then. */
static const int fault_signals[] = { SIGBUS, SIGSEGV };
static struct sigaction fault_actions[2];

static EGLDisplay get_display(void) {
	PFNEGLGETPLATFORMDISPLAYEXTPROC get_platform_display =
		(PFNEGLGETPLATFORMDISPLAYEXTPROC)
		eglGetProcAddress("eglGetPlatformDisplayEXT");
	return get_platform_display == NULL ? EGL_NO_DISPLAY :
		get_platform_display(EGL_PLATFORM_SURFACELESS_MESA,
			(void *)EGL_DEFAULT_DISPLAY, NULL);
}

/* What Sealpool has logged last of a client. */
static char message[512];

static void handle_log(enum wlr_log_importance importance, const char *format,
		va_list args) {
	char text[sizeof(message)];
	vsnprintf(text, sizeof(text), format, args);
	if (strstr(text, "[sealpool] client ") != NULL) {
		snprintf(message, sizeof(message), "%s", text);
	}
	if (importance == WLR_ERROR) {
		fprintf(stderr, "%s\n", text);
	}
}

void host_expect_logged(const char *words) {
	if (strstr(message, words) == NULL) {
		fail_msg("\"%s\" was logged, not \"%s\"", message, words);
	}
	message[0] = '\0';
}

bool host_init(void) {
	for (int i = 0; i < 2; i++) {
		sigaction(fault_signals[i], NULL, &fault_actions[i]);
	}
	/* In software, since the driver of a GPU may keep fds; without threads of its
	 * own, since client processes are forked; and without writing shaders to the home
	 * folder. */
	setenv("WLR_RENDERER_ALLOW_SOFTWARE", "1", true);
	setenv("LIBGL_ALWAYS_SOFTWARE", "1", true);
	setenv("LP_NUM_THREADS", "0", true);
	setenv("MESA_SHADER_CACHE_DISABLE", "true", true);
	wlr_log_init(WLR_INFO, handle_log);

	static const EGLint attributes[] = {
		EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE,
	};
	egl_display = get_display();
	if (egl_display == EGL_NO_DISPLAY ||
			!eglInitialize(egl_display, NULL, NULL) ||
			!eglBindAPI(EGL_OPENGL_ES_API)) {
		puts("there is no EGL display without a surface");
		return false;
	}
	EGLContext context = eglCreateContext(egl_display, EGL_NO_CONFIG_KHR,
		EGL_NO_CONTEXT, attributes);
	struct wlr_egl *egl = context == EGL_NO_CONTEXT ? NULL :
		wlr_egl_create_with_context(egl_display, context);
	renderer = egl == NULL ? NULL : wlr_gles2_renderer_create(egl);
	if (renderer == NULL) {
		puts("wlroots cannot render with GLES2");
		return false;
	}
	return true;
}

struct wlr_renderer *host_get_renderer(void) {
	return renderer;
}

void host_finish(void) {
	/* The renderer destroys the context. */
	wlr_renderer_destroy(renderer);
	eglTerminate(egl_display);
}

/* Reading */

void host_read_texture(struct wlr_texture *texture,
		struct client_image *image) {
	assert_true(client_image_create(image, (int32_t)texture->width,
		(int32_t)texture->height));
	assert_true(wlr_texture_read_pixels(texture,
		&(struct wlr_texture_read_pixels_options){
			.data = image->data,
			.format = DRM_FORMAT_ARGB8888,
			.stride = (uint32_t)image->stride,
		}));
}

void host_expect_image(const struct client_image *image,
		const struct client_image *expected) {
	char error[256];
	if (image->data == NULL) {
		fail_msg("there is no texture");
	}
	assert_int_equal(image->width, expected->width);
	assert_int_equal(image->height, expected->height);
	if (!client_image_expect(image, 0, 0, expected, error, sizeof(error))) {
		fail_msg("%s", error);
	}
}

void host_expect_frame(const struct client_image *image, uint32_t frame) {
	struct client_image expected;
	assert_true(client_image_create(&expected, image->width,
		image->height));
	client_image_draw(&expected, frame);
	host_expect_image(image, &expected);
	client_image_destroy(&expected);
}

/* A commit whose bytes come late is delayed. */
static void wait_until_shown(struct host *host, struct host_surface *surface) {
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	while (surface->wlr_surface != NULL &&
			!wl_list_empty(&surface->wlr_surface->cached) &&
			server_now_ms() < deadline) {
		server_dispatch(&host->server, -1, deadline);
	}
}

struct host_surface *host_get_surface(struct host *host,
		const struct peer *peer, int index) {
	struct host_surface *surface;
	wl_list_for_each(surface, &host->surfaces, link) {
		if (surface->client == peer->client && index-- == 0) {
			wait_until_shown(host, surface);
			return surface;
		}
	}
	fail_msg("the client does not have this surface");
	return NULL;
}

struct wlr_client_buffer *host_get_client_buffer(struct host *host,
		const struct peer *peer) {
	struct host_surface *surface = host_get_surface(host, peer, 0);
	assert_non_null(surface->wlr_surface);
	assert_non_null(surface->wlr_surface->buffer);
	return surface->wlr_surface->buffer;
}

void host_expect_shown(struct host *host, const struct peer *peer,
		const struct client_image *expected) {
	host_expect_image(&host_get_surface(host, peer, 0)->image, expected);
	struct client_image now;
	host_read_texture(host_get_client_buffer(host, peer)->texture, &now);
	host_expect_image(&now, expected);
	client_image_destroy(&now);
}

void host_expect_shown_frame(struct host *host, const struct peer *peer,
		uint32_t frame) {
	struct client_image *image = &host_get_surface(host, peer, 0)->image;
	struct client_image expected;
	assert_true(client_image_create(&expected, image->width,
		image->height));
	client_image_draw(&expected, frame);
	host_expect_shown(host, peer, &expected);
	client_image_destroy(&expected);
}

/* Surfaces */

static void surface_handle_commit(struct wl_listener *listener, void *data) {
	struct host_surface *surface =
		wl_container_of(listener, surface, commit);
	struct host *host = surface->host;
	struct wlr_surface *wlr_surface = surface->wlr_surface;
	surface->commits++;
	client_image_destroy(&surface->image);
	struct wlr_texture *texture = wlr_surface_get_texture(wlr_surface);
	if (texture != NULL && !host->is_blind) {
		host_read_texture(texture, &surface->image);
	}
	if (host->keeps && wlr_surface->current.buffer != NULL) {
		host->kept = wlr_buffer_lock(wlr_surface->current.buffer);
		host->keeps = false;
	}
}

static void surface_handle_destroy(struct wl_listener *listener, void *data) {
	struct host_surface *surface =
		wl_container_of(listener, surface, destroy);
	wl_list_remove(&surface->commit.link);
	wl_list_remove(&surface->destroy.link);
	surface->wlr_surface = NULL;
	/* Another buffer may get its address. */
	surface->client = NULL;
}

static void host_handle_new_surface(struct wl_listener *listener, void *data) {
	struct host *host = wl_container_of(listener, host, new_surface);
	struct wlr_surface *wlr_surface = data;
	struct host_surface *surface = calloc(1, sizeof(*surface));
	assert_non_null(surface);
	for (int i = 0; i < 2; i++) {
		sigaction(fault_signals[i], &fault_actions[i], NULL);
	}
	surface->host = host;
	surface->wlr_surface = wlr_surface;
	surface->client = wl_resource_get_client(wlr_surface->resource);
	surface->commit.notify = surface_handle_commit;
	wl_signal_add(&wlr_surface->events.commit, &surface->commit);
	surface->destroy.notify = surface_handle_destroy;
	wl_signal_add(&wlr_surface->events.destroy, &surface->destroy);
	wl_list_insert(host->surfaces.prev, &surface->link);
}

/* The host */

int host_setup_with_options(void **state,
		const struct sealpool_options *options) {
	struct host *host = calloc(1, sizeof(*host));
	assert_non_null(host);
	struct server *server = &host->server;
	assert_true(server_init(server));
	wl_list_init(&host->surfaces);
	server->shm = sealpool_wlr_shm_create_with_renderer(server->display, 2,
		renderer, options);
	assert_non_null(server->shm);
	struct wlr_compositor *compositor =
		wlr_compositor_create(server->display, 6, renderer);
	assert_non_null(compositor);
	host->new_surface.notify = host_handle_new_surface;
	wl_signal_add(&compositor->events.new_surface, &host->new_surface);
	*state = host;
	return 0;
}

int host_setup(void **state) {
	return host_setup_with_options(state, NULL);
}

int host_teardown(void **state) {
	struct host *host = *state;
	wlr_buffer_unlock(host->kept);
	wl_display_destroy_clients(host->server.display);
	wl_list_remove(&host->new_surface.link);
	struct host_surface *surface, *tmp;
	wl_list_for_each_safe(surface, tmp, &host->surfaces, link) {
		client_image_destroy(&surface->image);
		free(surface);
	}
	return server_destroy(&host->server) ? 0 : -1;
}

/* Orders */

bool wait_released(struct actor *actor, const struct args *args) {
	return client_buffer_wait_released(&actor->client,
		&actor->buffers[args->buffer]);
}

bool show_and_wait_for_end(struct actor *actor, const struct args *args) {
	struct client_fate fate;
	if (!show(actor, args)) {
		return false;
	}
	client_wait_fate(&actor->client, CLIENT_PATIENCE_MS, &fate);
	return true;
}
