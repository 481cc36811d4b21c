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
#include "store.h"

struct sp_account;
struct sp_look_ops;
struct sp_orphan;

/** look.c: finds out the type of a slow file. On the event loop's thread, except for the
 * job. */
struct sp_look {
	const struct sp_look_ops *ops;
	struct sp_job job;
	bool is_under_way, cancelled, closing;
	bool is_regular; /* the job's until it is done */
};

/** A pool's memory: the client's file and its mappings. */
struct sp_backing {
	struct sp_memory *memory;
	struct sp_account *account;
	struct sp_spare_slot *spare;
	/* The identity's, for a slow file. */
	struct sp_reader *reader;
	/* Its fd is -1 once it was reclaimed: see sp_backing_begin_use(). */
	struct sp_file file;
	/* The chunks of the file that were seen to have memory. */
	struct sp_chunks filled;
	struct sp_counters counters;
	/* The client's: the sums over all its pools. */
	struct sp_counters *client_counters;
	struct sp_look look;

	struct sp_lock lock; /* over all below */
	/* The number of uses of the file's fd. */
	unsigned uses_len;
	/* The fd while it may be reclaimed; else NULL. */
	struct sp_orphan *orphan;
	/* The pool's, in bytes. */
	uint64_t size;
	/* The newest of each mode, or NULL. */
	struct sp_mapping *mappings[3];
	/* The guarded wl_shm uses the shadow instead of the file. Set before there is
	 * a view; never changes. */
	bool is_pinned;
	struct sp_pinned pinned;
	struct sp_inplace inplace;
};

/** Takes ownership of the file. On failure, returns a negative errno, and the caller
 * keeps the file. */
int sp_backing_init(struct sp_backing *backing, struct sp_memory *memory,
	struct sp_account *account, struct sp_spare_slot *spare,
	struct sp_reader *reader, struct sp_counters *client_counters,
	const struct sp_file *file, uint64_t size);
/** Returns whether there was still an fd, which is charged. The caller closes a slow
 * file: see sp_file_finish(). */
bool sp_backing_finish(struct sp_backing *backing);

/**
 * After the client is disconnected, the file may be used or mapped only between these
 * two calls. Returns whether its fd still exists. Any thread.
 */
bool sp_backing_begin_use(struct sp_backing *backing);
void sp_backing_end_use(struct sp_backing *backing);

/** The client is disconnected: the fd, which is charged to its account, may be
 * reclaimed. */
void sp_backing_orphan(struct sp_backing *backing);

/** Creates the shadow that replaces the file for the guarded wl_shm. Returns 0 or a
 * negative errno. */
int sp_backing_pin(struct sp_backing *backing);

/** Sets the size of a pool that has grown, and grows its shadow if it is pinned. Returns 0,
 * or a negative errno if the shadow cannot grow. */
int sp_backing_grow(struct sp_backing *backing, uint64_t size);

/**
 * Returns a mapping of the file that covers the bytes below "end", with a reference for
 * the caller. On failure, returns NULL and sets errno. Any thread.
 */
struct sp_mapping *sp_backing_map(struct sp_backing *backing,
	const struct sp_mapping_mode *mode, uint64_t end);

#endif
