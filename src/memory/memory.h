/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_MEMORY_H
#define SEALPOOL_MEMORY_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bounce.h"
#include "cache.h"
#include "holes.h"
#include "reader.h"

struct sp_mapping;
struct sp_unsealed;

/** The state that all files share which others can truncate. */
struct sp_memory {
	/* How files that are not sealed are read in place; NULL if the system cannot. */
	const struct sp_unsealed *unsealed;
	/* Is read instead of a copy that cannot be allocated; as long as the largest
	 * pool. */
	struct sp_mapping *zeroes;
	struct sp_bounce bounce;
	struct sp_cache cache;
	/* The guarded wl_shm has read pages after they were freed: from now on, none are
	 * freed. */
	atomic_bool reads_late;
	struct sp_readers readers;
	/* For holes. */
	struct sp_looks looks;
};

/** Bytes copied from a client's files and back to them, and accesses that found bytes
 * missing. */
struct sp_counters {
	_Atomic uint64_t copied_in;
	_Atomic uint64_t copied_out;
	_Atomic uint64_t faults;
};

/** "filled" as for sp_cache_init(), "wake" as for sp_readers_init(). Returns 0 or a
 * negative errno. */
int sp_memory_init(struct sp_memory *memory,
	void (*filled)(struct sp_cache *cache),
	void (*wake)(struct sp_readers *readers));
void sp_memory_finish(struct sp_memory *memory);

#endif
