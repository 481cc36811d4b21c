/* SPDX-License-Identifier: MIT */
/*
 * The compositor's side: what it does is what its protocols' names say, and no
 * more.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include <sealpool/guard.h>

#include "host.h"
#include "weston-output-capture-server-protocol.h"
#include "wlr-screencopy-unstable-v1-server-protocol.h"
#include "xdg-toplevel-icon-v1-server-protocol.h"

static void handle_destroy(struct wl_client *client,
		struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

/* Buffers */

static void buffer_set(struct host_buffer *buffer,
		struct wl_resource *resource) {
	if (buffer->resource != NULL) {
		wl_list_remove(&buffer->destroy.link);
	}
	buffer->resource = resource;
	if (resource != NULL) {
		wl_resource_add_destroy_listener(resource, &buffer->destroy);
	}
}

static void buffer_handle_destroy(struct wl_listener *listener, void *data) {
	struct host_buffer *buffer =
		wl_container_of(listener, buffer, destroy);
	buffer->resource = NULL;
}

static void buffer_init(struct host_buffer *buffer) {
	buffer->resource = NULL;
	buffer->destroy.notify = buffer_handle_destroy;
}

/* libwayland's own memory, as an image: no copy. */
static bool get_image(const struct host_buffer *buffer,
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

static void surface_handle_attach(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *buffer,
		int32_t x, int32_t y) {
	struct host_surface *surface = wl_resource_get_user_data(resource);
	surface->attached = true;
	surface->host->buffers_seen +=
		buffer != NULL && wl_shm_buffer_get(buffer) != NULL;
	buffer_set(&surface->pending, buffer);
}

static void surface_handle_rect(struct wl_client *client,
		struct wl_resource *resource, int32_t x, int32_t y,
		int32_t width, int32_t height) {
	/* All is read at each commit. */
}

static void surface_handle_frame(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	wl_client_post_implementation_error(client, "there are no frames");
}

static void surface_handle_set_region(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *region) {
	/* Nothing is painted. */
}

static void surface_keep(struct host_surface *surface) {
	struct wl_shm_buffer *shm = surface->current.resource != NULL ?
		wl_shm_buffer_get(surface->current.resource) : NULL;
	struct wl_shm_pool *pool =
		shm != NULL ? wl_shm_buffer_ref_pool(shm) : NULL;
	if (surface->pool != NULL) {
		wl_shm_pool_unref(surface->pool);
	}
	surface->pool = pool;
}

static void surface_handle_commit(struct wl_client *client,
		struct wl_resource *resource) {
	struct host_surface *surface = wl_resource_get_user_data(resource);
	if (surface->attached) {
		struct wl_resource *released = surface->host->releases ?
			surface->current.resource :
			surface->host->releases_early ?
			surface->pending.resource : NULL;
		buffer_set(&surface->current, surface->pending.resource);
		buffer_set(&surface->pending, NULL);
		surface->attached = false;
		if (released != NULL) {
			wl_buffer_send_release(released);
		}
	}
	if (surface->host->keeps) {
		surface_keep(surface);
		return;
	}
	client_image_destroy(&surface->image);
	struct client_image image;
	if (get_image(&surface->current, &image) && client_image_create(
			&surface->image, image.width, image.height)) {
		client_image_paste(&surface->image, 0, 0, &image);
	}
}

static void surface_handle_set_number(struct wl_client *client,
		struct wl_resource *resource, int32_t number) {
	/* Nothing is painted. */
}

static const struct wl_surface_interface surface_impl = {
	.destroy = handle_destroy,
	.attach = surface_handle_attach,
	.damage = surface_handle_rect,
	.frame = surface_handle_frame,
	.set_opaque_region = surface_handle_set_region,
	.set_input_region = surface_handle_set_region,
	.commit = surface_handle_commit,
	.set_buffer_transform = surface_handle_set_number,
	.set_buffer_scale = surface_handle_set_number,
	.damage_buffer = surface_handle_rect,
};

static void surface_handle_resource_destroy(struct wl_resource *resource) {
	struct host_surface *surface = wl_resource_get_user_data(resource);
	buffer_set(&surface->pending, NULL);
	buffer_set(&surface->current, NULL);
	if (surface->pool != NULL) {
		wl_shm_pool_unref(surface->pool);
	}
	client_image_destroy(&surface->image);
	wl_list_remove(&surface->link);
	free(surface);
}

static void compositor_handle_create_surface(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	struct host *host = wl_resource_get_user_data(resource);
	struct host_surface *surface = calloc(1, sizeof(*surface));
	assert_non_null(surface);
	surface->host = host;
	buffer_init(&surface->pending);
	buffer_init(&surface->current);
	surface->resource = wl_resource_create(client, &wl_surface_interface,
		wl_resource_get_version(resource), id);
	assert_non_null(surface->resource);
	wl_list_insert(host->surfaces.prev, &surface->link);
	wl_resource_set_implementation(surface->resource, &surface_impl,
		surface, surface_handle_resource_destroy);
}

static void compositor_handle_create_region(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	wl_client_post_implementation_error(client, "there are no regions");
}

static const struct wl_compositor_interface compositor_impl = {
	.create_surface = compositor_handle_create_surface,
	.create_region = compositor_handle_create_region,
};

/* What takes buffers */

static void taker_handle_resource_destroy(struct wl_resource *resource) {
	struct host_taker *taker = wl_resource_get_user_data(resource);
	buffer_set(&taker->buffer, NULL);
	wl_list_remove(&taker->link);
	free(taker);
}

static void taker_create(struct wl_client *client, struct wl_resource *manager,
		const struct wl_interface *interface, uint32_t id,
		const void *impl) {
	struct host *host = wl_resource_get_user_data(manager);
	struct host_taker *taker = calloc(1, sizeof(*taker));
	assert_non_null(taker);
	taker->host = host;
	buffer_init(&taker->buffer);
	taker->resource = wl_resource_create(client, interface,
		wl_resource_get_version(manager), id);
	assert_non_null(taker->resource);
	wl_list_insert(&host->takers, &taker->link);
	wl_resource_set_implementation(taker->resource, impl, taker,
		taker_handle_resource_destroy);
}

static void taker_handle_buffer(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *buffer) {
	struct host_taker *taker = wl_resource_get_user_data(resource);
	if (wl_shm_buffer_get(buffer) == NULL) {
		/* As wlroots does. */
		wl_resource_post_error(resource, 1, "invalid buffer");
		return;
	}
	taker->host->buffers_seen++;
	buffer_set(&taker->buffer, buffer);
	struct client_image image;
	if (taker->host->draws != 0 && get_image(&taker->buffer, &image)) {
		client_image_draw(&image, taker->host->draws);
		taker->host->draws = 0;
	}
}

static const struct zwlr_screencopy_frame_v1_interface frame_impl = {
	.copy = taker_handle_buffer,
	.destroy = handle_destroy,
	.copy_with_damage = taker_handle_buffer,
};

static void screencopy_handle_capture_output(struct wl_client *client,
		struct wl_resource *resource, uint32_t id, int32_t cursor,
		struct wl_resource *output) {
	taker_create(client, resource, &zwlr_screencopy_frame_v1_interface, id,
		&frame_impl);
}

static void screencopy_handle_capture_region(struct wl_client *client,
		struct wl_resource *resource, uint32_t id, int32_t cursor,
		struct wl_resource *output, int32_t x, int32_t y,
		int32_t width, int32_t height) {
	screencopy_handle_capture_output(client, resource, id, cursor, output);
}

static const struct zwlr_screencopy_manager_v1_interface screencopy_impl = {
	.capture_output = screencopy_handle_capture_output,
	.capture_output_region = screencopy_handle_capture_region,
	.destroy = handle_destroy,
};

static const struct weston_capture_source_v1_interface source_impl = {
	.destroy = handle_destroy,
	.capture = taker_handle_buffer,
};

static void weston_handle_create(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *output,
		uint32_t source, uint32_t id) {
	taker_create(client, resource, &weston_capture_source_v1_interface, id,
		&source_impl);
}

static const struct weston_capture_v1_interface weston_impl = {
	.destroy = handle_destroy,
	.create = weston_handle_create,
};

static void icon_handle_set_name(struct wl_client *client,
		struct wl_resource *resource, const char *name) {
	/* No names are shown. */
}

static void icon_handle_add_buffer(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *buffer,
		int32_t scale) {
	taker_handle_buffer(client, resource, buffer);
}

static const struct xdg_toplevel_icon_v1_interface icon_impl = {
	.destroy = handle_destroy,
	.set_name = icon_handle_set_name,
	.add_buffer = icon_handle_add_buffer,
};

static void icons_handle_create(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	taker_create(client, resource, &xdg_toplevel_icon_v1_interface, id,
		&icon_impl);
}

static void icons_handle_set(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *toplevel,
		struct wl_resource *icon) {
	/* There are no windows. */
}

static const struct xdg_toplevel_icon_manager_v1_interface icons_impl = {
	.destroy = handle_destroy,
	.create_icon = icons_handle_create,
	.set_icon = icons_handle_set,
};

struct host_taker *host_get_taker(struct host *host) {
	assert_false(wl_list_empty(&host->takers));
	struct host_taker *taker =
		wl_container_of(host->takers.next, taker, link);
	return taker;
}

void host_write(struct host_taker *taker, int32_t top, int32_t bottom,
		uint32_t frame) {
	struct client_image image;
	if (!get_image(&taker->buffer, &image)) {
		fail_msg("there is no buffer to write to");
	}
	client_image_draw_rect(&image, 0, top, image.width, bottom - top, 1,
		frame);
}

void host_describe(struct host_taker *taker) {
	zwlr_screencopy_frame_v1_send_flags(taker->resource, 0);
	zwlr_screencopy_frame_v1_send_damage(taker->resource, 0, 0, 1, 1);
}

void host_tell_ready(struct host_taker *taker) {
	if (wl_resource_instance_of(taker->resource,
			&weston_capture_source_v1_interface, &source_impl)) {
		weston_capture_source_v1_send_complete(taker->resource);
	} else {
		zwlr_screencopy_frame_v1_send_flags(taker->resource, 0);
		zwlr_screencopy_frame_v1_send_ready(taker->resource, 0, 0, 0);
	}
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

void host_expect_taken(struct host_taker *taker, uint32_t frame) {
	struct client_image image;
	if (!get_image(&taker->buffer, &image)) {
		fail_msg("there is no buffer to read");
	}
	host_expect_image(&image, frame);
}

struct host_surface *host_get_surface(struct host *host,
		const struct peer *peer, int index) {
	struct host_surface *surface;
	wl_list_for_each(surface, &host->surfaces, link) {
		if (wl_resource_get_client(surface->resource) ==
				peer->client && index-- == 0) {
			return surface;
		}
	}
	fail_msg("the client has no such surface");
	return NULL;
}

void host_get_memory(struct host_surface *surface,
		struct client_image *image) {
	if (!get_image(&surface->current, image)) {
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

static void bind(struct wl_client *client, struct host *host,
		const struct wl_interface *interface, uint32_t version,
		uint32_t id, const void *impl) {
	struct wl_resource *resource =
		wl_resource_create(client, interface, (int)version, id);
	assert_non_null(resource);
	wl_resource_set_implementation(resource, impl, host, NULL);
}

static void bind_compositor(struct wl_client *client, void *data,
		uint32_t version, uint32_t id) {
	bind(client, data, &wl_compositor_interface, version, id,
		&compositor_impl);
}

static void bind_screencopy(struct wl_client *client, void *data,
		uint32_t version, uint32_t id) {
	bind(client, data, &zwlr_screencopy_manager_v1_interface, version, id,
		&screencopy_impl);
}

static void bind_weston(struct wl_client *client, void *data,
		uint32_t version, uint32_t id) {
	bind(client, data, &weston_capture_v1_interface, version, id,
		&weston_impl);
}

static void bind_icons(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	bind(client, data, &xdg_toplevel_icon_manager_v1_interface, version,
		id, &icons_impl);
}

static void bind_output(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	bind(client, data, &wl_output_interface, version, id, NULL);
}

static const struct {
	const struct wl_interface *interface;
	int version;
	wl_global_bind_func_t bind;
} globals[] = {
	{ &wl_compositor_interface, 4, bind_compositor },
	{ &zwlr_screencopy_manager_v1_interface, 3, bind_screencopy },
	{ &weston_capture_v1_interface, 1, bind_weston },
	{ &xdg_toplevel_icon_manager_v1_interface, 1, bind_icons },
	{ &wl_output_interface, 2, bind_output },
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

/* Is called after the guard, as it is older, and so does what a wl_shm would that
 * is called after both. */
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

struct host *host_create(const struct sealpool_options *options) {
	struct host *host = calloc(1, sizeof(*host));
	assert_non_null(host);
	struct server *server = &host->server;
	assert_true(server_init(server));
	wl_list_init(&host->surfaces);
	wl_list_init(&host->takers);
	struct sealpool_options mine = { .size = sizeof(mine) };
	if (options != NULL) {
		mine = *options;
	}
	mine.log = handle_log;
	mine.log_data = server;
	host->fds_logger = wl_display_add_protocol_logger(server->display,
		open_fd, host);
	host->guard = sealpool_guard_create(server->display, &mine);
	assert_non_null(host->guard);
	server->messages = 0;
	assert_int_equal(wl_display_init_shm(server->display), 0);
	wl_display_add_shm_format(server->display, WL_SHM_FORMAT_NV12);
	wl_display_add_shm_format(server->display, WL_SHM_FORMAT_RGB888);
	for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
		assert_non_null(wl_global_create(server->display,
			globals[i].interface, globals[i].version, host,
			globals[i].bind));
	}
	return host;
}

int host_setup(void **state) {
	*state = host_create(NULL);
	return 0;
}

int host_setup_lenient(void **state) {
	*state = host_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.lenient = true,
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

struct sealpool_stats host_get_stats(struct host *host,
		const struct peer *peer) {
	struct sealpool_stats stats = { .size = sizeof(stats) };
	sealpool_guard_get_client_stats(host->guard, peer->client, &stats);
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
	FILE *maps = fopen("/proc/self/maps", "re");
	assert_non_null(maps);
	char line[4096 + 256];
	size_t start, end, bytes = 0;
	while (fgets(line, sizeof(line), maps) != NULL) {
		if ((strstr(line, "/memfd:sealpool-") != NULL ||
				strstr(line, "/sealpool-test-") != NULL) &&
				sscanf(line, "%zx-%zx", &start, &end) == 2) {
			bytes += end - start;
		}
	}
	fclose(maps);
	return bytes;
}

uint64_t host_count_copied(struct host *host, const struct peer *peer,
		uint64_t *before) {
	uint64_t now = host_get_stats(host, peer).bytes_copied_in;
	uint64_t copied = now - *before;
	*before = now;
	return copied;
}
