/* SPDX-License-Identifier: MIT */
#ifndef GATE_RECEIVER_H
#define GATE_RECEIVER_H

/**
 * A compositor in the test's own process that receives files and keeps them for the test.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealpool/shm.h>

struct wl_client;
struct wl_display;

#define RECEIVER_FDS_MAX 64

struct receiver {
	struct wl_display *display;
	struct sealpool_shm *shm;
	/* The test's only client; valid while it is connected. */
	struct wl_client *client;
	/* The received files since the test cleared this. The test closes them. */
	int fds[RECEIVER_FDS_MAX];
	size_t fds_len;
	/* Closes each file at once, as compositors do with keymaps. */
	bool closes;
	/* Sends an event before that. */
	bool sends;
	/* Sealpool's last log message. */
	char message[512];
};

/** Creates a wl_shm of Sealpool's, or a guard. Returns false if a resource is missing. */
bool receiver_init(struct receiver *receiver, bool guard,
	const struct sealpool_options *options);
void receiver_finish(struct receiver *receiver);

/** Connects a client. Returns its end of the socket, or -1. */
int receiver_connect(struct receiver *receiver);

/** Handles all that was sent so far. */
void receiver_dispatch(struct receiver *receiver);

/** Returns the bytes of copies that are charged to the client. */
uint64_t receiver_get_charged(struct receiver *receiver);

#endif
