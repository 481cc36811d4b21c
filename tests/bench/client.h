/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-client.h>

#include "bench-client-protocol.h"

/**
 * A connection of the only client process. A failure ends the program, since the
 * measurement would be of no use.
 */
struct connection {
	struct wl_display *display;
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	struct bench *bench;
	struct wl_seat *seat;
	struct zwp_virtual_keyboard_manager_v1 *keyboard_manager;
};

struct memory {
	int fd;
	uint64_t size;
	/* NULL if it is not mapped. */
	uint8_t *data;
};

struct window {
	struct connection *connection;
	struct wl_surface *surface;
	bool painted;
};

void connection_open(struct connection *connection, int fd);
/** The same, but returns false if the server has ended. */
bool connection_try(struct connection *connection, int fd);
void connection_close(struct connection *connection);
void roundtrip(struct connection *connection);

/** Creates a memfd. "sealed" is F_SEAL_SHRINK; "fill" fills all of it. */
void memory_create(struct memory *memory, bool sealed, uint64_t size,
	bool fill);
/** Fills a part with write(), which costs less than a mapping. */
void memory_fill(struct memory *memory, uint64_t offset, uint64_t size);
void memory_grow(struct memory *memory, uint64_t size);
void memory_map(struct memory *memory);
void memory_destroy(struct memory *memory);

struct wl_buffer *create_buffer(struct wl_shm_pool *pool, int32_t offset,
	int32_t width, int32_t height);

void window_create(struct window *window, struct connection *connection);
/** Attaches, damages and commits. */
void window_commit(struct window *window, struct wl_buffer *buffer, int32_t x,
	int32_t y, int32_t width, int32_t height);
/** The same, and waits until the frame was painted. */
void window_present(struct window *window, struct wl_buffer *buffer, int32_t x,
	int32_t y, int32_t width, int32_t height);

#endif
