/* SPDX-License-Identifier: MIT */
#ifndef TESTS_GPU_GPU_H
#define TESTS_GPU_GPU_H

/**
 * The compositor of tests/textures, with the import of buffers enabled. What it imports,
 * and what its driver is made to do.
 *
 * These tests need /dev/udmabuf, and a driver that imports without a GPU: scripts/gpu runs
 * them in a guest.
 */

#include "host.h"

/* Whole pages, and rows that do not fill their stride. */
#define WIDTH 200
#define HEIGHT 148
#define STRIDE 1024
#define BYTES (STRIDE * HEIGHT)

/** How EGL behaves, as wlroots and Sealpool see it. */
struct egl_behavior {
	/* It imports nothing. */
	bool refuses_images;
	/* Each texture of an image is an error of GL. */
	bool has_errors;
	/* No fence is done. */
	bool is_busy;
	/* A fence is done when it is asked for the second time. */
	bool is_late;
};

extern struct egl_behavior egl_behavior;

/** What was logged last about imports: whether they work. */
bool gpu_works(void);
/** Forgets that. */
void gpu_forget(void);
/** Has what is logged go to gpu_works(). */
void gpu_watch_log(void);

/** For cmocka: a host that imports, with a device that works and is not idle. */
int gpu_setup(void **state);
/** The same; dma-bufs are given back after 100 ms, or after 4 s. */
int gpu_setup_idle(void **state);
int gpu_setup_slow_idle(void **state);
int gpu_teardown(void **state);

/** Waits until the probe has ended, which a client's first commit starts. Returns whether
 * it works. */
bool gpu_wait_for_probe(struct host *host);

/** Creates a client that has shown frame 1 in buffer 0, and frame 2 in buffer 1. Both were
 * uploaded. Waits until the probe has ended. */
struct peer *gpu_create_peer(struct host *host);
/** The same; "picture" is what its buffers are like. */
struct peer *gpu_create_peer_with(struct host *host, struct args picture);

/** Shows a frame in a buffer, and fails unless the surface shows it. */
void gpu_show(struct host *host, struct peer *peer, int buffer,
	uint32_t frame);

/** Whether what the client's first surface shows was imported. */
bool gpu_is_imported(struct host *host, const struct peer *peer);

/** Fails unless what a compositor draws of the client's first surface, or of a texture, is
 * pattern "frame". */
void gpu_expect_drawn(struct host *host, const struct peer *peer,
	uint32_t frame);
void gpu_expect_texture(struct wlr_texture *texture, uint32_t frame);

/** Counts each wl_buffer.release that a client is sent from now on. Once for each test. */
void gpu_watch_releases(struct host *host, const struct peer *peer);
unsigned gpu_count_releases(void);

/** How many dma-bufs there are of clients. */
unsigned gpu_count_dmabufs(void);
/** Dispatches until there are as many. */
void gpu_wait_for_dmabufs(struct host *host, unsigned number);

#endif
