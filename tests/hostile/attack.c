/* SPDX-License-Identifier: MIT */
/*
 * Attacks on a compositor that trusts its wl_shm_pools.
 *
 * Each attack starts with a window that the compositor has painted, so that its pool is
 * in use. Each ends in the same way: a buffer with missing bytes is committed, with full
 * damage, frame after frame.
 */
#include <wayland-client.h>

#include "attack.h"
#include "buffer.h"
#include "client.h"
#include "image.h"
#include "memory.h"
#include "surface.h"

/* In sealed-resize, the file has one page. */
#define PAGE_SIDE 32
#define PAGE_BYTES (PAGE_SIDE * PAGE_SIDE * 4)

#define SIDE 192
#define BYTES (SIDE * SIDE * 4)

/* The final size of its pool: 252 rows of 256 pixels, and the page. */
#define RESIZED_BYTES (256 * 1024)
#define RESIZED_WIDTH 256
#define RESIZED_HEIGHT 252

struct attacker {
	struct client *client;
	struct client_memory memory;
	struct client_pool pool;
	struct client_window window;
	/* The first buffer is valid when it is shown first. */
	struct client_buffer buffers[2];
	/* One of these, whose bytes are missing later. */
	struct client_buffer *bad;
	struct wl_callback *frame;
};

static const char *const names[ATTACK_KINDS] = {
	[ATTACK_TRUNCATE] = "truncate",
	[ATTACK_SHORT] = "short",
	[ATTACK_SEALED_RESIZE] = "sealed-resize",
};

const char *attack_name(enum attack_kind kind) {
	return names[kind];
}

static bool show_good_window(struct attacker *attacker,
		enum client_memory_kind kind, int32_t side,
		int32_t pool_size) {
	struct client *client = attacker->client;
	struct client_image image;
	if (!client_memory_create(client, &attacker->memory, kind,
			(size_t)side * (size_t)side * 4) ||
			!client_pool_create(client, &attacker->pool,
				&attacker->memory, pool_size) ||
			!client_buffer_create(&attacker->pool, &attacker->buffers[0],
				0, side, side, side * 4) ||
			!client_buffer_get_image(client, &attacker->buffers[0],
				&image)) {
		return false;
	}
	client_image_draw(&image, 0);
	return client_window_create(client, &attacker->window, "hostile") &&
		client_surface_show(&attacker->window.surface,
			&attacker->buffers[0]);
}

static bool prepare_truncate(struct attacker *attacker) {
	attacker->bad = &attacker->buffers[0];
	return show_good_window(attacker, CLIENT_MEMORY_UNSEALED, SIDE,
			BYTES) &&
		client_memory_cut(attacker->client, &attacker->memory, 0);
}

static bool prepare_short(struct attacker *attacker) {
	attacker->bad = &attacker->buffers[1];
	return show_good_window(attacker, CLIENT_MEMORY_UNSEALED, SIDE,
			2 * BYTES) &&
		client_buffer_create(&attacker->pool, attacker->bad, BYTES,
			SIDE, SIDE, SIDE * 4);
}

static bool prepare_sealed_resize(struct attacker *attacker) {
	attacker->bad = &attacker->buffers[1];
	if (!show_good_window(attacker, CLIENT_MEMORY_SEALED, PAGE_SIDE,
			PAGE_BYTES)) {
		return false;
	}
	client_pool_resize(&attacker->pool, RESIZED_BYTES);
	return client_buffer_create(&attacker->pool, attacker->bad, PAGE_BYTES,
		RESIZED_WIDTH, RESIZED_HEIGHT, RESIZED_WIDTH * 4);
}

static void show_bad_buffer(struct attacker *attacker);

static void handle_frame(void *data, struct wl_callback *callback,
		uint32_t time) {
	show_bad_buffer(data);
}

static const struct wl_callback_listener frame_listener = {
	.done = handle_frame,
};

static void show_bad_buffer(struct attacker *attacker) {
	struct client_surface *surface = &attacker->window.surface;
	if (attacker->frame != NULL) {
		wl_callback_destroy(attacker->frame);
	}
	attacker->frame = wl_surface_frame(surface->surface);
	if (attacker->frame != NULL) {
		wl_callback_add_listener(attacker->frame, &frame_listener,
			attacker);
	}
	client_surface_attach(surface, attacker->bad);
	client_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
	client_surface_commit(surface);
}

static bool prepare(struct attacker *attacker, enum attack_kind kind) {
	switch (kind) {
	case ATTACK_TRUNCATE:
		return prepare_truncate(attacker);
	case ATTACK_SHORT:
		return prepare_short(attacker);
	case ATTACK_SEALED_RESIZE:
		return prepare_sealed_resize(attacker);
	}
	return client_fail(attacker->client, "no such attack");
}

bool attack(struct client *client, enum attack_kind kind, int ms,
		struct client_fate *fate) {
	struct attacker attacker = { .client = client, .memory.fd = -1 };
	bool ok = prepare(&attacker, kind);
	if (ok) {
		show_bad_buffer(&attacker);
		client_wait_fate(client, ms, fate);
	}
	if (attacker.frame != NULL) {
		wl_callback_destroy(attacker.frame);
	}
	client_window_destroy(&attacker.window);
	client_buffer_destroy(&attacker.buffers[0]);
	client_buffer_destroy(&attacker.buffers[1]);
	client_pool_destroy(&attacker.pool);
	client_memory_destroy(&attacker.memory);
	return ok;
}
