/* SPDX-License-Identifier: MIT */
/*
 * Sizes of pools, and their fds.
 */
#include <unistd.h>

#include "picture.h"

static void pool_is_refused(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, BYTES));
	must(test, client_pool_create(&test->client, &pool, &memory,
		(int32_t)test->argument));
	expect_place_error(test);
}

static void pool_is_larger_than_its_file(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	must(test, client_memory_create(&test->client, &memory,
		(enum client_memory_kind)test->argument, BYTES));
	must(test, client_pool_create(&test->client, &pool, &memory,
		INT32_MAX));
	if (passes(test)) {
		use_existing_part(test, &pool);
	}
}

static void pool_is_smaller_than_its_file(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, FAR));
	must(test, client_pool_create(&test->client, &pool, &memory, BYTES));
	create_buffer(test, &pool, &buffer, 0);
	show_alone(test, &buffer, 1, "a buffer in a part of a file");
}

static void pool_has_one_byte(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 1);
	expect_alive_after(test, "a pool of one byte");
	client_pool_destroy(&pool);
	test_expect_alive(test);
}

#define POOLS_LEN 64

static void file_has_many_pools(struct test *test) {
	struct client_memory memory;
	static struct client_pool pools[POOLS_LEN];
	static struct client_buffer buffers[POOLS_LEN];
	struct client_window window;
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, BYTES));
	for (size_t i = 0; i < POOLS_LEN; i++) {
		must(test, client_pool_create(&test->client, &pools[i],
			&memory, BYTES));
		create_buffer(test, &pools[i], &buffers[i], 0);
	}
	expect_alive_after(test, "64 pools");
	create_window(test, &window);
	show(test, &window, &buffers[0], 1, "the first pool's buffer");
	show(test, &window, &buffers[POOLS_LEN - 1], 2,
		"the last pool's buffer");
	/* Every other pool is destroyed. */
	for (size_t i = 0; i < POOLS_LEN; i += 2) {
		client_buffer_destroy(&buffers[i]);
		client_pool_destroy(&pools[i]);
	}
	show(test, &window, &buffers[1], 3, "the second pool's buffer");
}

static void fd_is_closed_by_the_client(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer, late;
	struct client_window window;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_UNSEALED, 2 * BYTES);
	close(memory.fd);
	memory.fd = -1;
	create_buffer(test, &pool, &buffer, 0);
	create_window(test, &window);
	show(test, &window, &buffer, 1, "a buffer whose fd is closed here");
	create_buffer(test, &pool, &late, BYTES);
	show(test, &window, &late, 2,
		"a buffer made after its fd was closed here");
}

static void fd_is_used_by_two_clients(struct test *test) {
	struct client_memory memory;
	struct client_pool pool, other_pool;
	struct client_buffer buffer, other_buffer;
	static struct client other;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 2 * BYTES);
	create_buffer(test, &pool, &buffer, 0);
	test_connect(test, &other);
	if (!client_pool_create(&other, &other_pool, &memory, 2 * BYTES) ||
			!client_buffer_create(&other_pool, &other_buffer,
				BYTES, WIDTH, HEIGHT, STRIDE) ||
			!client_roundtrip(&other)) {
		test_fail_client(test, &other);
	}
	show_alone(test, &buffer, 1, "a buffer of a file that two share");
	/* Destroying one does not destroy the other. */
	client_buffer_destroy(&other_buffer);
	client_pool_destroy(&other_pool);
	client_disconnect(&other);
	show_alone(test, &buffer, 2, "a buffer of a file that two shared");
}

const struct test_case protocol_pool_cases[] = {
	{ "protocol/pool-size:zero", CASE_REQUIRED, "A pool's size is not zero.",
		pool_is_refused, 0 },
	{ "protocol/pool-size:negative", CASE_REQUIRED,
		"A pool's size is not negative.", pool_is_refused, -1 },
	{ "protocol/pool-size:min", CASE_REQUIRED,
		"A pool's size is not negative.", pool_is_refused, INT32_MIN },
	{ "protocol/pool-size:max-sealed", CASE_ROBUSTNESS,
		"A pool that is much larger than its file may be refused or not; no "
		"other client is affected.",
		pool_is_larger_than_its_file, CLIENT_MEMORY_SEALED },
	{ "protocol/pool-size:max-unsealed", CASE_ROBUSTNESS,
		"A pool that is much larger than its file may be refused or not; no "
		"other client is affected.",
		pool_is_larger_than_its_file, CLIENT_MEMORY_UNSEALED },
	{ "protocol/pool-size:part-of-file", CASE_REQUIRED,
		"A pool may be smaller than its file.", pool_is_smaller_than_its_file },
	{ "protocol/pool-size:one-byte", CASE_REQUIRED,
		"A pool may be too small for any buffer.", pool_has_one_byte },

	{ "protocol/pool-fd:many-pools", CASE_QUALITY,
		"A client may create many pools of one file.", file_has_many_pools },
	{ "protocol/pool-fd:closed", CASE_REQUIRED,
		"The compositor has an fd of its own, so the client can close the one "
		"that it has sent.",
		fd_is_closed_by_the_client },
	{ "protocol/pool-fd:two-clients", CASE_REQUIRED,
		"Two clients may share a file, as a browser's processes do; when one "
		"disconnects, the other is not affected.",
		fd_is_used_by_two_clients },
	{ 0 },
};
