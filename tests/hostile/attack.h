/* SPDX-License-Identifier: MIT */
#ifndef HOSTILE_ATTACK_H
#define HOSTILE_ATTACK_H

#include <stdbool.h>

struct client;
struct client_fate;

enum attack_kind {
	/** A file without seals, cut to nothing while it is on the screen. */
	ATTACK_TRUNCATE,
	/** A file shorter than its pool, and a buffer beyond its end. */
	ATTACK_SHORT,
	/** A file sealed and large enough when the pool was made, and a pool
	 * that was then resized past its end. */
	ATTACK_SEALED_RESIZE,
};

/** The number of values in enum attack_kind. */
#define ATTACK_KINDS 3

/** "truncate", "short", "sealed-resize". */
const char *attack_name(enum attack_kind kind);

/**
 * Shows a window that is in order, attacks the compositor with it, and says what
 * has become of the client: it waits for "ms" milliseconds before it believes
 * that it stays alive, and shows the bad buffer again with each frame.
 *
 * Returns false, with the client's error set, when the attack could not be
 * carried out. Whatever the fate, it was carried out.
 */
bool attack(struct client *client, enum attack_kind kind, int ms,
	struct client_fate *fate);

#endif
