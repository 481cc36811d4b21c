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
	/* Bytes that could not be moved. */
	uint64_t missing;
	/* The reason, an errno; 0 if the file ends before them. */
	int error;
};

/** The client's file. */
struct sp_transfer_source {
	int fd;
	/* A mapping of it, which covers the layout, or NULL: only system calls read
	 * it. */
	const uint8_t SP_UNTRUSTED *base;
	/* Of a file with more memory, "base" is not read: a page fault waits while the client
	 * punches a hole over that page, until all of the hole is freed. */
	uint64_t memory_max;
	/* It is not shared memory, and is not searched for holes. */
	bool counts_as_full;
	/* Never wait for a disk, a lock or a server. Bytes that are not in the page cache
	 * are missing, and are not set to zero. */
	bool at_once;
	/* For reading from "base". */
	struct sp_bounce *bounce;
};

/** The copy that is written to. */
struct sp_transfer_target {
	/* The place of the pool's byte at the offset "start". */
	uint8_t *data;
	uint64_t start;
	/* The chunks of the pool that may have bytes other than zero there. */
	struct sp_chunks *written;
	/* A reader thread copies, while the event loop may map something. */
	bool aside;
};

/**
 * Copies the region, in pixels of the buffer, from a client's file to a copy. Bytes that
 * the file does not have become zero; large holes count neither as copied nor as missing.
 * Any thread.
 */
struct sp_transferred sp_transfer_in(const struct sp_transfer_source *source,
	const struct sp_layout *layout, const pixman_region32_t *region,
	const struct sp_transfer_target *target);

/** Copies a row of pixels from "from". */
void sp_transfer_row(const struct sp_transfer_target *target, uint64_t offset,
	const uint8_t *from, size_t length);

/** Returns whether a mapping ("base") would save much time. */
bool sp_transfer_wants_mapping(const struct sp_layout *layout,
	const pixman_region32_t *region);

/**
 * Copies the region, in pixels of the buffer, from a shadow's file to the same offsets of
 * a writable mapping of the client's file, which has "client_size" bytes. Never makes the
 * client's file longer. Any thread.
 */
struct sp_transferred sp_transfer_out(int shadow_fd, const struct sp_layout *layout,
	const pixman_region32_t *region, uint8_t SP_UNTRUSTED *client_base,
	uint64_t client_size);

#endif
