/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_COPY_H
#define SEALPOOL_IMAGE_COPY_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "memory/backing.h"
#include "memory/cache.h"
#include "memory/chunks.h"
#include "memory/lock.h"
#include "memory/shadow.h"
#include "memory/store.h"
#include "view.h"

struct sp_slow;

enum sp_copy_place {
	SP_COPY_IN_STORE, /* for reading */
	SP_COPY_IN_SHADOW, /* for writing */
	SP_COPY_IN_PINNED_SHADOW,
};

struct sp_copy {
	struct sp_list link; /* sp_copies.list */
	struct sp_cached cached;
	struct sp_copies *copies;
	enum sp_copy_place place;
	/* In a pinned shadow: the guarded wl_shm does not read it, so it is in the
	 * cache. */
	bool on_offer;
	union {
		struct sp_store store;
		struct sp_shadow shadow;
		/* The pinned shadow's. */
		struct sp_mapping *mapping;
	};
	/* The chunks of a store that may have bytes other than zero. */
	struct sp_chunks written;
	/* What the client may have changed since it was copied. */
	pixman_region32_t stale;
	/* What was copied in copied_epoch, or a part of it. */
	pixman_region32_t copied;
	uint64_t copied_epoch; /* 0 for none */
	unsigned users;
	bool filling;
	/* During a write access: the client's file. */
	struct sp_mapping *write_back;
};

struct sp_copies {
	struct sp_view *view;
	struct sp_lock lock; /* over all below */
	pthread_cond_t filled;
	struct sp_list list; /* sp_copy.link */
	/* A copy is being created, without the lock. */
	bool creating;
	/* For a slow file: */
	/* How often something has become stale, and the generation that was last copied,
	 * or could not be. */
	uint64_t generation, seen;
	/* The pending read of a reader thread, or NULL; its generation, and what has
	 * become stale since. */
	struct sp_slow *asked;
	uint64_t asked_generation;
	pixman_region32_t stale_since;
};

static inline struct sp_cache *sp_copies_get_cache(
		const struct sp_copies *copies) {
	return &copies->view->backing->memory->cache;
}

/** Creates a copy. All of it is stale, and it is in no list. Returns 0 or a negative errno.
 * The caller holds no lock: other copies may be reclaimed. */
int sp_copy_create(struct sp_copies *copies, bool for_writing,
	struct sp_copy **copy);
/** Destroys a copy that is in no list and not in the cache. */
void sp_copy_destroy(struct sp_copy *copy);
/** Makes the copy's memory the client's spare. Call it before sp_copy_destroy(). */
void sp_copy_leave_spare(struct sp_copy *copy);

/** Returns the buffer's first byte. */
uint8_t *sp_copy_get_data(const struct sp_copy *copy);

/* The stale region of a copy. */

/** Returns whether nothing is stale. */
static inline bool sp_copy_is_current(const struct sp_copies *copies,
		const struct sp_copy *copy) SP_REQUIRES(copies->lock) {
	return !pixman_region32_not_empty((pixman_region32_t *)&copy->stale);
}
/** Makes a region stale. With an epoch other than 0, it was changed before the requests
 * that were read in that epoch. */
void sp_copy_age(struct sp_copies *copies, struct sp_copy *copy,
	const pixman_region32_t *region, uint64_t epoch)
	SP_REQUIRES(copies->lock);
void sp_copy_age_whole(struct sp_copies *copies, struct sp_copy *copy)
	SP_REQUIRES(copies->lock);
/** Notes that a region was copied in an epoch. */
void sp_copy_note_copied(struct sp_copies *copies, struct sp_copy *copy,
	const pixman_region32_t *region, uint64_t epoch)
	SP_REQUIRES(copies->lock);

#endif
