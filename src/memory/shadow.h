/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_SHADOW_H
#define SEALPOOL_MEMORY_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "chunks.h"

struct sp_account;
struct sp_mapping;

/** Bytes of a file. */
struct sp_range {
	uint64_t start, end;
};

/** A compositor-owned stand-in for a pool's file. */
struct sp_shadow {
	struct sp_account *account;
	int fd;
	uint64_t size;
	/* Another wl_shm has it mapped: see SP_RESOURCE_PINNED_BYTES. */
	bool pinned;
	/* What the account was charged for, in bytes. */
	uint64_t charged;
	/* Pages that are known to have memory; there may be others. */
	struct sp_range reserved;
	/* The mapping of now; older ones live on with their users. */
	struct sp_mapping *mapping;
	/* Which chunks may be other than zero. */
	struct sp_chunks written;
};

/**
 * Creates a shadow for a pool of "size" bytes, all zero, with no memory behind
 * it yet. One fd is charged to the account. Returns 0 or a negative errno:
 * -EDQUOT over a limit.
 *
 * No function here is to be called for one shadow on two threads at once.
 */
int sp_shadow_init(struct sp_shadow *shadow, struct sp_account *account,
	uint64_t size);
void sp_shadow_finish(struct sp_shadow *shadow);

/**
 * Makes sure that the shadow is at least "size" bytes long and mapped as far.
 * Returns 0 or a negative errno: -EFBIG beyond RLIMIT_FSIZE.
 */
int sp_shadow_grow(struct sp_shadow *shadow, uint64_t size);

/**
 * Gives memory to a range, so that touching it there cannot fail, and charges
 * the account for it. Returns 0 or a negative errno: -EDQUOT over a limit.
 */
int sp_shadow_reserve(struct sp_shadow *shadow, uint64_t start, uint64_t end);

/* sp_shadow_reserve() in two parts, where the lock over the shadow must not be held
 * while the account is charged. */

/** Charges the account, and leaves the shadow as it is. Any thread. Returns 0 or
 * -EDQUOT. */
int sp_shadow_prepay(struct sp_shadow *shadow, uint64_t bytes);
/** Gives memory to a range, for which "paid" bytes were prepaid. What is not needed
 * of them is taken back; "excess" is set as sp_shadow_settle() returns it. Returns 0
 * or a negative errno, with all of it taken back. */
int sp_shadow_fill(struct sp_shadow *shadow, uint64_t start, uint64_t end,
	uint64_t paid, uint64_t *excess);
/** Brings the charge down to what is allocated. Returns how many bytes more are
 * allocated than charged. */
uint64_t sp_shadow_settle(struct sp_shadow *shadow);

/** Takes the memory of a range back; partial pages at both ends included. */
void sp_shadow_release(struct sp_shadow *shadow, uint64_t start, uint64_t end);

#endif
