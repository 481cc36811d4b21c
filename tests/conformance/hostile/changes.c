/* SPDX-License-Identifier: MIT */
/*
 * A surface's role, or its buffer, changes right after a commit of a buffer that takes long
 * to copy. The compositor may not have applied that commit yet.
 */
#include <wayland-client.h>

#include "attacker.h"
#include "xdg-shell-client-protocol.h"

#define LARGE_WIDTH 2048
#define LARGE_HEIGHT 4096
#define LARGE_STRIDE (LARGE_WIDTH * 4)
#define LARGE_BYTES (LARGE_STRIDE * LARGE_HEIGHT)

enum change {
	CHANGE_GETS_ROLE,
	CHANGE_HIDES_AND_SHOWS,
	CHANGE_GETS_OTHER_TOPLEVEL,
};

static struct client_buffer large, small;

static void create_buffers(struct attacker *a, enum client_memory_kind kind) {
	attacker_create_memory(a, kind, LARGE_BYTES);
	attacker_create_pool(a, LARGE_BYTES);
	must(a->test, client_buffer_create(&a->pool, &large, 0, LARGE_WIDTH,
		LARGE_HEIGHT, LARGE_STRIDE));
	must(a->test, client_buffer_create(&a->pool, &small, 0, PAGE_SIDE,
		PAGE_SIDE, PAGE_SIDE * 4));
	must(a->test, client_roundtrip(a->client));
}

static void hide(struct client_surface *surface) {
	client_surface_attach(surface, NULL);
	client_surface_commit(surface);
}

/* All requests are sent together. */
static void change_at_once(struct test *test) {
	struct attacker *a = attacker_begin(test);
	struct client_window *window = &a->window;
	if (window->surface.surface == NULL) {
		test_skip(test, "there is no xdg_wm_base");
	}
	create_buffers(a, CLIENT_MEMORY_UNSEALED);
	switch ((enum change)test->argument) {
	case CHANGE_GETS_ROLE:
		attacker_commit(&a->bare, &large);
		xdg_wm_base_get_xdg_surface(a->client->wm_base,
			a->bare.surface);
		break;
	case CHANGE_HIDES_AND_SHOWS:
		attacker_commit(&window->surface, &large);
		hide(&window->surface);
		attacker_commit(&window->surface, &small);
		hide(&window->surface);
		break;
	case CHANGE_GETS_OTHER_TOPLEVEL:
		attacker_commit(&window->surface, &large);
		xdg_toplevel_destroy(window->xdg_toplevel);
		window->xdg_toplevel =
			xdg_surface_get_toplevel(window->xdg_surface);
		hide(&window->surface);
		break;
	}
	client_wait_fate(a->client, ATTACK_MS, &(struct client_fate){ 0 });
	probe(test);
}

#define changes_case(variant, text, argument) \
	robustness("hostile/changed-at-once:" variant, change_at_once, \
		"Right after a commit of a large buffer, " text, argument)

const struct test_case hostile_change_cases[] = {
	changes_case("role", "its surface gets a role.", CHANGE_GETS_ROLE),
	changes_case("hidden", "its surface is hidden, shown and hidden.",
		CHANGE_HIDES_AND_SHOWS),
	changes_case("toplevel", "its surface gets another xdg_toplevel.",
		CHANGE_GETS_OTHER_TOPLEVEL),
	{ 0 },
};
