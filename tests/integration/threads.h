/* SPDX-License-Identifier: MIT */
#ifndef INTEGRATION_THREADS_H
#define INTEGRATION_THREADS_H

/**
 * Clients for a compositor with several threads.
 */

#include <stdatomic.h>

#include "peer.h"

/** The size of the honest clients' buffers. */
#define WIDTH 256
#define BANDS 8
#define BAND_HEIGHT 24
#define BAND_PIXELS (BAND_HEIGHT * WIDTH)
#define HEIGHT (BANDS * BAND_HEIGHT)

/** The size of the hostile client's buffers. */
#define SIDE 128
#define SIDE_BYTES (SIDE * SIDE * 4)

/** Shared by all processes. */
struct shared {
	atomic_bool stop;
	/* How often the hostile client was disconnected, and how often it received the
	 * error. */
	atomic_uint ended, told;
};

extern struct shared *shared;
/** The compositor's socket, for clients that reconnect. */
extern char socket_path[80];
extern uint32_t random_seed;

struct random {
	uint32_t state;
};

struct random random_create(uint32_t which);
/** Returns a number from 0 to end - 1. */
uint32_t random_below(struct random *random, uint32_t end);

/**
 * Each frame draws and damages the next band of rows. So with 8 bands, the bands of frame
 * 10 were drawn by these frames:
 *
 *     band      0  1  2  3  4  5  6  7
 *     frame     8  9 10  3  4  5  6  7
 *
 * Frame 0 draws all bands.
 */
uint32_t get_band_frame(uint32_t frame, uint32_t band);
/** Returns pixel number "index" after this frame. */
uint32_t get_pixel(uint32_t frame, uint32_t index);

/** An honest client: shows frames in memory of .kind until it is told to stop. */
bool show_frames(struct actor *actor, const struct args *args);

/** A hostile client, which reconnects when it is disconnected. */
bool attack(struct actor *actor, const struct args *args);

#endif
