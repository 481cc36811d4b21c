/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_COPIES_H
#define SEALPOOL_IMAGE_COPIES_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

struct sp_access;
struct sp_copies;
struct sp_copy;
struct sp_mapping;
struct sp_view;

/** Returns the copies of a view, and creates the record if needed; NULL when there is no
 * memory. Any thread. */
struct sp_copies *sp_copies_get(struct sp_view *view);
void sp_copies_destroy(struct sp_copies *copies);

/* An access gets the copy's data, and holds the copy until sp_copies_end(). */

/** Begins to read a copy that is up to date. Returns false if there is none. Any
 * thread. */
bool sp_copies_begin_current(struct sp_copies *copies,
	struct sp_access *access);

/**
 * Updates a copy and begins to read it or to write to it. "epoch" is the current one, or 0.
 * What was written is written back at the end to "mapping", of the client's file, which the
 * copy owns on success; NULL for a slow file and for reading. Returns 0 or a negative errno:
 * -EDQUOT over a limit; for writing, -ETIMEDOUT if a slow file has not answered in time. Any
 * thread.
 */
int sp_copies_begin(struct sp_copies *copies, uint64_t epoch, bool for_writing,
	struct sp_mapping *mapping, struct sp_access *access);
void sp_copies_end(struct sp_copies *copies, struct sp_copy *copy);

/** Updates a copy that an access of the same thread uses. */
void sp_copies_update(struct sp_copies *copies, struct sp_copy *copy,
	uint64_t epoch);

/** Sets "stale" to what is stale in the copy that is read next. */
void sp_copies_get_stale(struct sp_copies *copies, pixman_region32_t *stale);

/* Of a view that may not have been copied yet: */

/** The view is not copied any more: frees unused copies. */
void sp_view_drop_copies(struct sp_view *view);

/**
 * Declares that the client may have changed the pixels of a region within the view, or
 * all for NULL, before a commit that was read in "epoch" (0: unknown). What was copied
 * in the same epoch has these changes already.
 */
void sp_view_age(struct sp_view *view, const pixman_region32_t *region,
	uint64_t epoch);

/* For slow files, which may answer late. Any thread. */

/** Returns the number of the state that the commits so far have made. */
uint64_t sp_view_get_generation(const struct sp_view *view);
/** Returns whether that state is still to be read: a reader thread was asked and the
 * file has not answered. */
bool sp_view_is_waiting(const struct sp_view *view, uint64_t generation);
/** Returns whether the file has answered, but no copy has the answer yet. */
bool sp_view_has_answer(const struct sp_view *view);

/** The wl_buffer is destroyed: no copy may be reclaimed. */
void sp_view_set_final(struct sp_view *view);
/** The client is disconnected, after sp_view_set_final(): copies may be reclaimed. */
void sp_view_set_orphan(struct sp_view *view);

/** Adds what the view's copies hold, except in a pinned shadow. Any thread. */
void sp_view_count(const struct sp_view *view, uint32_t *fds,
	uint64_t *bytes);

/* Behind a guard: views of a backing that is pinned */

/** Allocates everything that sp_view_sync() needs, which cannot fail then. Returns 0 or a
 * negative errno. */
int sp_view_reserve(struct sp_view *view);

/** The guarded wl_shm does not read the view until the next sp_view_reserve(): its pages
 * in the pinned shadow may be freed, and are copied again then. */
void sp_view_offer(struct sp_view *view);

#endif
