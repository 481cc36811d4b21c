/* SPDX-License-Identifier: MIT */
/*
 * Many buffers, and many sizes of pools.
 */
#include <fcntl.h>
#include <wayland-client.h>

#include "greed.h"

#define BUFFERS 20000

static void buffers_of_one_pool(struct test *test) {
	struct client *client = &test->client;
	struct wl_shm_pool *pool = create_page_pool(test, client);
	for (int i = 0; i < BUFFERS; i++) {
		create_page_buffer(pool);
		if (i % 1000 == 0 && !client_roundtrip(client)) {
			return;
		}
	}
	client_roundtrip(client);
	linger();
}

#define ATTACHED 16000

static void buffers_of_one_surface(struct test *test) {
	static struct client_window window;
	struct client *client = &test->client;
	struct wl_surface *surfaces[] = { greed_create_surface(test, client),
		greed_create_window(test, client, &window) };
	int fd = greed_create_file(test, PAGE_BYTES, 0);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
		PAGE_BYTES);
	struct wl_buffer *buffer = NULL;
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 0; i < ATTACHED && test_now_ms() < deadline; i++) {
		buffer = create_page_buffer(pool);
		greed_commit(surfaces[surfaces[1] != NULL ? i % 2 : 0], buffer);
		if (i % BATCH == 0 && !client_roundtrip(client)) {
			return;
		}
	}
	/* In one message, while all buffers exist. */
	for (int i = 0; i < 200; i++) {
		wl_surface_attach(surfaces[0], buffer, 0, 0);
		wl_surface_damage_buffer(surfaces[0], i % SIDE, 0, 1, 1);
		wl_surface_commit(surfaces[0]);
	}
	client_roundtrip(client);
	linger();
}

#define RESIZES 100000
#define RESIZE_STEP (INT32_MAX / RESIZES)

static void resizes(struct test *test) {
	struct client *client = &test->client;
	int fd = greed_create_file(test,
		test->argument ? INT32_MAX : PAGE_BYTES,
		F_SEAL_SHRINK);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
		PAGE_BYTES);
	struct wl_buffer *buffer = create_page_buffer(pool);
	struct wl_surface *surface = greed_create_surface(test, client);
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 1; i < RESIZES; i++) {
		wl_shm_pool_resize(pool, PAGE_BYTES + i * RESIZE_STEP);
		if (i % 1000 == 0) {
			/* What moves with the pool is in use. */
			greed_commit(surface, buffer);
			wl_shm_pool_create_buffer(pool, i * RESIZE_STEP, SIDE,
				SIDE, SIDE * 4, WL_SHM_FORMAT_XRGB8888);
			if (!client_roundtrip(client) ||
					test_now_ms() > deadline) {
				break;
			}
		}
	}
	linger();
}

const struct test_case greed_buffer_cases[] = {
	{ "greed/buffers", CASE_ROBUSTNESS,
		"A client creates 20,000 buffers in one pool; other clients are still "
		"served.", buffers_of_one_pool },
	{ "greed/buffers-of-a-surface", CASE_ROBUSTNESS,
		"A client commits 16,000 buffers to two surfaces, and destroys none; "
		"other clients are still served.", buffers_of_one_surface },
	{ "greed/resizes:short", CASE_ROBUSTNESS,
		"A client resizes a pool up to 100,000 times; other clients are still "
		"served.", resizes, 0 },
	{ "greed/resizes:long", CASE_ROBUSTNESS,
		"A client resizes a pool up to 100,000 times; other clients are still "
		"served.", resizes, 1 },
	{ 0 },
};
