/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_MEMORY_H
#define SEALPOOL_MEMORY_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bounce.h"
#include "cache.h"
#include "reader.h"

struct sp_mapping;

/** What all files that others can cut have in common. */
struct sp_memory {
	/* Whether this system has MAP_NOFAULT. */
	bool nofault;
	/* What is read where no copy can be had: as long as the largest pool. */
	struct sp_mapping *zeroes;
	struct sp_bounce bounce;
	struct sp_cache cache;
	/* A wl_shm behind a guard has read pages that were given back: those of no
	 * pool are any more. */
	atomic_bool reads_late;
	struct sp_readers readers;
};

/** Bytes copied from a client's files and back to them, and accesses that met
 * missing bytes. */
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
