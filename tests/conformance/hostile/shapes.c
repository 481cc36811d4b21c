/* SPDX-License-Identifier: MIT */
/*
 * Damage, coordinates and sizes that no honest client uses.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "attacker.h"
#include "viewporter-client-protocol.h"
#include "xdg-shell-client-protocol.h"

#define TALL_WIDTH 256
#define TALL_HEIGHT (96 * 1024)
#define STRIPES 60

/* The most expensive shape for a compositor that copies damage row by row. */
static void stripes(struct test *test) {
	static struct client_subsurface subsurface;
	/* One for each surface, so that each commit shows a new buffer. */
	static struct client_buffer small, other;
	struct attacker *a = attacker_begin(test);
	int32_t size = TALL_WIDTH * 4 * TALL_HEIGHT;
	attacker_create_memory(a, (enum client_memory_kind)test->argument,
		(size_t)size);
	attacker_create_pool(a, size);
	must(test, client_buffer_create(&a->pool, &small, 0, PAGE_SIDE,
		PAGE_SIDE, PAGE_SIDE * 4));
	must(test, client_buffer_create(&a->pool, &a->buffer, 0, TALL_WIDTH,
		TALL_HEIGHT, TALL_WIDTH * 4));
	must(test, client_buffer_create(&a->pool, &other, 0, TALL_WIDTH,
		TALL_HEIGHT, TALL_WIDTH * 4));
	/* A subsurface, since a shell may change the size of a toplevel. */
	struct client_surface *surfaces[] = { &a->bare, &subsurface.surface };
	if (a->window.surface.surface != NULL &&
			a->client->subcompositor != NULL) {
		must(test, client_subsurface_create(a->client, &subsurface,
			&a->window.surface, 0, 0));
		client_subsurface_set_desync(&subsurface);
		xdg_surface_set_window_geometry(a->window.xdg_surface, 0, 0,
			PAGE_SIDE, PAGE_SIDE);
		attacker_commit(&subsurface.surface, &other);
	}
	attacker_show_good(a, &small);
	attacker_commit(&a->bare, &a->buffer);
	for (int i = 0; i < 16; i++) {
		struct client_surface *surface = surfaces[i % 2];
		if (surface->surface == NULL) {
			continue;
		}
		client_surface_attach(surface, i % 2 == 0 ? &a->buffer :
			&other);
		for (int32_t x = 0; x < STRIPES; x++) {
			client_surface_damage_buffer(surface, x * 4, 0, 1,
				TALL_HEIGHT);
		}
		client_surface_commit(surface);
	}
	client_roundtrip(a->client);
}

enum coordinates {
	COORDINATES_DAMAGE,
	COORDINATES_DAMAGE_BUFFER,
	COORDINATES_ATTACH,
	COORDINATES_SCALE,
	COORDINATES_SUBSURFACE,
	COORDINATES_VIEWPORT,
};

static const int32_t extremes[] = { INT32_MIN, INT32_MIN / 2, -1, 0, 1,
	SIDE - 1, SIDE, INT32_MAX / 2, INT32_MAX - 1, INT32_MAX };

#define EXTREMES (sizeof(extremes) / sizeof(extremes[0]))

static void apply_extreme(struct attacker *a, struct client_surface *surface,
		enum coordinates which, int32_t x, int32_t y) {
	struct client *client = a->client;
	struct client_subsurface subsurface;
	switch (which) {
	case COORDINATES_DAMAGE:
		for (size_t i = 0; i < EXTREMES; i++) {
			client_surface_damage(surface, x, y, extremes[i],
				extremes[EXTREMES - 1 - i]);
			client_surface_damage(surface, x, y, extremes[i],
				INT32_MAX);
		}
		break;
	case COORDINATES_DAMAGE_BUFFER:
		for (size_t i = 0; i < EXTREMES; i++) {
			client_surface_damage_buffer(surface, x, y,
				extremes[i], extremes[EXTREMES - 1 - i]);
			client_surface_damage_buffer(surface, x, y,
				extremes[i], INT32_MAX);
		}
		break;
	case COORDINATES_ATTACH:
		wl_surface_attach(surface->surface, a->buffer.buffer, x, y);
		break;
	case COORDINATES_SCALE:
		client_surface_set_scale(surface, x > 0 ? x : 1);
		client_surface_damage_buffer(surface, x, y, x, y);
		break;
	case COORDINATES_SUBSURFACE:
		if (client_subsurface_create(client, &subsurface, surface, x,
				y)) {
			attacker_commit(&subsurface.surface, &a->buffer);
			client_surface_commit(surface);
			client_roundtrip(client);
			client_subsurface_destroy(&subsurface);
		}
		break;
	case COORDINATES_VIEWPORT:
		if (surface->viewport != NULL ||
				client_surface_create_viewport(surface)) {
			wp_viewport_set_destination(surface->viewport, x, y);
		}
		break;
	}
}

/* Returns false for values that are a protocol error. */
static bool is_legal(enum coordinates which, int32_t x, int32_t y) {
	return which == COORDINATES_SCALE ? x > 0 :
		which == COORDINATES_VIEWPORT ? x > 0 && y > 0 : true;
}

/* Returns a surface that is on the output, if possible. Requests that change the size or
 * position are made on a subsurface, which has its buffer's size again before the window
 * is destroyed. A window of the largest size, or at the largest distance, is not a matter
 * of wl_shm: Weston's desktop shell dies when such a window is destroyed, and wayfire
 * allocates a buffer of its size to animate that. */
