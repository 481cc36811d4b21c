/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_BACKING_H
#define SEALPOOL_MEMORY_BACKING_H

#include <stdbool.h>
#include <stdint.h>

#include "chunks.h"
#include "file.h"
#include "inplace.h"
#include "lock.h"
#include "mapping.h"
#include "memory.h"
#include "pinned.h"
#include "reader.h"
#include "spare.h"

struct sp_account;
struct sp_look_ops;
struct sp_orphan;

/** look.c: what is being found out about a file that may never answer. On the event
 * loop's thread, but for the job. */
struct sp_look {
	const struct sp_look_ops *ops;
	struct sp_job job;
	bool is_under_way, cancelled, closing;
	bool is_regular; /* the job's until it is done */
};

/** A pool's memory: the client's file, and where it is mapped. */
struct sp_backing {
	struct sp_memory *memory;
	struct sp_account *account;
	struct sp_spare_slot *spare;
	/* Of the client's identity, for a file that may never answer. */
	struct sp_reader *reader;
	/* Its fd is -1 once it was given back: see sp_backing_begin_use(). */
	struct sp_file file;
	/* Which chunks of the file have been seen to have memory. */
	struct sp_chunks filled;
	struct sp_counters counters;
	/* The client's, which has them of all its pools. */
	struct sp_counters *client_counters;
	struct sp_look look;

	struct sp_lock lock; /* over all below */
	/* Of the file's fd. */
	unsigned uses_len;
	/* The fd, once it may be given back; NULL before and after that. */
	struct sp_orphan *orphan;
	/* Of the pool, in bytes. */
	uint64_t size;
	/* The newest of each mode, or NULL; indexed by enum sp_mapping_mode. */
	struct sp_mapping *mappings[3];
	/* Another wl_shm, behind a guard, has the shadow in the file's place. It
	 * was set before there was a view, and never changes. */
	bool is_pinned;
	struct sp_pinned pinned;
	struct sp_inplace inplace;
};

/** Takes the file over. Returns 0 or a negative errno, and has not taken it
 * then. */
int sp_backing_init(struct sp_backing *backing, struct sp_memory *memory,
	struct sp_account *account, struct sp_spare_slot *spare,
	struct sp_reader *reader, struct sp_counters *client_counters,
	const struct sp_file *file, uint64_t size);
/** Returns whether there was an fd still, which is charged then. A file that may never
 * answer is left to the caller to close: see sp_file_finish(). */
bool sp_backing_finish(struct sp_backing *backing);

/** The pool is longer now. */
void sp_backing_grow(struct sp_backing *backing, uint64_t size);

/**
 * Nothing may ask the file, or map it, after its client has gone, but between these
 * two. Returns whether its fd is still there. Any thread.
 */
bool sp_backing_begin_use(struct sp_backing *backing);
void sp_backing_end_use(struct sp_backing *backing);

/** The client has gone: the fd, which is charged to its account, may be given
 * back. */
void sp_backing_orphan(struct sp_backing *backing);

/** Makes the shadow that another wl_shm gets in the file's place. Returns 0 or a
 * negative errno. */
int sp_backing_pin(struct sp_backing *backing);

/** Makes the shadow longer. Returns 0 or a negative errno. */
int sp_backing_grow_pinned(struct sp_backing *backing, uint64_t size);

/**
 * A mapping of the file that covers the bytes below "end", with a reference
 * for the caller; NULL, with errno set, where it cannot be had. Any thread.
 */
struct sp_mapping *sp_backing_map(struct sp_backing *backing,
	enum sp_mapping_mode mode, uint64_t end);

#endif
