/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_MEMORY_H
#define SEALPOOL_MEMORY_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bounce.h"
#include "cache.h"
#include "rate.h"
#include "reader.h"

struct sp_mapping;
struct sp_mapping_mode;
struct sp_unsealed;

/** The state that all files share which others can truncate. */
struct sp_memory {
	/* How files that are not sealed are read in place; NULL if the system cannot. */
	const struct sp_unsealed *unsealed;
	/* How those are mapped that are, unless there is "unsealed". */
	const struct sp_mapping_mode *in_place;
	/* Is read instead of a copy that cannot be allocated; as long as the largest
	 * pool. */
	struct sp_mapping *zeroes;
	struct sp_bounce bounce;
	struct sp_cache cache;
	/* The guarded wl_shm has read pages after they were freed: from now on, none are
	 * freed. */
	atomic_bool reads_late;
	struct sp_readers readers;
	/* How much is searched for holes. */
	struct sp_rate looks;
	/* How much of slow files is read from the page cache, without a thread. No limit
	 * unless a compositor can wait for a thread. */
	struct sp_rate at_once;
	/* After how many milliseconds an unused copy is idle; UINT32_MAX: never. */
	uint32_t idle_ms;
	/* sp_memory_tend() is going to be called when the first copy can be idle. */
	atomic_bool is_tended;
	/* See sp_memory_init(). */
	void (*wake)(struct sp_memory *memory);
};

/** Bytes copied from a client's files and back to them, how many times bytes were copied
 * from them, and accesses that found bytes missing. */
struct sp_counters {
	_Atomic uint64_t copied_in;
	_Atomic uint64_t copies; /* only of a client */
	_Atomic uint64_t copied_out;
	_Atomic uint64_t faults;
};

/**
 * "idle_ms" is 0 for the default. "wake" is called with locks held, by any thread, when a
 * job is finished, or when a copy can become idle and nothing else is going to call
 * sp_memory_tend(). Returns 0 or a negative errno.
 */
int sp_memory_init(struct sp_memory *memory, uint32_t idle_ms,
	void (*wake)(struct sp_memory *memory));
void sp_memory_finish(struct sp_memory *memory);

/**
 * Lets a compositor write where it reads, for one that does not say when it writes. Files
 * that cannot be written to are copied, and "zeroes" can be written to.
 * Call it before anything is read. Returns 0 or a negative errno.
 */
int sp_memory_allow_writing(struct sp_memory *memory);
/** What was written to "zeroes", in the first bytes, is zero again. */
void sp_memory_clear_zeroes(struct sp_memory *memory, size_t size);

/** Frees idle copies, and starts reader threads that could not be started. Returns in how
 * many milliseconds to call it again; UINT64_MAX: after the next "wake". On the event
 * loop's thread. */
uint64_t sp_memory_tend(struct sp_memory *memory);

#endif
