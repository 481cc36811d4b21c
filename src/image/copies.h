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

/** The copies of a view, which are made if there are none; NULL when there is no
 * memory. Any thread. */
struct sp_copies *sp_copies_get(struct sp_view *view);
void sp_copies_destroy(struct sp_copies *copies);

/** See sp_view_age() and so on. */
void sp_copies_age(struct sp_copies *copies, const pixman_region32_t *region,
	uint64_t epoch);

/** Begins to read a copy that shows the newest frame, if there is one. Any
 * thread. */
bool sp_copies_begin_current(struct sp_copies *copies,
	struct sp_access *access, struct sp_copy **copy);

/** Begins to read a copy that is brought up to date. "epoch" is the current one, or
 * 0. Returns 0 or a negative errno: -EDQUOT over a limit. Any thread. */
int sp_copies_begin_read(struct sp_copies *copies, uint64_t epoch,
	struct sp_access *access, struct sp_copy **copy);

/**
 * The same to write one, that goes back to "mapping", of the client's file, at the
 * end; the mapping is taken over on success. NULL for a file that may never answer;
 * returns -ETIMEDOUT where that has not answered in time.
 */
int sp_copies_begin_write(struct sp_copies *copies, uint64_t epoch,
	struct sp_mapping *mapping, struct sp_access *access,
	struct sp_copy **copy);
void sp_copies_end(struct sp_copies *copies, struct sp_copy *copy);

/** Makes the copy in the pinned shadow. Returns 0 or a negative errno. */
int sp_copies_reserve(struct sp_copies *copies);
/** It may be given back until it is reserved again. */
void sp_copies_offer(struct sp_copies *copies);

/** Adds what is stale in the copy that is read next. */
void sp_copies_get_stale(struct sp_copies *copies, pixman_region32_t *stale);

/** The view is not copied any more: frees what nobody uses. */
void sp_copies_drop(struct sp_copies *copies);

/** What there is cannot be copied again: nothing of it may be reclaimed. */
void sp_copies_keep(struct sp_copies *copies);
/** After that: it may be, as the client has gone. */
void sp_copies_orphan(struct sp_copies *copies);

/** See sp_view_get_generation() and so on. */
uint64_t sp_copies_get_generation(struct sp_copies *copies);
bool sp_copies_are_waiting(struct sp_copies *copies, uint64_t generation);

/** See sp_view_count(). */
void sp_copies_count(struct sp_copies *copies, uint32_t *fds,
	uint64_t *bytes);

#endif
