/* SPDX-License-Identifier: MIT */
/*
 * The global: its versions, its release, and several bindings.
 */
#include <wayland-client.h>

#include "binding.h"
#include "picture.h"

static void version_works(struct test *test) {
	static struct binding binding;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	bind_shm(test, &test->client, &binding, (uint32_t)test->argument);
	if (binding.announced.formats_len == 0) {
		test_fail(test, "no format was announced");
	}
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, BYTES));
	create_pool_of(test, binding.shm, &memory, &pool, BYTES);
	create_buffer(test, &pool, &buffer, 0);
	show_alone(test, &buffer, 1, "a buffer of this version's pool");
}

static void global_is_the_only_one(struct test *test) {
	static struct binding binding;
	find_global(test, &test->client, &binding);
	unsigned count = binding.global[0].count;
	if (count != 1) {
		test_fail(test, "there are %u wl_shm globals", count);
	}
}

static void release_leaves_objects(struct test *test) {
	static struct binding binding;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer before, after;
	struct client_window window;
	bind_shm(test, &test->client, &binding, 2);
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, 3 * BYTES));
	create_pool_of(test, binding.shm, &memory, &pool, 2 * BYTES);
	create_buffer(test, &pool, &before, 0);
	release_shm(binding.shm);
	expect_alive_after(test, "wl_shm.release");
	create_window(test, &window);
	show(test, &window, &before, 1, "a buffer made before wl_shm.release");
	create_buffer(test, &pool, &after, BYTES);
	show(test, &window, &after, 2, "a buffer made after wl_shm.release");
	client_pool_resize(&pool, 3 * BYTES);
	client_buffer_destroy(&before);
	create_buffer(test, &pool, &before, 2 * BYTES);
	client_pool_destroy(&pool);
	show(test, &window, &before, 3, "a buffer of a pool that has grown "
		"after wl_shm.release");
}

static void bindings_are_independent(struct test *test) {
	static struct binding first, second;
	struct client_memory memory;
	struct client_pool pools[3];
	struct client_buffer buffers[3];
	struct client_window window;
	bind_shm(test, &test->client, &first, 1);
	bind_shm(test, &test->client, &second, 1);
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, BYTES));
	create_pool_of(test, first.shm, &memory, &pools[0], BYTES);
	create_pool_of(test, second.shm, &memory, &pools[1], BYTES);
	create_buffer(test, &pools[0], &buffers[0], 0);
	create_buffer(test, &pools[1], &buffers[1], 0);
	create_window(test, &window);
	show(test, &window, &buffers[0], 1, "a buffer by the first wl_shm");
	show(test, &window, &buffers[1], 2, "a buffer by the second wl_shm");
	release_shm(first.shm);
	create_pool_of(test, second.shm, &memory, &pools[2], BYTES);
	create_buffer(test, &pools[2], &buffers[2], 0);
	show(test, &window, &buffers[2], 3,
		"a buffer by the second wl_shm without the first");
}

const struct test_case protocol_global_cases[] = {
	{ "protocol/global", CASE_REQUIRED,
		"There is exactly one wl_shm global.",
		global_is_the_only_one },
	{ "protocol/version:1", CASE_REQUIRED,
		"Everything in version 1 works for a client that binds version 1.", version_works, 1 },
	{ "protocol/version:2", CASE_REQUIRED,
		"Everything in version 1 works in version 2.", version_works, 2 },
	{ "protocol/release-shm", CASE_REQUIRED,
		"A client can release its wl_shm, and keeps its pools and buffers.",
		release_leaves_objects },
	{ "protocol/second-binding", CASE_REQUIRED,
		"Several libraries in one process may each bind wl_shm, and release it "
		"at any time.", bindings_are_independent },
	{ 0 },
};
