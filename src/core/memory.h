/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_MEMORY_H
#define SEALPOOL_CORE_MEMORY_H

#include <pixman.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <sealpool/shm.h>

#include "report.h"
#include "shadow.h"

struct sealpool_buffer;
struct sp_mapping;

/** One copy of a buffer's bytes. */
struct sp_copy {
	struct wl_list link; /* sp_shadowed.copies */
	/* The pool's, or this copy's own. */
	struct sp_shadow *shadow;
	struct sp_shadow spare;
	struct sp_mapping *mapping;
	/* What the client may have changed since it was copied. */
	pixman_region32_t stale;
	/* What was copied in an epoch, or less. */
	pixman_region32_t fresh;
	uint64_t fresh_epoch;
	unsigned users;
	bool filling;
	/* For write accesses, one at a time, and for no others. */
	bool for_writing;
	/* During one: the client's file. */
	struct sp_mapping *hand_back;
};

/** The copies of a buffer; made when it is first read through one. */
struct sp_shadowed {
	struct wl_list link; /* sp_pool.shadowed, or empty; under its lock */
	struct sp_report report;
	pthread_mutex_t lock; /* over all below, and taken before the pool's */
	pthread_cond_t filled;
	/* When the last access ended: see sp_clock_now(). */
	uint64_t used;
	/* One of the copies lies in the pool's shadow. */
	bool in_pool;
	struct wl_list copies; /* sp_copy.link */
};

/** How the compositor sees a buffer's bytes. */
struct sp_memory {
	_Atomic enum sealpool_memory_kind kind;
	/* Attached to a surface, so that commits tell what is stale. */
	atomic_bool tracked;
	/* The file has, or had, holes when it was read in place. */
	atomic_bool had_holes;
	/* When that was looked at last, there was no room for a mapping. */
	atomic_bool unmapped;
	/* The wl_shm behind a guard has an fd for it, which is charged. */
	bool fd_behind;
	/* Where direct and nofault buffers are read. */
	struct sp_mapping *mapping;
	struct sp_shadowed *_Atomic shadowed;
	/* See struct sealpool_stats. */
	_Atomic uint64_t bytes_copied_in;
	_Atomic uint64_t bytes_copied_out;
};

/** Judges the buffer, whose pool and layout are set. */
void sp_memory_init(struct sealpool_buffer *buffer);
void sp_memory_finish(struct sealpool_buffer *buffer);

/** For a buffer whose pool's shadow, or file if that is safe, someone else reads:
 * its kind is settled. */
void sp_memory_init_lent(struct sealpool_buffer *buffer);

/** Makes sure that what sp_memory_sync() needs is there: it cannot fail then.
 * Returns 0 or a negative errno as begin_access does. */
int sp_memory_reserve(struct sealpool_buffer *buffer);

/**
 * Brings the pool's shadow up to date where the buffer lies, for a request of its
 * client that was read in "epoch" (0: not known): what was copied in the same epoch
 * is not copied again, be the buffer tracked or not. Returns 0 or a negative errno as
 * begin_access does.
 */
int sp_memory_sync(struct sealpool_buffer *buffer, uint64_t epoch);

/** Sets a region to what sp_memory_sync() is going to copy, if nothing comes
 * between. For buffers that nobody else accesses. */
void sp_memory_get_stale(struct sealpool_buffer *buffer, uint64_t epoch,
	pixman_region32_t *stale);

/** Copies the region from the pool's shadow to the client's file, which never
 * becomes longer. Returns 0, or -EACCES or -ENOMEM when nothing was copied. */
int sp_memory_hand_back(struct sealpool_buffer *buffer,
	const pixman_region32_t *region);

/** Whether commits have anything to tell to this buffer. */
bool sp_memory_wants_commits(const struct sealpool_buffer *buffer);

/**
 * A commit that was read in "epoch" (0: not known) tells that the client may have
 * changed the pixels of the region, or all for NULL; they must lie within the buffer.
 * What was copied in the same epoch has these changes already.
 */
void sp_memory_age(struct sealpool_buffer *buffer,
	const pixman_region32_t *region, uint64_t epoch);

/** Whether sp_memory_age() will be told of all changes from now on. What came
 * before counts as unknown, but for what was copied in the same epoch. */
void sp_memory_set_tracked(struct sealpool_buffer *buffer, bool tracked,
	uint64_t epoch);

/** Adds what the buffer's copies outside of the pool's shadow hold. Any thread. */
void sp_memory_count(const struct sealpool_buffer *buffer, uint32_t *fds,
	uint64_t *bytes);

/**
 * Gives the buffer's copies back if no access has ended for "after"
 * milliseconds, and none is under way. Returns when to look again, or UINT64_MAX
 * if not before the next access ends.
 */
uint64_t sp_memory_drop_idle(struct sealpool_buffer *buffer, uint64_t now,
	uint64_t after);

/** The buffer is about to be committed: judges it again. */
void sp_memory_handle_commit(struct sealpool_buffer *buffer);

#endif
