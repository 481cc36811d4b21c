/* SPDX-License-Identifier: MIT */
/*
 * A compositor in the test's own process.
 *
 * Its surfaces hold references to what is attached and committed. It has as much of
 * wlr-screencopy as is needed to pass a wl_buffer to an object other than a surface.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"
#include "server.h"

/* Surfaces */

static void set_buffer(struct sealpool_buffer **place,
		struct sealpool_buffer *buffer) {
	struct sealpool_buffer *old = *place;
	*place = buffer != NULL ? sealpool_buffer_ref(buffer) : NULL;
	if (old != NULL) {
		sealpool_buffer_unref(old);
	}
}

static struct server_surface *get_surface(struct compositor_surface *base) {
	struct server_surface *surface = wl_container_of(base, surface, base);
	return surface;
}

static void handle_new_surface(struct compositor_surface *base) {
	get_surface(base)->server = base->compositor->data;
}

static void handle_attach(struct compositor_surface *base,
		struct wl_resource *buffer) {
	set_buffer(&get_surface(base)->pending, buffer != NULL ?
		sealpool_buffer_try_from_resource(buffer) : NULL);
}

static void handle_commit(struct compositor_surface *base,
		struct wl_resource *replaced) {
	struct server_surface *surface = get_surface(base);
	if (base->attached) {
		set_buffer(&surface->current, surface->pending);
		set_buffer(&surface->pending, NULL);
	}
	if (surface->server->handle_commit != NULL) {
		surface->server->handle_commit(surface);
	}
}

static void handle_surface_destroy(struct compositor_surface *base) {
	struct server_surface *surface = get_surface(base);
	if (surface->server->handle_surface_destroy != NULL) {
		surface->server->handle_surface_destroy(surface);
	}
	set_buffer(&surface->pending, NULL);
	set_buffer(&surface->current, NULL);
}

/* Screen capture */

static void handle_take(struct compositor_taker *taker,
		struct wl_resource *buffer) {
	struct server *server = taker->compositor->data;
	set_buffer(&server->captured,
		sealpool_buffer_try_from_resource(buffer));
}

static const struct compositor_impl impl = {
	.surface_size = sizeof(struct server_surface),
	.handle_new_surface = handle_new_surface,
	.handle_attach = handle_attach,
	.handle_commit = handle_commit,
	.handle_surface_destroy = handle_surface_destroy,
	.handle_take = handle_take,
};

/* The server */

static void handle_log(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	struct server *server = data;
	if (importance == SEALPOOL_LOG_DEBUG) {
		return;
	}
	vsnprintf(server->message, sizeof(server->message), format, args);
	server->messages++;
}

static void handle_new_buffer(struct wl_listener *listener, void *data) {
	struct server *server = wl_container_of(listener, server, new_buffer);
	server->newest = data;
}

/* libwayland logs each client that it disconnects, which is expected here. */
static void ignore_log(const char *format, va_list args) {
	/* The client reports its error to the test. */
}

void server_ignore_short_file(struct sealpool_buffer *buffer,
		uint64_t file_size, void *data) {
	/* The test checks what is read. */
}

bool server_init(struct server *server) {
	*server = (struct server){ 0 };
	wl_log_set_handler_server(ignore_log);
	server->fds_before = count_fds();
	/* There are none, unless an earlier test has failed. */
	server->mappings_before = count_pool_mappings();
	wl_list_init(&server->peers);
	server->display = wl_display_create();
	if (server->display == NULL) {
		return false;
	}
	server->loop = wl_display_get_event_loop(server->display);
	return true;
}

