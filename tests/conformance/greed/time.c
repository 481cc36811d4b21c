/* SPDX-License-Identifier: MIT */
/*
 * Time of the compositor.
 */
#include <fcntl.h>
#include <string.h>
#include <wayland-client.h>

#include "greed.h"

static void flood_buffers(struct client *client, struct wl_shm_pool *pool,
		int32_t rows, int count) {
	for (int i = 0; i < count; i++) {
		wl_buffer_destroy(wl_shm_pool_create_buffer(pool, 0, WIDE, rows,
			STRIDE, WL_SHM_FORMAT_XRGB8888));
	}
}

#define FLOOD 4000

/* A compositor that checks a buffer when it is created reads 2 GiB each time. */
static void buffers_of_sparse_file(struct test *test) {
	struct client *client = &test->client;
	int fd = greed_create_file(test, HUGE, F_SEAL_SHRINK);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd, HUGE);
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 0; i < 5 && test_now_ms() < deadline; i++) {
		flood_buffers(client, pool, ROWS, FLOOD);
		if (!client_roundtrip(client)) {
			return;
		}
	}
}

/* The file has all of its memory except the last page, so a check reads it to the end. */
static void flood_with_hole(struct test *test, int count, int32_t rows) {
	static struct client clients[32];
	int32_t size = STRIDE * rows;
	int fd = greed_create_file(test, size, F_SEAL_SHRINK);
	greed_fill(test, fd, size - PAGE_BYTES);
	for (int i = 0; i < count; i++) {
		test_connect(test, &clients[i]);
		struct wl_shm_pool *pool = wl_shm_create_pool(clients[i].shm,
			fd, size);
		client_roundtrip(&clients[i]);
		/* As many as fit into the socket without an answer. */
		flood_buffers(&clients[i], pool, rows, count > 1 ? 90 : 2000);
	}
	for (int i = 0; i < count; i++) {
		wl_display_flush(clients[i].display);
	}
	for (int i = 0; i < count; i++) {
		clients[i].patience = GREED_MS;
		client_roundtrip(&clients[i]);
	}
}

static void buffers_with_a_hole(struct test *test) {
	flood_with_hole(test, 1, (int32_t)test->argument);
}

static void buffers_with_a_hole_of_many(struct test *test) {
	flood_with_hole(test, 32, (int32_t)test->argument);
}

#define LARGE_ROWS 1024
#define LARGE_BYTES (STRIDE * LARGE_ROWS)

/* Each commit damages 64 MiB, with 52 bytes of requests. */
static void commits_of_large_buffer(struct test *test) {
	struct client *client = &test->client;
	struct wl_surface *surface = greed_create_surface(test, client);
	int fd = greed_create_file(test, LARGE_BYTES, (unsigned)test->argument);
	greed_fill(test, fd, LARGE_BYTES);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
		LARGE_BYTES);
	struct wl_buffer *buffer = wl_shm_pool_create_buffer(pool, 0, WIDE,
		LARGE_ROWS, STRIDE, WL_SHM_FORMAT_XRGB8888);
	for (int i = 0; i < 70; i++) {
		greed_commit(surface, buffer);
	}
	client->patience = 2 * GREED_MS;
	client_roundtrip(client);
}

#define MANY 75
#define MANY_ROWS 2048
#define MANY_BYTES (STRIDE * MANY_ROWS)

/* 75 buffers of the same 128 MiB, in the page cache, are committed by requests that a
 * compositor receives at once. A client may be refused so much memory. */
