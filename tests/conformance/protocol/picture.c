/* SPDX-License-Identifier: MIT */
/*
 * The text of the protocol: which requests are errors, which are not, and that objects
 * may be destroyed in any order.
 *
 * An error must be one of wl_shm's, on an object that can have one. The code matters if
 * the text leaves no choice. After a legal request, the client must stay connected and,
 * if the output can be captured, its picture must be on it.
 */
#include <poll.h>
#include <string.h>
#include <wayland-client.h>

#include "picture.h"
#include "xdg-shell-client-protocol.h"

/* Errors */

void expect_place_error(struct test *test) {
	expect_error(test, NULL, "wl_shm.invalid_stride", "wl_shm.invalid_fd");
}

bool passes(struct test *test) {
	if (client_roundtrip(&test->client)) {
		return true;
	}
	expect_error(test, NULL, "wl_shm.invalid_stride", "wl_shm.invalid_fd",
		"wl_display.no_memory");
	return false;
}

void expect_alive_after(struct test *test, const char *what) {
	struct client *client = &test->client;
	if (!client_roundtrip(client)) {
		char error[sizeof(client->error)];
		memcpy(error, client->error, sizeof(error));
		client_fail(client, "after %s: %.300s", what, error);
		test_fail_client(test, client);
	}
}

/* Pools and pictures */

void create_pool(struct test *test, struct client_memory *memory,
		struct client_pool *pool, enum client_memory_kind kind,
		int32_t size) {
	must(test, client_memory_create(&test->client, memory, kind,
		(size_t)size));
	must(test, client_pool_create(&test->client, pool, memory, size));
}

void create_pool_of(struct test *test, struct wl_shm *shm,
		struct client_memory *memory, struct client_pool *pool,
		int32_t size) {
	*pool = (struct client_pool){
		.client = &test->client,
		.memory = memory,
		.pool = wl_shm_create_pool(shm, memory->fd, size),
	};
	if (pool->pool == NULL) {
		test_fail(test, "cannot send wl_shm.create_pool");
	}
}

void create_buffer(struct test *test, struct client_pool *pool,
		struct client_buffer *buffer, int32_t offset) {
	must(test, client_buffer_create(pool, buffer, offset, WIDTH, HEIGHT,
		STRIDE));
}

void commit_buffer(struct client_surface *surface,
		struct client_buffer *buffer) {
	client_surface_attach(surface, buffer);
	client_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
	client_surface_commit(surface);
}

void commit_without_role(struct test *test,
		struct client_buffer *buffer) {
	struct wl_surface *surface =
		wl_compositor_create_surface(test->client.compositor);
	if (surface == NULL) {
		test_fail(test, "no memory");
	}
	wl_surface_attach(surface, buffer->buffer, 0, 0);
	wl_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
	wl_surface_commit(surface);
	client_roundtrip(&test->client);
	wl_surface_destroy(surface);
}

static bool becomes_seen(struct test *test,
		const struct client_image *picture) {
	int64_t deadline = test_now_ms() + SEEN_MS;
	bool seen;
	do {
		struct client_image output;
		int32_t x, y;
		if (!client_capture_output(&test->client, CLIENT_MEMORY_SEALED,
				&output)) {
			/* It may not be for this client. */
			test_expect_alive(test);
			return false;
		}
		seen = client_image_find(&output, picture, &x, &y);
		client_image_destroy(&output);
		poll(NULL, 0, seen ? 0 : 20);
	} while (!seen && test_now_ms() < deadline);
	return seen;
}

bool picture_visible;

void create_window(struct test *test, struct client_window *window) {
	static struct client_memory memory;
	static struct client_pool pool;
	static struct client_buffer buffer;
	static bool hopeless;
	struct client_image picture;
	if (test->client.wm_base == NULL) {
		test_skip(test, "the compositor has no xdg_wm_base");
	}
	must(test, client_window_create(&test->client, window, "protocol"));
	picture_visible = false;
	if (hopeless || !client_capture_is_possible(&test->client)) {
		return;
	}
	if (buffer.buffer == NULL) {
		create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, BYTES);
		create_buffer(test, &pool, &buffer, 0);
	}
	must(test, client_buffer_get_image(&test->client, &buffer, &picture));
	client_image_draw(&picture, 50);
	commit_buffer(&window->surface, &buffer);
	picture_visible = becomes_seen(test, &picture);
	hopeless = !picture_visible;
}

void show(struct test *test, struct client_window *window,
		struct client_buffer *buffer, uint32_t frame,
		const char *what) {
	struct client_image picture;
	must(test, client_buffer_get_image(&test->client, buffer, &picture));
	client_image_draw(&picture, frame);
	commit_buffer(&window->surface, buffer);
	expect_alive_after(test, what);
	if (picture_visible) {
		test_expect_seen(test, &picture, what);
	}
}

void show_alone(struct test *test, struct client_buffer *buffer,
		uint32_t frame, const char *what) {
	struct client_window window;
	create_window(test, &window);
	show(test, &window, buffer, frame, what);
	client_window_destroy(&window);
}

void use_existing_part(struct test *test, struct client_pool *pool) {
	struct client_buffer buffer;
	must(test, client_buffer_create(pool, &buffer, 0, WIDTH, HEIGHT,
		STRIDE));
	commit_without_role(test, &buffer);
	passes(test);
}
