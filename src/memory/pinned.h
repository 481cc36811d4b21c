/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_PINNED_H
#define SEALPOOL_MEMORY_PINNED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lock.h"
#include "shadow.h"
#include "uses.h"

/** A shadow that another wl_shm has mapped, and who uses its pages. */
struct sp_pinned {
	struct sp_shadow shadow;
	struct sp_lock *lock; /* the backing's, over all below */
	/* Set when the other wl_shm has read pages that were given back. */
	atomic_bool *reads_late;
	/* Of its pages: the copies there, and those that have gone while the other
	 * wl_shm may still have looked at them. */
	struct sp_uses uses;
	/* Some of its pages were given back. */
	bool gave_back;
};

/** Makes the shadow. Returns 0 or a negative errno. */
int sp_pinned_init(struct sp_pinned *pinned, struct sp_account *account,
	struct sp_lock *lock, atomic_bool *reads_late, uint64_t size);

/**
 * Adds a user of a range of the pinned shadow, in bytes, and gives memory to it.
 * Returns 0 or a negative errno: -EDQUOT over a limit. Nothing has changed then. The
 * caller holds no lock: copies may be reclaimed for it, also those of this backing.
 */
int sp_pinned_use(struct sp_pinned *pinned, uint64_t start, uint64_t end);

/** Takes that user away, which nobody else may look at any more. Pages without any
 * are given back, unless the compositor was found to read such pages. */
void sp_pinned_give_back(struct sp_pinned *pinned, uint64_t start,
	uint64_t end);

/** The pool goes: looks for the last time whether its pages were read after they
 * had been given back. */
void sp_pinned_finish(struct sp_pinned *pinned);

#endif
