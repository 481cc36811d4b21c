/* SPDX-License-Identifier: MIT */
#ifndef INTEGRATION_THREADS_H
#define INTEGRATION_THREADS_H

/**
 * Clients for a compositor with several threads.
 */

#include <stdatomic.h>

#include "peer.h"

/** Of the honest clients' buffers. */
#define WIDTH 256
#define BANDS 8
#define BAND_HEIGHT 24
#define BAND_PIXELS (BAND_HEIGHT * WIDTH)
#define HEIGHT (BANDS * BAND_HEIGHT)

/** Of the other's. */
#define SIDE 128
#define SIDE_BYTES (SIDE * SIDE * 4)

/** What the processes have in common. */
struct shared {
	atomic_bool stop;
	/* How often the compositor has ended the hostile client's connection,
	 * and how often it was heard why. */
	atomic_uint ended, told;
};

extern struct shared *shared;
/** Where the compositor listens, for those that come back. */
extern char socket_path[80];
extern uint32_t random_seed;

struct random {
	uint32_t state;
};

struct random random_create(uint32_t which);
/** From 0 to end - 1. */
uint32_t random_below(struct random *random, uint32_t end);

/**
 * Each frame draws and damages one band of rows, the next one each time. So the pixels of
 * frame 10, with 8 bands, are those of
 *
 *     band      0  1  2  3  4  5  6  7
 *     frame     8  9 10  3  4  5  6  7
 *
 * Frame 0 draws all bands.
 */
uint32_t get_band_frame(uint32_t frame, uint32_t band);
/** Pixel number "index" as the frame has drawn it. */
uint32_t get_pixel(uint32_t frame, uint32_t index);

/** An honest client: shows frames in memory of .kind, until it is told to stop. */
bool show_frames(struct actor *actor, const struct args *args);

/** A hostile one, which comes back when it is disconnected. */
bool attack(struct actor *actor, const struct args *args);

#endif