static void commits_of_many_buffers(struct test *test) {
	static struct client_memory memory;
	struct client *client = &test->client;
	struct wl_surface *surfaces[MANY];
	struct wl_buffer *buffers[MANY];
	if (!client_memory_create(client, &memory,
			CLIENT_MEMORY_FILE, MANY_BYTES)) {
		test_skip(test, "%s", client->error);
	}
	memset(memory.data, 0x5a, MANY_BYTES);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, memory.fd,
		MANY_BYTES);
	for (int i = 0; i < MANY; i++) {
		surfaces[i] = greed_create_surface(test, client);
		buffers[i] = wl_shm_pool_create_buffer(pool, 0, WIDE,
			MANY_ROWS, STRIDE, WL_SHM_FORMAT_XRGB8888);
	}
	client->patience = 2 * GREED_MS;
	client_roundtrip(client);
	for (int i = 0; i < MANY; i++) {
		greed_commit(surfaces[i], buffers[i]);
	}
	client_roundtrip(client);
}

#define LARGEST_ROWS 8000

/* Each of them costs the same. */
#define LARGEST_CLIENTS 2

/* One commit each, of nearly as much as a client may have. The first copy costs more than
 * later ones, since memory must be allocated. */
static void first_commits(struct test *test, int count) {
	static struct client clients[LARGEST_CLIENTS];
	int fd = create_large_file(test);
	for (int i = 0; i < count; i++) {
		test_connect(test, &clients[i]);
		struct wl_shm_pool *pool = wl_shm_create_pool(clients[i].shm,
			fd, HUGE);
		greed_commit(greed_create_surface(test, &clients[i]),
			wl_shm_pool_create_buffer(pool, 0, WIDE, LARGEST_ROWS,
				STRIDE, WL_SHM_FORMAT_XRGB8888));
	}
	for (int i = 0; i < count; i++) {
		wl_display_flush(clients[i].display);
	}
	for (int i = 0; i < count; i++) {
		clients[i].patience = 2 * GREED_MS;
		client_roundtrip(&clients[i]);
	}
}

static void first_commit_of_large_buffer(struct test *test) {
	first_commits(test, 1);
}

static void first_commits_of_large_buffers(struct test *test) {
	first_commits(test, LARGEST_CLIENTS);
}

const struct test_case greed_time_cases[] = {
	{ "greed/time-of-buffers:sparse", CASE_ROBUSTNESS,
		"Many buffers are created in a large file without memory; other "
		"clients are answered soon.",
		buffers_of_sparse_file },
	{ "greed/time-of-buffers:hole", CASE_ROBUSTNESS,
		"Many large buffers are created that lack one page of memory each; "
		"other clients are answered soon.", buffers_with_a_hole, 4095 },
	{ "greed/time-of-buffers:hole-of-many", CASE_ROBUSTNESS,
		"Several connections each create large buffers that lack one page of "
		"memory; other clients are answered soon.",
		buffers_with_a_hole_of_many, 4095 },
	{ "greed/time-of-buffers:large-hole-of-many", CASE_ROBUSTNESS,
		"Several connections each create large buffers that lack one page of "
		"memory; other clients are answered soon.",
		buffers_with_a_hole_of_many, 16384 },
	sparse_kinds("greed/time-of-first-commit:", first_commit_of_large_buffer,
		"A buffer of 500 MiB is committed for the first time; other "
		"clients are answered soon."),
	sparse_kinds("greed/time-of-first-commits:", first_commits_of_large_buffers,
		"Several connections each commit a buffer of 500 MiB at once; "
		"other clients are answered soon."),
	{ "greed/time-of-commits:unsealed", CASE_ROBUSTNESS,
		"A large buffer is committed again and again, faster than it can be "
		"painted; other clients are answered soon.", commits_of_large_buffer, 0 },
	{ "greed/time-of-commits:sealed", CASE_ROBUSTNESS,
		"A large buffer is committed again and again, faster than it can be "
		"painted; other clients are answered soon.", commits_of_large_buffer,
		F_SEAL_SHRINK },
	{ "greed/time-of-commits:on-disk", CASE_ROBUSTNESS,
		"Many large buffers in a file on a disk are committed at once; "
		"other clients are answered soon.", commits_of_many_buffers },
	{ 0 },
};