struct server *server_create(const struct sealpool_options *options) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888,
		DRM_FORMAT_RGB565, DRM_FORMAT_NV12, DRM_FORMAT_YUV420,
		fourcc_code('?', '?', '?', '?'),
	};
	struct server *server = calloc(1, sizeof(*server));
	if (server == NULL) {
		return NULL;
	}
	if (!server_init(server)) {
		goto error_server;
	}
	struct compositor *compositor = &server->compositor;
	if (!compositor_init(compositor, server->display, &impl, server) ||
			!compositor_offer(compositor, &compositor_viewporter) ||
			!compositor_offer(compositor, &compositor_screencopy) ||
			!compositor_offer(compositor, &compositor_output)) {
		goto error_display;
	}
	struct sealpool_options mine = { .size = sizeof(mine) };
	if (options != NULL) {
		mine = *options;
	}
	mine.log = handle_log;
	mine.log_data = server;
	server->shm = sealpool_shm_create(server->display, 2, formats,
		sizeof(formats) / sizeof(formats[0]), &mine);
	if (server->shm == NULL) {
		print_error("%s\n", server->message);
		goto error_display;
	}
	server->messages = 0;
	server->new_buffer.notify = handle_new_buffer;
	sealpool_shm_add_new_buffer_listener(server->shm, &server->new_buffer);
	return server;

error_display:
	wl_display_destroy(server->display);
error_server:
	free(server);
	return NULL;
}

bool server_destroy(struct server *server) {
	struct peer *peer, *tmp;
	wl_list_for_each_safe(peer, tmp, &server->peers, link) {
		peer_destroy(peer);
	}
	set_buffer(&server->captured, NULL);
	if (server->display != NULL) {
		wl_display_destroy_clients(server->display);
		wl_display_destroy(server->display);
	}

	/* A refused fd is closed by another thread. */
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	size_t fds;
	while ((fds = count_fds()) != server->fds_before &&
			server_now_ms() < deadline) {
		poll(NULL, 0, 1);
	}
	size_t mappings = count_pool_mappings();
	bool clean = fds == server->fds_before &&
		mappings == server->mappings_before;
	if (!clean) {
		print_error("the compositor has left %zd fds open, and %zd "
			"mappings of pools\n",
			(ssize_t)fds - (ssize_t)server->fds_before,
			(ssize_t)mappings - (ssize_t)server->mappings_before);
	}
	free(server);
	return clean;
}

int server_setup(void **state) {
	*state = server_create(NULL);
	return *state != NULL ? 0 : -1;
}

int server_setup_lenient(void **state) {
	*state = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.short_file = server_ignore_short_file,
	});
	return *state != NULL ? 0 : -1;
}

int server_teardown(void **state) {
	return server_destroy(*state) ? 0 : -1;
}

