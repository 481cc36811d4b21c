/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_PINNED_H
#define SEALPOOL_MEMORY_PINNED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lock.h"
#include "shadow.h"
#include "uses.h"

/** A shadow that the guarded wl_shm has mapped, and the uses of its pages. */
struct sp_pinned {
	struct sp_shadow shadow;
	struct sp_lock *lock; /* the backing's, over all below */
	/* Set when the guarded wl_shm has read pages that were freed. */
	atomic_bool *reads_late;
	/* Uses of its pages: copies, and destroyed copies that the guarded wl_shm may
	 * still read. */
	struct sp_uses uses;
	/* Some of its pages were freed. */
	bool gave_back;
	/* All that was ever allocated, in bytes. */
	uint64_t allocated;
};

/** Creates the shadow. Returns 0 or a negative errno. */
int sp_pinned_init(struct sp_pinned *pinned, struct sp_account *account,
	struct sp_lock *lock, atomic_bool *reads_late, uint64_t size);

/**
 * Adds a user of a range of the pinned shadow, in bytes, and allocates memory for it.
 * Returns 0 or a negative errno: -EDQUOT over a limit. On failure, nothing has changed.
 * The caller holds no lock: copies may be reclaimed, also those of this backing.
 */
int sp_pinned_use(struct sp_pinned *pinned, uint64_t start, uint64_t end);

/** Removes a user of a range that the compositor should not read any more. Pages without
 * a user are freed, unless the compositor was found to read such pages. */
void sp_pinned_give_back(struct sp_pinned *pinned, uint64_t start,
	uint64_t end);

/** Destroys the shadow. Checks a last time whether freed pages were read. */
void sp_pinned_finish(struct sp_pinned *pinned);

#endif
