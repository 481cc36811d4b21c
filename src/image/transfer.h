/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_TRANSFER_H
#define SEALPOOL_IMAGE_TRANSFER_H

#include <pixman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"
#include "memory/bounce.h"
#include "memory/chunks.h"
#include "memory/untrusted.h"

struct sp_transferred {
	/* Bytes that were moved. */
	uint64_t bytes;
	/* Bytes asked for that could not be had. */
	uint64_t missing;
	/* Why, if not because the file ends before them: an errno. */
	int error;
};

/** The client's file. */
struct sp_transfer_source {
	int fd;
	/* Where its first byte is mapped, as far as the layout goes, or NULL:
	 * the kernel may be asked to read there, but we do not. */
	const uint8_t SP_UNTRUSTED *base;
	/* Holes are not looked for: it is not shared memory. */
	bool counts_as_full;
	/* Nothing is waited for: neither a disk nor a lock nor a server. Bytes that
	 * the kernel does not have at hand are missing, and not made zero. */
	bool at_once;
	/* For what is read there. */
	struct sp_bounce *bounce;
};

/** The copy that is written to. */
struct sp_transfer_target {
	/* Where the pool's byte at the offset "start" is. */
	uint8_t *data;
	uint64_t start;
	/* Which chunks of the pool may be other than zero there. */
	struct sp_chunks *written;
};

/**
 * Copies the region, in pixels of the buffer, out of a client's file to a
 * copy. Bytes that the file does not have become zero;
 * large holes count neither as copied nor as missing. Any thread.
 */
struct sp_transferred sp_transfer_in(const struct sp_transfer_source *source,
	const struct sp_layout *layout, const pixman_region32_t *region,
	const struct sp_transfer_target *target);

/** Writes pixels that were read elsewhere. */
void sp_transfer_row(const struct sp_transfer_target *target, uint64_t offset,
	const uint8_t *from, size_t length);

/** Whether such a mapping would save much time. */
bool sp_transfer_wants_mapping(const struct sp_layout *layout,
	const pixman_region32_t *region);

/**
 * Copies the region, in pixels of the buffer, out of a shadow's file and to the
 * same offsets of a writable mapping of the client's file, of which
 * "client_size" bytes are there. Never makes the client's file longer. Any
 * thread.
 */
struct sp_transferred sp_transfer_out(int shadow_fd, const struct sp_layout *layout,
	const pixman_region32_t *region, uint8_t SP_UNTRUSTED *client_base,
	uint64_t client_size);

#endif
