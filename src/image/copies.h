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

/** See sp_view_age(). */
void sp_copies_age(struct sp_copies *copies, const pixman_region32_t *region,
	uint64_t epoch);

/** Begins to read a copy that is up to date. Returns false if there is none. Any
 * thread. */
bool sp_copies_begin_current(struct sp_copies *copies,
	struct sp_access *access, struct sp_copy **copy);

/** Updates a copy and begins to read it. "epoch" is the current one, or 0. Returns 0 or a
 * negative errno: -EDQUOT over a limit. Any thread. */
int sp_copies_begin_read(struct sp_copies *copies, uint64_t epoch,
	struct sp_access *access, struct sp_copy **copy);

/**
 * Updates a copy and begins to write to it. At the end, it is written back to "mapping",
 * of the client's file, which the copy owns on success; NULL for a slow file. Returns
 * -ETIMEDOUT if a slow file has not answered in time.
 */
int sp_copies_begin_write(struct sp_copies *copies, uint64_t epoch,
	struct sp_mapping *mapping, struct sp_access *access,
	struct sp_copy **copy);
void sp_copies_end(struct sp_copies *copies, struct sp_copy *copy);

/** Creates the copy in the pinned shadow. Returns 0 or a negative errno. */
int sp_copies_reserve(struct sp_copies *copies);
/** The copy may be reclaimed until it is reserved again. */
void sp_copies_offer(struct sp_copies *copies);

/** Sets "stale" to what is stale in the copy that is read next. */
void sp_copies_get_stale(struct sp_copies *copies, pixman_region32_t *stale);

/** The view is not copied any more: frees unused copies. */
void sp_copies_drop(struct sp_copies *copies);

/** The contents cannot be copied again: no copy may be reclaimed. */
void sp_copies_keep(struct sp_copies *copies);
/** The client is disconnected, after sp_copies_keep(): copies may be reclaimed. */
void sp_copies_orphan(struct sp_copies *copies);

/** See sp_view_get_generation() and sp_view_is_waiting(). */
uint64_t sp_copies_get_generation(struct sp_copies *copies);
bool sp_copies_are_waiting(struct sp_copies *copies, uint64_t generation);

/** See sp_view_count(). */
void sp_copies_count(struct sp_copies *copies, uint32_t *fds,
	uint64_t *bytes);

#endif
