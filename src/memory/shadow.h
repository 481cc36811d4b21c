/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_SHADOW_H
#define SEALPOOL_MEMORY_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "chunks.h"

struct sp_account;
struct sp_mapping;

/** A compositor-owned replacement of a pool's file. */
struct sp_shadow {
	struct sp_account *account;
	int fd;
	uint64_t size;
	/* The guarded wl_shm has mapped it: see SP_RESOURCE_PINNED_BYTES. */
	bool pinned;
	/* What is charged to the account, in bytes. */
	uint64_t charged;
	/* The newest mapping; users of older ones keep these alive. */
	struct sp_mapping *mapping;
	/* The chunks that may have bytes other than zero. */
	struct sp_chunks written;
};

/**
 * Creates a shadow for a pool of "size" bytes, all zero, without memory. Charges one fd
 * to the account. Returns 0 or a negative errno: -EDQUOT over a limit.
 *
 * No two functions may be called for one shadow at the same time.
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
 * Allocates memory for a range, so that touching it cannot fail, and charges the account
 * for it; for pages that have memory, only while it runs. Returns 0 or a negative errno:
 * -EDQUOT over a limit.
 */
int sp_shadow_reserve(struct sp_shadow *shadow, uint64_t start, uint64_t end);

/* sp_shadow_reserve() in two parts, for a caller that must not hold its lock while the
 * account is charged. */

/** Charges the account, and does not use the shadow. Any thread. Returns 0 or
 * -EDQUOT. */
int sp_shadow_prepay(struct sp_shadow *shadow, uint64_t bytes);
/** Allocates memory for a range, for which "paid" bytes were prepaid. Discharges what is
 * not needed of them. Returns 0 or a negative errno; then all of it is discharged. */
int sp_shadow_fill(struct sp_shadow *shadow, uint64_t start, uint64_t end,
	uint64_t paid);
/** Reduces the charge to what is allocated. Returns how many more bytes are allocated than
 * charged. */
uint64_t sp_shadow_settle(struct sp_shadow *shadow);

/** Frees the memory of a range, including partial pages at both ends. */
void sp_shadow_release(struct sp_shadow *shadow, uint64_t start, uint64_t end);

#endif
