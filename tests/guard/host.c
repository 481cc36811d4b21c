/* SPDX-License-Identifier: MIT */
/*
 * The compositor's side. It does what the names in its protocols say, and no more.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include <sealpool/guard.h>

#include "host.h"
#include "server/context.h"
#include "shm.h"
#include "weston-output-capture-server-protocol.h"
#include "wlr-screencopy-unstable-v1-server-protocol.h"
#include "xdg-toplevel-icon-v1-server-protocol.h"

/* An image of libwayland's own mapping, without a copy. */
static bool get_image(const struct compositor_buffer *buffer,
		struct client_image *image) {
	struct wl_shm_buffer *shm = buffer->resource != NULL ?
		wl_shm_buffer_get(buffer->resource) : NULL;
	if (shm == NULL) {
		return false;
	}
	*image = (struct client_image){
		.width = wl_shm_buffer_get_width(shm),
		.height = wl_shm_buffer_get_height(shm),
		.stride = wl_shm_buffer_get_stride(shm),
		.data = wl_shm_buffer_get_data(shm),
	};
	return true;
}

/* Surfaces */

static struct host_surface *get_surface(struct compositor_surface *base) {
	struct host_surface *surface = wl_container_of(base, surface, base);
	return surface;
}

static void handle_attach(struct compositor_surface *base,
		struct wl_resource *buffer) {
	struct host *host = base->compositor->data;
	host->buffers_seen +=
		buffer != NULL && wl_shm_buffer_get(buffer) != NULL;
}

static void surface_keep(struct host_surface *surface) {
	struct wl_shm_buffer *shm = surface->base.current.resource != NULL ?
		wl_shm_buffer_get(surface->base.current.resource) : NULL;
	struct wl_shm_pool *pool =
		shm != NULL ? wl_shm_buffer_ref_pool(shm) : NULL;
	if (surface->pool != NULL) {
		wl_shm_pool_unref(surface->pool);
	}
	surface->pool = pool;
}

static void handle_commit(struct compositor_surface *base,
		struct wl_resource *replaced) {
	struct host_surface *surface = get_surface(base);
	const struct host *host = base->compositor->data;
	struct wl_resource *released = !base->attached ? NULL :
		host->releases ? replaced :
		host->releases_early ? base->current.resource : NULL;
	if (released != NULL) {
		wl_buffer_send_release(released);
	}
	if (host->keeps) {
		surface_keep(surface);
		return;
	}
	client_image_destroy(&surface->image);
	struct client_image image;
	if (get_image(&base->current, &image) && client_image_create(
			&surface->image, image.width, image.height)) {
		client_image_paste(&surface->image, 0, 0, &image);
	}
}

static void handle_surface_destroy(struct compositor_surface *base) {
	struct host_surface *surface = get_surface(base);
	if (surface->pool != NULL) {
		wl_shm_pool_unref(surface->pool);
	}
	client_image_destroy(&surface->image);
}

/* Takers of buffers */

static void handle_take(struct compositor_taker *taker,
		struct wl_resource *buffer) {
	struct host *host = taker->compositor->data;
	if (wl_shm_buffer_get(buffer) == NULL) {
		/* As wlroots does. */
		wl_resource_post_error(taker->resource, 1, "invalid buffer");
		return;
	}
	host->buffers_seen++;
	struct client_image image;
	if (host->draws != 0 && get_image(&taker->buffer, &image)) {
		client_image_draw(&image, host->draws);
		host->draws = 0;
	}
	if (host->taken != NULL) {
		host->taken(taker);
	}
}

static const struct compositor_impl impl = {
	.surface_size = sizeof(struct host_surface),
	.handle_attach = handle_attach,
	.handle_commit = handle_commit,
	.handle_surface_destroy = handle_surface_destroy,
	.handle_take = handle_take,
};

static const struct weston_capture_source_v1_interface source_impl = {
	.destroy = compositor_handle_destroy,
	.capture = compositor_take,
};

static void weston_handle_create(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *output,
		uint32_t source, uint32_t id) {
	compositor_create_taker(client, resource, &weston_capture_source_v1_interface, id,
		&source_impl);
}

static const struct weston_capture_v1_interface weston_impl = {
	.destroy = compositor_handle_destroy,
	.create = weston_handle_create,
};

