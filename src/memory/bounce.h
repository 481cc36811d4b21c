/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_BOUNCE_H
#define SEALPOOL_MEMORY_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lock.h"
#include "untrusted.h"

/* How much it takes at once, in bytes. */
#define SP_BOUNCE_SIZE ((size_t)64 * 1024)
#define SP_BOUNCE_PIECES_MAX 128

struct sp_bounce_file;

struct sp_bounce_piece {
	/* Where it is in the mapping. */
	uint64_t offset;
	uint8_t *to;
	size_t length;
};

/** Where bytes pass through on their way from a mapping that can fault. */
struct sp_bounce {
	/* Held by nobody who waits for a client's page. */
	struct sp_lock lock; /* over all below */
	/* Those that no thread uses. */
	struct sp_bounce_file *unused;
};

/** Returns 0 or a negative errno. Nothing is taken of memory or fds until it is
 * used. */
int sp_bounce_init(struct sp_bounce *bounce);
void sp_bounce_finish(struct sp_bounce *bounce);

/**
 * Copies "len" pieces, SP_BOUNCE_PIECES_MAX and SP_BOUNCE_SIZE bytes in all at most,
 * out of a mapping that begins at "base". To read them may be impossible, for the end
 * of the file that is mapped there: returns false when one could not be had, or
 * when there is no room for the way. Nothing is written then. Any thread.
 */
bool sp_bounce_copy(struct sp_bounce *bounce, const uint8_t SP_UNTRUSTED *base,
	const struct sp_bounce_piece *pieces, size_t len);

#endif
