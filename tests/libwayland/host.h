/* SPDX-License-Identifier: MIT */
#ifndef LIBWAYLAND_HOST_H
#define LIBWAYLAND_HOST_H

/**
 * A compositor that uses libwayland's functions for wl_shm, which are replaced by
 * Sealpool's.
 */

#include "peer.h"
#include "server.h"

#define WIDTH 64
#define HEIGHT 64
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

struct host {
	struct server server;
	struct sealpool_shm *shm;
	/* The last committed and the last captured buffer. */
	struct wl_shm_buffer *shown, *captured;
};

/** "fds" is the limit of a client, or 0 for the default. */
struct host *host_create(uint32_t fds);

/* For cmocka: */

int setup(void **state);
int setup_with_three_fds(void **state);
int teardown(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/** Creates a client that shows frame 1. */
struct peer *create_shown(struct host *host, enum client_memory_kind kind);

/** Fails unless the buffer shows this frame. */
void expect(struct wl_shm_buffer *buffer, uint32_t frame);
/** The same during an access, as a compositor does for each frame. */
void expect_read(struct wl_shm_buffer *buffer, uint32_t frame);
/** The same with an address that was kept. */
void expect_read_at(struct wl_shm_buffer *buffer, void *data, uint32_t frame);

/** Draws a frame during an access, as a capture does. */
void write_frame(struct wl_shm_buffer *buffer, uint32_t frame);

struct sealpool_stats get_stats(struct host *host, struct peer *peer);

#endif