int64_t server_now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool server_dispatch(struct server *server, int fd, int64_t deadline) {
	wl_display_flush_clients(server->display);
	struct pollfd pollfds[] = {
		{ .fd = wl_event_loop_get_fd(server->loop), .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	int64_t left = deadline - server_now_ms();
	int n = poll(pollfds, 2, left > 0 ? (int)left : 0);
	if (n < 0 && errno != EINTR) {
		fail_msg("poll: %s", strerror(errno));
	}
	if (n > 0 && pollfds[0].revents != 0) {
		wl_event_loop_dispatch(server->loop, 0);
		wl_display_flush_clients(server->display);
	}
	return n > 0 && pollfds[1].revents != 0;
}

void server_settle(struct server *server) {
	struct pollfd pollfd = {
		.fd = wl_event_loop_get_fd(server->loop),
		.events = POLLIN,
	};
	while (poll(&pollfd, 1, 0) > 0) {
		wl_event_loop_dispatch(server->loop, 0);
	}
	wl_display_flush_clients(server->display);
}

struct server_surface *server_get_surface(struct server *server,
		const struct peer *peer, int index) {
	struct compositor_surface *surface = compositor_get_surface(
		&server->compositor, peer->client, index);
	if (surface == NULL) {
		fail_msg("the client does not have this surface");
	}
	return get_surface(surface);
}

struct sealpool_buffer *server_get_shown(struct server *server,
		const struct peer *peer) {
	struct server_surface *surface = server_get_surface(server, peer, 0);
	assert_non_null(surface->current);
	return surface->current;
}

struct sealpool_stats server_get_stats(struct server *server,
		const struct peer *peer) {
	struct sealpool_stats stats = { .size = sizeof(stats) };
	sealpool_shm_get_client_stats(server->shm, peer->client, &stats);
	return stats;
}

uint64_t server_count_copied(struct server *server, const struct peer *peer,
		uint64_t *before) {
	uint64_t now = server_get_stats(server, peer).bytes_copied_in;
	uint64_t copied = now - *before;
	*before = now;
	return copied;
}

/* Reading */

void begin_read(struct sealpool_buffer *buffer,
		struct sealpool_access *access) {
	int ret = sealpool_buffer_begin_access(buffer, SEALPOOL_ACCESS_READ,
		access);
	if (ret < 0) {
		fail_msg("cannot read a buffer: %s", strerror(-ret));
	}
}

void read_buffer(struct sealpool_buffer *buffer) {
	struct sealpool_access access;
	begin_read(buffer, &access);
	sealpool_buffer_end_access(&access);
}

void read_image(struct sealpool_buffer *buffer, struct client_image *image) {
	int32_t width = sealpool_buffer_get_width(buffer);
	int32_t height = sealpool_buffer_get_height(buffer);
	assert_true(client_image_create(image, width, height));
	struct sealpool_access access;
	begin_read(buffer, &access);
	for (int32_t y = 0; y < height; y++) {
		memcpy((uint8_t *)image->data + (size_t)y * (size_t)image->stride,
			(uint8_t *)access.data + (size_t)y * access.stride,
			(size_t)width * 4);
	}
	sealpool_buffer_end_access(&access);
}

void expect_zeroes(struct sealpool_buffer *buffer) {
	size_t row_bytes = (size_t)sealpool_buffer_get_width(buffer) * 4;
	struct sealpool_access access;
	begin_read(buffer, &access);
	for (int32_t y = 0; y < sealpool_buffer_get_height(buffer); y++) {
		const uint8_t *row = (const uint8_t *)access.data +
			(size_t)y * access.stride;
		if (row[0] != 0 || memcmp(row, row + 1, row_bytes - 1) != 0) {
			fail_msg("row %d is not zero", (int)y);
		}
	}
	sealpool_buffer_end_access(&access);
}

void expect_image(struct sealpool_buffer *buffer,
		const struct client_image *expected) {
	struct client_image image;
	char error[256];
	read_image(buffer, &image);
	bool ok = client_image_expect(&image, 0, 0, expected, error,
		sizeof(error));
	client_image_destroy(&image);
	if (!ok) {
		fail_msg("%s", error);
	}
}

void expect_frame(struct sealpool_buffer *buffer, uint32_t frame) {
	expect_frame_cut(buffer, frame, sealpool_buffer_get_height(buffer));
}

void expect_frame_cut(struct sealpool_buffer *buffer, uint32_t frame,
		int32_t rows) {
	struct client_image expected;
	assert_true(client_image_create(&expected,
		sealpool_buffer_get_width(buffer),
		sealpool_buffer_get_height(buffer)));
	client_image_draw_rect(&expected, 0, 0, expected.width, rows, 1, frame);
	expect_image(buffer, &expected);
	client_image_destroy(&expected);
}

void expect_kind(struct sealpool_buffer *buffer,
		enum sealpool_memory_kind kind) {
	enum sealpool_memory_kind is = sealpool_buffer_get_kind(buffer);
	if (is != kind) {
		fail_msg("expected memory of the kind \"%s\", got \"%s\"",
			sealpool_memory_kind_name(kind),
			sealpool_memory_kind_name(is));
	}
}

void expect_number(const char *text, int64_t number) {
	char digits[32];
	snprintf(digits, sizeof(digits), "%" PRId64, number);
	const char *set = "0123456789";
	for (const char *word = text; *word != '\0';) {
		word += strcspn(word, set);
		size_t length = strspn(word, set);
		if (length == strlen(digits) &&
				strncmp(word, digits, length) == 0) {
			return;
		}
		word += length;
	}
	fail_msg("no %s in \"%s\"", digits, text);
}

/* This process */

size_t count_pool_mappings(void) {
	return count_mappings("/memfd:sealpool-", "/sealpool-test-");
}
