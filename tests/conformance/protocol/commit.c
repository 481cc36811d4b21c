/* SPDX-License-Identifier: MIT */
/*
 * When a buffer is released, and which commits are legal.
 */
#include <wayland-client.h>

#include "picture.h"
#include "xdg-shell-client-protocol.h"

/* Two buffers in one pool, and a window without a buffer. */
struct pair {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
};

static void create_pair(struct test *test, struct pair *pair) {
	create_pool(test, &pair->memory, &pair->pool,
		(enum client_memory_kind)test->argument, 2 * BYTES);
	create_buffer(test, &pair->pool, &pair->buffers[0], 0);
	create_buffer(test, &pair->pool, &pair->buffers[1], BYTES);
	create_window(test, &pair->window);
	test->client.patience = DUE_MS;
}

static void release_comes_after_replacement(struct test *test) {
	struct pair pair;
	create_pair(test, &pair);
	commit_buffer(&pair.window.surface, &pair.buffers[0]);
	for (unsigned i = 0; i < 10; i++) {
		test_expect_alive(test);
		commit_buffer(&pair.window.surface, &pair.buffers[(i + 1) % 2]);
		must(test, client_buffer_wait_released(&test->client,
			&pair.buffers[i % 2]));
	}
}

static void release_comes_after_null(struct test *test) {
	struct pair pair;
	create_pair(test, &pair);
	commit_buffer(&pair.window.surface, &pair.buffers[0]);
	test_expect_alive(test);
	client_surface_attach(&pair.window.surface, NULL);
	client_surface_commit(&pair.window.surface);
	expect_alive_after(test, "a commit of no buffer");
	must(test, client_buffer_wait_released(&test->client, &pair.buffers[0]));
}

static void release_comes_after_the_surface(struct test *test) {
	struct pair pair;
	create_pair(test, &pair);
	commit_buffer(&pair.window.surface, &pair.buffers[0]);
	test_expect_alive(test);
	client_window_destroy(&pair.window);
	must(test, client_buffer_wait_released(&test->client, &pair.buffers[0]));
}

/* A buffer that takes long to copy. */
#define LARGE_WIDTH 2048
#define LARGE_HEIGHT 4096
#define LARGE_STRIDE (LARGE_WIDTH * 4)
#define LARGE_BYTES (LARGE_STRIDE * LARGE_HEIGHT)

enum order {
	HIDDEN_FIRST,
	ROLE_DESTROYED_FIRST,
};

enum replacement {
	REPLACED_AT_ONCE,
	REPLACED_LATER,
};

static void window_is_hidden_at_once(struct test *test) {
	static struct client_window window;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer large, small;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_UNSEALED, LARGE_BYTES);
	must(test, client_buffer_create(&pool, &large, 0, LARGE_WIDTH,
		LARGE_HEIGHT, LARGE_STRIDE));
	create_buffer(test, &pool, &small, 0);
	create_window(test, &window);
	commit_buffer(&window.surface, &large);
	if (test->argument == ROLE_DESTROYED_FIRST) {
		client_window_destroy_role(&window);
	}
	client_surface_attach(&window.surface, NULL);
	client_surface_commit(&window.surface);
	client_window_destroy_role(&window);
	must(test, client_window_give_role(&window, "shown again"));
	commit_buffer(&window.surface, &small);
	must(test, client_buffer_wait_released(&test->client, &large));
	test_expect_alive(test);
}

/* Shows a buffer in a window, until no configure event of it is on its way. */
static void show_and_settle(struct test *test, struct client_window *window,
		struct client_buffer *buffer) {
	create_window(test, window);
	commit_buffer(&window->surface, buffer);
	must(test, client_roundtrip(&test->client));
	must(test, client_roundtrip(&test->client));
}

/* Without another xdg_surface. */
static void replace_toplevel(struct test *test, struct client_window *window,
		bool later) {
	window->configured = false;
	xdg_toplevel_destroy(window->xdg_toplevel);
	if (later) {
		client_wait_fate(&test->client, UNDUE_MS,
			&(struct client_fate){ 0 });
	}
	window->xdg_toplevel = xdg_surface_get_toplevel(window->xdg_surface);
	client_surface_attach(&window->surface, NULL);
	client_surface_commit(&window->surface);
}

static void window_gets_another_toplevel(struct test *test) {
	static struct client_window control, window;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer large, small;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_UNSEALED, LARGE_BYTES);
	must(test, client_buffer_create(&pool, &large, 0, LARGE_WIDTH,
		LARGE_HEIGHT, LARGE_STRIDE));
	create_buffer(test, &pool, &small, 0);
	show_and_settle(test, &control, &small);
	replace_toplevel(test, &control, false);
	if (!client_roundtrip(&test->client) ||
			!client_roundtrip(&test->client) ||
			!control.configured) {
		test_skip(test, "an xdg_surface has one xdg_toplevel");
	}
	client_window_destroy(&control);
	show_and_settle(test, &window, &small);
	commit_buffer(&window.surface, &large);
	replace_toplevel(test, &window, test->argument == REPLACED_LATER);
	must(test, client_wait(&test->client, &window.configured,
		"xdg_surface.configure"));
	commit_buffer(&window.surface, &small);
	must(test, client_buffer_wait_released(&test->client, &large));
	test_expect_alive(test);
}

