/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_BOUNCE_H
#define SEALPOOL_MEMORY_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lock.h"
#include "untrusted.h"

/* The most bytes of one call. */
#define SP_BOUNCE_SIZE ((size_t)64 * 1024)
#define SP_BOUNCE_PIECES_MAX 128

struct sp_bounce_file;

struct sp_bounce_piece {
	/* In the mapping. */
	uint64_t offset;
	uint8_t *to;
	size_t length;
};

/** Files that bytes pass through on their way from a mapping that can fault. */
struct sp_bounce {
	/* Never held while a client's page may be waited for. */
	struct sp_lock lock; /* over all below */
	/* Files that no thread uses. */
	struct sp_bounce_file *unused;
};

/** Returns 0 or a negative errno. Allocates neither memory nor fds until it is used. */
int sp_bounce_init(struct sp_bounce *bounce);
void sp_bounce_finish(struct sp_bounce *bounce);

/**
 * Copies "len" pieces, at most SP_BOUNCE_PIECES_MAX and SP_BOUNCE_SIZE bytes in all,
 * out of a mapping that begins at "base". Returns false if a piece could not be read, for
 * example past the end of the mapped file, or if no bounce file could be created. Nothing
 * is copied then. Any thread.
 */
bool sp_bounce_copy(struct sp_bounce *bounce, const uint8_t SP_UNTRUSTED *base,
	const struct sp_bounce_piece *pieces, size_t len);

#endif
