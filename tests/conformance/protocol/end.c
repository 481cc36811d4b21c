/* SPDX-License-Identifier: MIT */
/*
 * Objects are destroyed in any order.
 */
#include <stdio.h>
#include <wayland-client.h>

#include "binding.h"
#include "picture.h"

enum part {
	PART_SURFACE,
	PART_BUFFER,
	PART_POOL,
	PART_SHM,
	PARTS_LEN,
};

static const char *const part_names[] = { "surface", "buffer", "pool",
	"wl_shm" };

/* The surface is a subsurface of a window that stays. How a compositor handles windows
 * that are created and destroyed is another matter. */
struct parts {
	struct wl_shm *shm;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_subsurface subsurface;
};

static void destroy_part(struct parts *parts, enum part part) {
	switch (part) {
	case PART_SURFACE:
		client_subsurface_destroy(&parts->subsurface);
		break;
	case PART_BUFFER:
		client_buffer_destroy(&parts->buffer);
		break;
	case PART_POOL:
		client_pool_destroy(&parts->pool);
		break;
	case PART_SHM:
		release_shm(parts->shm);
		break;
	case PARTS_LEN:
		break;
	}
}

/* "settled" means that the compositor has handled the commit; otherwise, all requests are
 * sent in one message. */
static void try_order(struct test *test, const struct binding *binding,
		struct client_window *window, const enum part order[],
		enum client_memory_kind kind, bool settled) {
	static struct parts parts;
	char what[100];
	snprintf(what, sizeof(what), "the end of %s, %s, %s and %s (%s, %s)",
		part_names[order[0]], part_names[order[1]],
		part_names[order[2]], part_names[order[3]],
		client_memory_kind_name(kind), settled ? "settled" : "at once");
	parts.shm = wl_registry_bind(binding->registry,
		binding->global[0].name,
		&wl_shm_interface, wl_shm_get_version(binding->shm));
	if (parts.shm == NULL) {
		test_fail(test, "no memory");
	}
	must(test, client_memory_create(&test->client, &parts.memory, kind,
		BYTES));
	must(test, client_subsurface_create(&test->client, &parts.subsurface,
		&window->surface, 0, 0));
	client_subsurface_set_desync(&parts.subsurface);
	/* The subsurface appears at its parent's next commit. */
	client_surface_commit(&window->surface);
	create_pool_of(test, parts.shm, &parts.memory, &parts.pool, BYTES);
	create_buffer(test, &parts.pool, &parts.buffer, 0);
	commit_buffer(&parts.subsurface.surface, &parts.buffer);
	for (size_t i = 0; i < PARTS_LEN; i++) {
		if (settled) {
			expect_alive_after(test, what);
		}
		destroy_part(&parts, order[i]);
	}
	expect_alive_after(test, what);
	client_memory_destroy(&parts.memory);
}

/* In each order that begins with one of them. */
static void parts_end_in_any_order(struct test *test) {
	static struct binding binding;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_window window;
	if (test->client.subcompositor == NULL) {
		test_skip(test, "the compositor has no wl_subcompositor");
	}
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, BYTES);
	create_buffer(test, &pool, &buffer, 0);
	create_window(test, &window);
	commit_buffer(&window.surface, &buffer);
	bind_shm(test, &test->client, &binding, newest_version(test));
	enum part first = (enum part)test->argument;
	for (size_t i = 0; i < PARTS_LEN * PARTS_LEN * PARTS_LEN; i++) {
		enum part order[] = { first, (enum part)(i % PARTS_LEN),
			(enum part)(i / PARTS_LEN % PARTS_LEN),
			(enum part)(i / PARTS_LEN / PARTS_LEN) };
		unsigned all = 0;
		for (size_t j = 0; j < PARTS_LEN; j++) {
			all |= 1u << order[j];
		}
		if (all != (1u << PARTS_LEN) - 1) {
			continue;
		}
		try_order(test, &binding, &window, order,
			CLIENT_MEMORY_SEALED, false);
		try_order(test, &binding, &window, order,
			CLIENT_MEMORY_SEALED, true);
		try_order(test, &binding, &window, order,
			CLIENT_MEMORY_UNSEALED, false);
		try_order(test, &binding, &window, order,
			CLIENT_MEMORY_UNSEALED, true);
	}
}