static void icon_handle_set_name(struct wl_client *client,
		struct wl_resource *resource, const char *name) {
	/* The names are not used. */
}

static void icon_handle_add_buffer(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *buffer,
		int32_t scale) {
	compositor_take(client, resource, buffer);
}

static const struct xdg_toplevel_icon_v1_interface icon_impl = {
	.destroy = compositor_handle_destroy,
	.set_name = icon_handle_set_name,
	.add_buffer = icon_handle_add_buffer,
};

static void icons_handle_create(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	compositor_create_taker(client, resource, &xdg_toplevel_icon_v1_interface, id,
		&icon_impl);
}

static void icons_handle_set(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *toplevel,
		struct wl_resource *icon) {
	/* There are no windows. */
}

static const struct xdg_toplevel_icon_manager_v1_interface icons_impl = {
	.destroy = compositor_handle_destroy,
	.create_icon = icons_handle_create,
	.set_icon = icons_handle_set,
};

struct compositor_taker *host_get_taker(struct host *host) {
	struct wl_list *takers = &host->server.compositor.takers;
	assert_false(wl_list_empty(takers));
	struct compositor_taker *taker =
		wl_container_of(takers->next, taker, link);
	return taker;
}

void host_write(struct compositor_taker *taker, int32_t top, int32_t bottom,
		uint32_t frame) {
	struct client_image image;
	if (!get_image(&taker->buffer, &image)) {
		fail_msg("there is no buffer to write to");
	}
	client_image_draw_rect(&image, 0, top, image.width, bottom - top, 1,
		frame);
}

void host_describe(struct compositor_taker *taker) {
	zwlr_screencopy_frame_v1_send_flags(taker->resource, 0);
	zwlr_screencopy_frame_v1_send_damage(taker->resource, 0, 0, 1, 1);
}

void host_tell_ready(struct compositor_taker *taker) {
	if (wl_resource_instance_of(taker->resource,
			&weston_capture_source_v1_interface, &source_impl)) {
		weston_capture_source_v1_send_complete(taker->resource);
	} else {
		zwlr_screencopy_frame_v1_send_flags(taker->resource, 0);
		zwlr_screencopy_frame_v1_send_ready(taker->resource, 0, 0, 0);
	}
}

void host_end_capture(struct host *host, struct peer *peer, uint32_t number) {
	host_tell_ready(host_get_taker(host));
	tell(peer, wait_ready, .count = number);
}

void host_expect_image(const struct client_image *image, uint32_t frame) {
	struct client_image expected;
	char error[256];
	assert_true(client_image_create(&expected, image->width,
		image->height));
	client_image_draw(&expected, frame);
	bool ok = client_image_expect(image, 0, 0, &expected, error,
		sizeof(error));
	client_image_destroy(&expected);
	if (!ok) {
		fail_msg("%s", error);
	}
}

void host_expect_taken(struct compositor_taker *taker, uint32_t frame) {
	struct client_image image;
	if (!get_image(&taker->buffer, &image)) {
		fail_msg("there is no buffer to read");
	}
	host_expect_image(&image, frame);
}

struct host_surface *host_get_surface(struct host *host,
		const struct peer *peer, int index) {
	struct compositor_surface *surface = compositor_get_surface(
		&host->server.compositor, peer->client, index);
	if (surface == NULL) {
		fail_msg("the client does not have this surface");
	}
	return get_surface(surface);
}

void host_get_memory(struct host_surface *surface,
		struct client_image *image) {
	if (!get_image(&surface->base.current, image)) {
		fail_msg("the surface shows nothing");
	}
}

void host_expect_shown(struct host *host, const struct peer *peer,
		uint32_t frame) {
	struct host_surface *surface = host_get_surface(host, peer, 0);
	if (surface->image.data == NULL) {
		fail_msg("the surface shows nothing");
	}
	host_expect_image(&surface->image, frame);
}

/* Globals */

static const struct compositor_global weston = {
	&weston_capture_v1_interface, 1, &weston_impl,
};

static const struct compositor_global icons = {
	&xdg_toplevel_icon_manager_v1_interface, 1, &icons_impl,
};

static const struct compositor_global *const globals[] = {
	&compositor_screencopy, &weston, &icons, &compositor_output,
};

/* The host */