static void release_comes_without_the_pool(struct test *test) {
	struct pair pair;
	create_pair(test, &pair);
	client_pool_destroy(&pair.pool);
	commit_buffer(&pair.window.surface, &pair.buffers[0]);
	test_expect_alive(test);
	commit_buffer(&pair.window.surface, &pair.buffers[1]);
	must(test, client_buffer_wait_released(&test->client, &pair.buffers[0]));
}

static void release_is_of_what_was_committed(struct test *test) {
	struct pair pair;
	create_pair(test, &pair);
	client_surface_attach(&pair.window.surface, &pair.buffers[0]);
	commit_buffer(&pair.window.surface, &pair.buffers[1]);
	struct client_fate fate;
	client_wait_fate(&test->client, UNDUE_MS, &fate);
	test_expect_alive(test);
	if (pair.buffers[0].releases > 0) {
		test_fail(test, "a buffer that was never committed has been "
			"released");
	}
}

static void same_buffer_twice(struct test *test) {
	struct pair pair;
	create_pair(test, &pair);
	show(test, &pair.window, &pair.buffers[0], 1, "a buffer");
	commit_buffer(&pair.window.surface, &pair.buffers[0]);
	commit_buffer(&pair.window.surface, &pair.buffers[0]);
	/* Once more, without damage. */
	client_surface_damage(&pair.window.surface, 0, 0, WIDTH, HEIGHT);
	client_surface_commit(&pair.window.surface);
	expect_alive_after(test, "three commits of a buffer");
	show(test, &pair.window, &pair.buffers[1], 2, "a buffer after one that was "
		"committed three times");
	must(test, client_buffer_wait_released(&test->client, &pair.buffers[0]));
}

static void buffer_in_two_surfaces(struct test *test) {
	struct pair pair;
	struct client_window second;
	create_pair(test, &pair);
	show(test, &pair.window, &pair.buffers[0], 1, "a buffer in one window");
	create_window(test, &second);
	commit_buffer(&second.surface, &pair.buffers[0]);
	expect_alive_after(test, "a commit of a buffer in a second window");
	client_window_destroy(&pair.window);
	expect_alive_after(test, "the end of one of two windows");
	client_buffer_destroy(&pair.buffers[0]);
	commit_buffer(&second.surface, &pair.buffers[1]);
	expect_alive_after(test, "the end of a buffer in two windows");
}

static void null_without_a_buffer(struct test *test) {
	struct wl_surface *surface =
		wl_compositor_create_surface(test->client.compositor);
	if (surface == NULL) {
		test_fail(test, "no memory");
	}
	wl_surface_attach(surface, NULL, 0, 0);
	wl_surface_commit(surface);
	wl_surface_attach(surface, NULL, 0, 0);
	wl_surface_commit(surface);
	expect_alive_after(test, "commits of no buffer");
}

const struct test_case protocol_commit_cases[] = {
	{ "protocol/release:replaced-sealed", CASE_REQUIRED,
		"Buffers are released, so that a client needs only two.", release_comes_after_replacement,
		CLIENT_MEMORY_SEALED },
	{ "protocol/release:replaced-unsealed", CASE_REQUIRED,
		"Buffers are released, so that a client needs only two.", release_comes_after_replacement,
		CLIENT_MEMORY_UNSEALED },
	{ "protocol/release:null", CASE_REQUIRED,
		"A surface commits no buffer; its previous buffer is released.", release_comes_after_null, CLIENT_MEMORY_SEALED },
	{ "protocol/release:hidden-at-once", CASE_REQUIRED,
		"A window is hidden right after a commit of a large buffer.",
		window_is_hidden_at_once, HIDDEN_FIRST },
	{ "protocol/release:role-gone", CASE_REQUIRED,
		"The xdg_toplevel is destroyed right after a commit of a large buffer.",
		window_is_hidden_at_once, ROLE_DESTROYED_FIRST },
	{ "protocol/release:other-toplevel", CASE_REQUIRED,
		"An xdg_surface gets another xdg_toplevel right after a commit of a large buffer.",
		window_gets_another_toplevel, REPLACED_AT_ONCE },
	{ "protocol/release:later-toplevel", CASE_REQUIRED,
		"An xdg_surface loses its xdg_toplevel right after such a commit, and gets another "
		"later.", window_gets_another_toplevel, REPLACED_LATER },
	{ "protocol/release:surface-gone", CASE_REQUIRED,
		"The buffer of a destroyed surface is released.", release_comes_after_the_surface,
		CLIENT_MEMORY_SEALED },
	{ "protocol/release:pool-gone", CASE_REQUIRED,
		"A buffer is released as usual after its pool was destroyed.",
		release_comes_without_the_pool, CLIENT_MEMORY_SEALED },
	{ "protocol/release:not-committed", CASE_REQUIRED,
		"A buffer that was replaced before it was committed is not released.", release_is_of_what_was_committed,
		CLIENT_MEMORY_SEALED },

	{ "protocol/commit:twice-sealed", CASE_REQUIRED,
		"A buffer may be committed any number of times.",
		same_buffer_twice, CLIENT_MEMORY_SEALED },
	{ "protocol/commit:twice-unsealed", CASE_REQUIRED,
		"A buffer may be committed any number of times.",
		same_buffer_twice, CLIENT_MEMORY_UNSEALED },
	{ "protocol/commit:two-surfaces", CASE_REQUIRED,
		"A buffer may be on several surfaces; when it is released is undefined.", buffer_in_two_surfaces,
		CLIENT_MEMORY_SEALED },
	{ "protocol/commit:null", CASE_REQUIRED,
		"A surface that has shown nothing commits no buffer.",
		null_without_a_buffer },
	{ 0 },
};
