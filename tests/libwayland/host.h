/* SPDX-License-Identifier: MIT */
#ifndef LIBWAYLAND_HOST_H
#define LIBWAYLAND_HOST_H

/**
 * A compositor on libwayland's functions for wl_shm, which are Sealpool's here.
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
	/* What was committed and captured last. */
	struct wl_shm_buffer *shown, *captured;
};

/** "fds" is how many clients may hold; 0 for the default. */
struct host *host_create(uint32_t fds);

/* For cmocka: */

int setup(void **state);
int setup_with_three_fds(void **state);
int teardown(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/** Fails unless the buffer shows this frame. */
void expect(struct wl_shm_buffer *buffer, uint32_t frame);
/** The same in an access, as a compositor does for each frame. */
void expect_read(struct wl_shm_buffer *buffer, uint32_t frame);
/** The same with an image that has the address. */
void expect_read_at(struct wl_shm_buffer *buffer, void *data, uint32_t frame);

/** As a capture does. */
void write_frame(struct wl_shm_buffer *buffer, uint32_t frame);

struct sealpool_stats get_stats(struct host *host, struct peer *peer);

#endif
