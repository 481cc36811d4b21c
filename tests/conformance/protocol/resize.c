/* SPDX-License-Identifier: MIT */
/*
 * Pools that are resized.
 */
#include <wayland-client.h>

#include "picture.h"

static void resize_is_refused(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, BYTES);
	test_expect_alive(test);
	client_pool_resize(&pool, (int32_t)test->argument);
	expect_place_error(test);
}

static void resize_in_use_is_refused(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 2 * BYTES);
	create_buffer(test, &pool, &buffer, 0);
	commit_without_role(test, &buffer);
	test_expect_alive(test);
	/* The buffer would still be within the pool. */
	client_pool_resize(&pool, BYTES);
	expect_place_error(test);
}

static void resize_back_is_refused(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, 2 * BYTES));
	must(test, client_pool_create(&test->client, &pool, &memory, BYTES));
	client_pool_resize(&pool, 2 * BYTES);
	expect_alive_after(test, "wl_shm_pool.resize to more");
	client_pool_resize(&pool, BYTES);
	expect_place_error(test);
}

static void resize_makes_room(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer old, new;
	struct client_window window;
	create_pool(test, &memory, &pool,
		(enum client_memory_kind)test->argument, BYTES);
	create_buffer(test, &pool, &old, 0);
	create_window(test, &window);
	show(test, &window, &old, 1, "a buffer before its pool grew");
	must(test, client_memory_grow(&test->client, &memory, FAR + BYTES));
	client_pool_resize(&pool, FAR + BYTES);
	expect_alive_after(test, "wl_shm_pool.resize to more");
	create_buffer(test, &pool, &new, FAR);
	show(test, &window, &new, 2, "a buffer in what a pool grew by");
	must(test, client_buffer_wait_released(&test->client, &old));
	show(test, &window, &old, 3, "a buffer older than its pool's size");
}

static void resize_again_and_again(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	static struct client_buffer buffers[100];
	struct client_window window;
	create_pool(test, &memory, &pool,
		(enum client_memory_kind)test->argument, BYTES);
	create_window(test, &window);
	for (int32_t i = 0; i < 100; i++) {
		must(test, client_memory_grow(&test->client, &memory,
			(size_t)(i + 1) * 4096));
		client_pool_resize(&pool, (i + 1) * 4096);
		create_buffer(test, &pool, &buffers[i], i * 4096);
		commit_buffer(&window.surface, &buffers[i]);
	}
	expect_alive_after(test, "a pool that has grown 100 times");
	must(test, client_buffer_wait_released(&test->client, &buffers[0]));
	show(test, &window, &buffers[0], 1, "the oldest of 100 buffers");
	show(test, &window, &buffers[50], 2, "one of 100 buffers");
}

static void resize_to_the_same_size(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, BYTES);
	client_pool_resize(&pool, BYTES);
	expect_alive_after(test, "wl_shm_pool.resize to the same");
	create_buffer(test, &pool, &buffer, 0);
	show_alone(test, &buffer, 1, "a buffer of a pool of the same size");
}

static void resize_beyond_the_file(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, BYTES);
	test_expect_alive(test);
	client_pool_resize(&pool, (int32_t)test->argument);
	if (passes(test)) {
		use_existing_part(test, &pool);
	}
}

const struct test_case protocol_resize_cases[] = {
	{ "protocol/resize:grow-sealed", CASE_REQUIRED,
		"A pool that has grown has room for more buffers, and its old buffers "
		"stay valid.", resize_makes_room, CLIENT_MEMORY_SEALED },
	{ "protocol/resize:grow-unsealed", CASE_REQUIRED,
		"A pool that has grown has room for more buffers, and its old buffers "
		"stay valid.", resize_makes_room,
		CLIENT_MEMORY_UNSEALED },
	{ "protocol/resize:often-sealed", CASE_REQUIRED,
		"A pool may grow with every frame while its buffers are in "
		"use.", resize_again_and_again, CLIENT_MEMORY_SEALED },
	{ "protocol/resize:often-unsealed", CASE_REQUIRED,
		"A pool may grow with every frame while its buffers are in "
		"use.", resize_again_and_again, CLIENT_MEMORY_UNSEALED },
	{ "protocol/resize:same", CASE_QUALITY,
		"Resizing a pool to its own size is no error.",
		resize_to_the_same_size },
	{ "protocol/resize:byte-less", CASE_REQUIRED,
		"A pool can only grow.", resize_is_refused,
		BYTES - 1 },
	{ "protocol/resize:zero", CASE_REQUIRED,
		"A pool can only grow.", resize_is_refused, 0 },
	{ "protocol/resize:negative", CASE_REQUIRED,
		"A pool can only grow.", resize_is_refused, -1 },
	{ "protocol/resize:min", CASE_REQUIRED,
		"A pool can only grow.", resize_is_refused,
		INT32_MIN },
	{ "protocol/resize:less-in-use", CASE_REQUIRED,
		"A pool can only grow, even if its buffers need less.", resize_in_use_is_refused },
	{ "protocol/resize:back", CASE_REQUIRED,
		"A pool can only grow, even if it was smaller before.", resize_back_is_refused },
	{ "protocol/resize:beyond-file", CASE_ROBUSTNESS,
		"A file that is shorter than its pool is the client's fault; no other "
		"client is affected.", resize_beyond_the_file,
		FAR },
	{ "protocol/resize:max", CASE_ROBUSTNESS,
		"A file that is shorter than its pool is the client's fault; no other "
		"client is affected.", resize_beyond_the_file,
		INT32_MAX },
	{ 0 },
};
