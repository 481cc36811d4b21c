/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <wayland-server-protocol.h>

#include "host.h"
#include "libwayland/wl_shm.h"
#include "server/context.h"
#include "shm.h"

const struct sp_libwayland *sp_libwayland_choose(void) {
	return &sp_libwayland;
}

static void handle_commit(struct compositor_surface *surface,
		struct wl_resource *replaced) {
	struct host *host = surface->compositor->data;
	host->shown = surface->current.resource != NULL ?
		wl_shm_buffer_get(surface->current.resource) : NULL;
}

static void handle_take(struct compositor_taker *taker,
		struct wl_resource *buffer) {
	struct host *host = taker->compositor->data;
	host->captured = wl_shm_buffer_get(buffer);
}

static const struct compositor_impl impl = {
	.surface_size = sizeof(struct compositor_surface),
	.handle_commit = handle_commit,
	.handle_take = handle_take,
};

static void ignore_log(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	/* Clients report their errors to the test. */
}

struct host *host_create(uint32_t fds) {
	struct host *host = calloc(1, sizeof(*host));
	assert_non_null(host);
	struct server *server = &host->server;
	assert_true(server_init(server));
	sp_libwayland_set_options(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.log = ignore_log,
		.budget.fds = fds,
		.budget.all_fds = fds,
	});
	assert_non_null(wl_display_add_shm_format(server->display,
		WL_SHM_FORMAT_RGB565));
	assert_int_equal(wl_display_init_shm(server->display), 0);
	assert_int_equal(*wl_display_add_shm_format(server->display,
		WL_SHM_FORMAT_NV12), WL_SHM_FORMAT_NV12);
	wl_display_add_shm_format(server->display, WL_SHM_FORMAT_RGB888);
	host->shm = sp_libwayland_get_shm(server->display);
	/* A thread reads a file on a disk, and may run late on a busy machine. */
	struct sp_readers *readers = &host->shm->context->memory.readers;
	readers->allowance = readers->allowance_max =
		(int64_t)SERVER_PATIENCE_MS * 1000;
	assert_true(compositor_init(&server->compositor, server->display, &impl,
		host));
	assert_true(compositor_offer(&server->compositor,
		&compositor_screencopy));
	assert_true(compositor_offer(&server->compositor, &compositor_output));
	return host;
}

int setup(void **state) {
	*state = host_create(0);
	return 0;
}

int setup_with_three_fds(void **state) {
	*state = host_create(3);
	return 0;
}

int teardown(void **state) {
	struct host *host = *state;
	return server_destroy(&host->server) ? 0 : -1;
}

struct peer *create_shown(struct host *host, enum client_memory_kind kind) {
	return peer_create_with_picture(&host->server, kind, WIDTH, HEIGHT);
}

static void expect_at(struct wl_shm_buffer *buffer, void *data,
		uint32_t frame) {
	struct client_image image = {
		.width = wl_shm_buffer_get_width(buffer),
		.height = wl_shm_buffer_get_height(buffer),
		.stride = wl_shm_buffer_get_stride(buffer),
		.data = data,
	};
	struct client_image expected;
	char error[256];
	assert_true(client_image_create(&expected, image.width, image.height));
	client_image_draw(&expected, frame);
	bool ok = client_image_expect(&image, 0, 0, &expected, error,
		sizeof(error));
	client_image_destroy(&expected);
	if (!ok) {
		fail_msg("%s", error);
	}
}

void expect(struct wl_shm_buffer *buffer, uint32_t frame) {
	expect_at(buffer, wl_shm_buffer_get_data(buffer), frame);
}

void expect_read_at(struct wl_shm_buffer *buffer, void *data,
		uint32_t frame) {
	wl_shm_buffer_begin_access(buffer);
	expect_at(buffer, data, frame);
	wl_shm_buffer_end_access(buffer);
}

void expect_read(struct wl_shm_buffer *buffer, uint32_t frame) {
	wl_shm_buffer_begin_access(buffer);
	expect(buffer, frame);
	wl_shm_buffer_end_access(buffer);
}

struct sealpool_stats get_stats(struct host *host, struct peer *peer) {
	struct sealpool_stats stats = { .size = sizeof(stats) };
	sealpool_shm_get_client_stats(host->shm, peer->client, &stats);
	return stats;
}

void write_frame(struct wl_shm_buffer *buffer, uint32_t frame) {
	wl_shm_buffer_begin_access(buffer);
	struct client_image image = {
		.width = wl_shm_buffer_get_width(buffer),
		.height = wl_shm_buffer_get_height(buffer),
		.stride = wl_shm_buffer_get_stride(buffer),
		.data = wl_shm_buffer_get_data(buffer),
	};
	client_image_draw(&image, frame);
	wl_shm_buffer_end_access(buffer);
}
