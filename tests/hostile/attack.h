/* SPDX-License-Identifier: MIT */
#ifndef HOSTILE_ATTACK_H
#define HOSTILE_ATTACK_H

#include <stdbool.h>

struct client;
struct client_fate;

enum attack_kind {
	/** An unsealed file, truncated to 0 bytes while it is on the screen. */
	ATTACK_TRUNCATE,
	/** A file shorter than its pool, and a buffer beyond its end. */
	ATTACK_SHORT,
	/** A file that was sealed and large enough when the pool was created, and a pool
	 * that is then resized past its end. */
	ATTACK_SEALED_RESIZE,
};

/** The number of values in enum attack_kind. */
#define ATTACK_KINDS 3

/** "truncate", "short", "sealed-resize". */
const char *attack_name(enum attack_kind kind);

/**
 * Shows a valid window, and attacks the compositor with it. Returns what has become of
 * the client: if "ms" milliseconds pass without an error, it counts as alive. In this
 * time, the bad buffer is shown at each frame.
 *
 * Returns false, with the client's error set, if the attack could not be carried out.
 * Whatever the fate, it was carried out.
 */
bool attack(struct client *client, enum attack_kind kind, int ms,
	struct client_fate *fate);

#endif