static void handle_log(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	struct server *server = data;
	if (importance == SEALPOOL_LOG_DEBUG) {
		return;
	}
	vsnprintf(server->message, sizeof(server->message), format, args);
	server->messages++;
}

/* This logger is called after the guard's, since it was added earlier. So it can act for
 * a wl_shm that is called after both. */
static void open_fd(void *data, enum wl_protocol_logger_type direction,
		const struct wl_protocol_logger_message *message) {
	struct host *host = data;
	if (!host->has_fds || direction != WL_PROTOCOL_LOGGER_REQUEST ||
			strcmp(message->message->name, "create_buffer") != 0) {
		return;
	}
	for (int fd = 0; fd < 1024; fd++) {
		char path[64], link[64];
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		if (strncmp(link, "/memfd:sealpool-shadow", 22) == 0) {
			assert_in_range(host->fds_len, 0, HOST_FDS_MAX - 1);
			host->fds[host->fds_len++] =
				fcntl(fd, F_DUPFD_CLOEXEC, 0);
			return;
		}
	}
}

struct host *host_create_unguarded(void) {
	struct host *host = calloc(1, sizeof(*host));
	assert_non_null(host);
	struct server *server = &host->server;
	assert_true(server_init(server));
	host->fds_logger = wl_display_add_protocol_logger(server->display,
		open_fd, host);
	assert_int_equal(wl_display_init_shm(server->display), 0);
	wl_display_add_shm_format(server->display, WL_SHM_FORMAT_NV12);
	wl_display_add_shm_format(server->display, WL_SHM_FORMAT_RGB888);
	struct compositor *compositor = &server->compositor;
	assert_true(compositor_init(compositor, server->display, &impl, host));
	for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
		assert_true(compositor_offer(compositor, globals[i]));
	}
	return host;
}

void host_guard(struct host *host, const struct sealpool_options *options) {
	struct server *server = &host->server;
	struct sealpool_options mine = { .size = sizeof(mine) };
	if (options != NULL) {
		mine = *options;
	}
	mine.log = handle_log;
	mine.log_data = server;
	host->guard = sealpool_guard_create(server->display, &mine);
	assert_non_null(host->guard);
	/* A thread reads a file on a disk, and may run late on a busy machine. */
	struct sp_readers *readers = &sealpool_guard_get_shm(host->guard)->
		context->memory.readers;
	readers->allowance = readers->allowance_max =
		(int64_t)SERVER_PATIENCE_MS * 1000;
	server->messages = 0;
}

struct host *host_create(const struct sealpool_options *options) {
	struct host *host = host_create_unguarded();
	host_guard(host, options);
	return host;
}

int host_setup(void **state) {
	*state = host_create(NULL);
	return 0;
}

int host_setup_lenient(void **state) {
	*state = host_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.short_file = server_ignore_short_file,
	});
	return 0;
}

int host_teardown(void **state) {
	struct host *host = *state;
	wl_protocol_logger_destroy(host->fds_logger);
	while (host->fds_len > 0) {
		close(host->fds[--host->fds_len]);
	}
	return server_destroy(&host->server) ? 0 : -1;
}

struct peer *host_create_drawn_peer(struct host *host, int32_t width,
		int32_t height) {
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = width, .height = height);
	tell(peer, draw, .frame = 1);
	return peer;
}

struct sealpool_stats host_get_stats(struct host *host,
		const struct peer *peer) {
	struct sealpool_stats stats = { .size = sizeof(stats) };
	sealpool_shm_get_client_stats(sealpool_guard_get_shm(host->guard),
		peer->client, &stats);
	return stats;
}

size_t count_private_bytes(void) {
	FILE *status = fopen("/proc/self/status", "re");
	assert_non_null(status);
	char line[256];
	size_t kilobytes = 0;
	while (fgets(line, sizeof(line), status) != NULL) {
		sscanf(line, "RssAnon: %zu", &kilobytes);
	}
	fclose(status);
	return kilobytes * 1024;
}

size_t host_count_mapped_bytes(void) {
	return count_mapped_bytes("/memfd:sealpool-", "/sealpool-test-");
}

uint64_t host_count_copied(struct host *host, const struct peer *peer,
		uint64_t *before) {
	uint64_t now = host_get_stats(host, peer).bytes_copied_in;
	uint64_t copied = now - *before;
	*before = now;
	return copied;
}