static struct client_surface *create_seen(struct attacker *a,
		enum coordinates which) {
	static struct client_subsurface part;
	if (a->window.surface.surface == NULL) {
		return &a->bare;
	}
	if (which == COORDINATES_DAMAGE || which == COORDINATES_DAMAGE_BUFFER ||
			which == COORDINATES_SUBSURFACE) {
		return &a->window.surface;
	}
	if (a->client->subcompositor == NULL || !client_subsurface_create(
			a->client, &part, &a->window.surface, 0, 0)) {
		return &a->bare;
	}
	client_subsurface_set_desync(&part);
	client_surface_commit(&a->window.surface);
	return &part.surface;
}

/* Each of them on a new connection if the last one was closed. */
static void extreme_coordinates(struct test *test) {
	enum coordinates which = (enum coordinates)test->argument;
	attacker_begin_with_good(test, CLIENT_MEMORY_UNSEALED);
	struct attacker *a = &attacker;
	struct client_surface *seen = create_seen(a, which);
	for (size_t i = 0; i < EXTREMES * EXTREMES; i++) {
		int32_t x = extremes[i % EXTREMES], y = extremes[i / EXTREMES];
		if (!is_legal(which, x, y)) {
			continue;
		}
		struct client_surface *surface = i % 2 == 0 ? &a->bare : seen;
		client_surface_attach(surface, &a->buffer);
		apply_extreme(a, surface, which, x, y);
		client_surface_commit(surface);
		if (!client_roundtrip(a->client)) {
			attacker_come_back(a);
			client_memory_destroy(&a->memory);
			attacker_begin_with_good(test, CLIENT_MEMORY_UNSEALED);
			seen = create_seen(a, which);
		}
	}
	if (which == COORDINATES_VIEWPORT && seen->viewport != NULL) {
		wp_viewport_set_destination(seen->viewport, -1, -1);
		client_surface_commit(seen);
		client_roundtrip(a->client);
	}
}

#define STORM_STEPS 400

/* Mappings move, in use or not, and their files are too short. */
static void resize_storm(struct test *test) {
	struct attacker *a = attacker_begin(test);
	struct client_buffer first;
	attacker_create_memory(a, (enum client_memory_kind)test->argument,
		PAGE_BYTES);
	attacker_create_pool(a, PAGE_BYTES);
	must(test, client_buffer_create(&a->pool, &first, 0, PAGE_SIDE,
		PAGE_SIDE, PAGE_SIDE * 4));
	attacker_show_good(a, &first);
	for (int32_t i = 1; i < STORM_STEPS; i++) {
		int32_t size = PAGE_BYTES * (1 + i * i);
		client_pool_resize(&a->pool, size);
		struct client_surface *surface =
			a->window.surface.surface != NULL && i % 2 == 0 ?
			&a->window.surface : &a->bare;
		attacker_commit(surface, &first);
		/* The file covers every second pool size. */
		if (i % 2 == 0 && ftruncate(a->memory.fd, size) != 0) {
			test_skip(test, "ftruncate: %s", strerror(errno));
		}
		struct client_buffer buffer;
		if (i % 2 == 0 || i > STORM_STEPS * 3 / 4) {
			client_buffer_create(&a->pool, &buffer,
				size - PAGE_BYTES, PAGE_SIDE, PAGE_SIDE,
				PAGE_SIDE * 4);
			attacker_commit(surface, &buffer);
			client_roundtrip(a->client);
			client_buffer_destroy(&buffer);
		}
		if (!attacker_is_alive(a)) {
			break;
		}
	}
	client_roundtrip(a->client);
}

#define extreme_coordinates_case(variant, argument) \
	{ "hostile/extreme-coordinates:" variant, CASE_ROBUSTNESS, \
		"Requests have the largest and smallest coordinates.", \
		extreme_coordinates, argument }

#define resize_storm_case(variant, argument) \
	{ "hostile/resize-storm:" variant, CASE_ROBUSTNESS, \
		"A pool is resized again and again while its buffers are " \
		"shown, with and without a file that is large enough.", \
		resize_storm, argument }

const struct test_case hostile_shape_cases[] = {
	{ "hostile/stripes:unsealed", CASE_ROBUSTNESS,
		"Damage has the most expensive shape: many columns of a tall buffer.",
		stripes, CLIENT_MEMORY_UNSEALED },
	{ "hostile/stripes:sealed", CASE_ROBUSTNESS,
		"Damage has the most expensive shape: many columns of a tall buffer.",
		stripes, CLIENT_MEMORY_SEALED },
	extreme_coordinates_case("damage", COORDINATES_DAMAGE),
	extreme_coordinates_case("damage-buffer", COORDINATES_DAMAGE_BUFFER),
	extreme_coordinates_case("attach", COORDINATES_ATTACH),
	extreme_coordinates_case("scale", COORDINATES_SCALE),
	extreme_coordinates_case("subsurface", COORDINATES_SUBSURFACE),
	extreme_coordinates_case("viewport", COORDINATES_VIEWPORT),
	resize_storm_case("sealed", CLIENT_MEMORY_SEALED),
	resize_storm_case("unsealed", CLIENT_MEMORY_UNSEALED),
	resize_storm_case("file", CLIENT_MEMORY_FILE),
	{ 0 },
};
