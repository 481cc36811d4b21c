/* SPDX-License-Identifier: MIT */
#ifndef GATE_RECEIVER_H
#define GATE_RECEIVER_H

/**
 * A compositor in the test's own process that receives files, and does nothing with
 * them: what it was sent, the test looks at.
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
	/* The test's only client; to be used while it is there. */
	struct wl_client *client;
	/* What came in files, since the test emptied this; the test closes them. */
	int fds[RECEIVER_FDS_MAX];
	size_t fds_len;
	/* Closes each at once, as compositors do with keymaps. */
	bool closes;
	/* Sends an event before that. */
	bool sends;
	/* What Sealpool has logged last. */
	char message[512];
};

/** With a wl_shm of Sealpool's own, or a guard. Returns false when a resource is
 * lacking. */
bool receiver_init(struct receiver *receiver, bool guard,
	const struct sealpool_options *options);
void receiver_finish(struct receiver *receiver);

/** Connects a client. Returns its end of the socket, or -1. */
int receiver_connect(struct receiver *receiver);

/** Handles what was sent so far. */
void receiver_dispatch(struct receiver *receiver);

/** Bytes of copies that are charged to the client. */
uint64_t receiver_get_charged(struct receiver *receiver);

#endif