static void pool_ends_before_its_buffer_is_used(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer, other;
	struct client_window window;
	create_pool(test, &memory, &pool,
		(enum client_memory_kind)test->argument, 2 * BYTES);
	create_buffer(test, &pool, &buffer, 0);
	create_buffer(test, &pool, &other, BYTES);
	client_pool_destroy(&pool);
	create_window(test, &window);
	show(test, &window, &buffer, 1, "a buffer whose pool is gone");
	show(test, &window, &other, 2, "a second buffer whose pool is gone");
	client_buffer_destroy(&buffer);
	show(test, &window, &other, 3,
		"the last buffer of a pool that is gone");
}

static void buffer_ends_between_attach_and_commit(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 2 * BYTES);
	create_buffer(test, &pool, &buffers[0], 0);
	create_buffer(test, &pool, &buffers[1], BYTES);
	create_window(test, &window);
	commit_buffer(&window.surface, &buffers[0]);
	test_expect_alive(test);
	client_surface_attach(&window.surface, &buffers[1]);
	client_buffer_destroy(&buffers[1]);
	client_surface_commit(&window.surface);
	expect_alive_after(test, "a commit of a buffer that was destroyed");
	client_window_destroy(&window);
	test_expect_alive(test);
}

static void buffer_ends_between_commits(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	create_pool(test, &memory, &pool,
		(enum client_memory_kind)test->argument, 2 * BYTES);
	create_window(test, &window);
	for (unsigned i = 0; i < 20; i++) {
		create_buffer(test, &pool, &buffers[i % 2],
			(int32_t)(i % 2) * BYTES);
		commit_buffer(&window.surface, &buffers[i % 2]);
		client_buffer_destroy(&buffers[i % 2]);
		/* Destroyed with the next commit, or long before. */
		if (i % 3 == 0) {
			expect_alive_after(test, "a buffer destroyed after its "
				"commit");
		}
	}
	create_buffer(test, &pool, &buffers[0], 0);
	show(test, &window, &buffers[0], 1,
		"a buffer after others that were destroyed");
}

const struct test_case protocol_end_cases[] = {
	{ "protocol/end:surface-first", CASE_REQUIRED,
		"Objects may be destroyed in any order: the surface first.", parts_end_in_any_order, PART_SURFACE },
	{ "protocol/end:buffer-first", CASE_REQUIRED,
		"Objects may be destroyed in any order: the buffer first.", parts_end_in_any_order, PART_BUFFER },
	{ "protocol/end:pool-first", CASE_REQUIRED,
		"Objects may be destroyed in any order: the pool first.", parts_end_in_any_order, PART_POOL },
	{ "protocol/end:shm-first", CASE_REQUIRED,
		"Objects may be destroyed in any order: wl_shm first.", parts_end_in_any_order, PART_SHM },
	{ "protocol/end:pool-sealed", CASE_REQUIRED,
		"A buffer stays usable after its pool is destroyed.",
		pool_ends_before_its_buffer_is_used, CLIENT_MEMORY_SEALED },
	{ "protocol/end:pool-unsealed", CASE_REQUIRED,
		"A buffer stays usable after its pool is destroyed.",
		pool_ends_before_its_buffer_is_used, CLIENT_MEMORY_UNSEALED },
	{ "protocol/end:attached-buffer", CASE_QUALITY,
		"If a pending buffer is destroyed, the surface's contents are "
		"undefined, but there is no error.",
		buffer_ends_between_attach_and_commit },
	{ "protocol/end:committed-buffer-sealed", CASE_REQUIRED,
		"A buffer may be destroyed while the compositor uses it.",
		buffer_ends_between_commits, CLIENT_MEMORY_SEALED },
	{ "protocol/end:committed-buffer-unsealed", CASE_REQUIRED,
		"A buffer may be destroyed while the compositor uses it.",
		buffer_ends_between_commits, CLIENT_MEMORY_UNSEALED },
	{ 0 },
};
