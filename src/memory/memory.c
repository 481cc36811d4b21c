/* SPDX-License-Identifier: MIT */
/*
 * The state that all files share.
 *
 * An unused copy is in the cache, and is freed when it is idle: a window that does not
 * change is seldom read, and copying it anew costs less than keeping the memory of all
 * windows twice. A client may have ten thousand copies that become idle at different
 * times, so a copy that is idle waits a little, to be freed together with others.
 */
#include <errno.h>
#include <sys/mman.h>

#include "holes.h"
#include "mapping.h"
#include "memory.h"

#define DEFAULT_IDLE_MS 10000

/* The interval of checks for files that do not answer, while there are any jobs. */
#define LOOK_MS 1000

/* Called with the cache's lock held. sp_memory_tend() clears "is_tended" before it takes
 * that lock, so it sees everything that was added before. */
static void handle_filled(struct sp_cache *cache) {
	struct sp_memory *memory =
		sp_list_entry(cache, struct sp_memory, cache);
	if (memory->idle_ms != UINT32_MAX && !memory->is_tended) {
		memory->wake(memory);
	}
}

static void handle_finished(struct sp_readers *readers) {
	struct sp_memory *memory =
		sp_list_entry(readers, struct sp_memory, readers);
	memory->wake(memory);
}

uint64_t sp_memory_tend(struct sp_memory *memory) {
	/* Cleared first, so that a copy which another thread adds now wakes the loop. */
	memory->is_tended = false;
	uint64_t wait = memory->idle_ms == UINT32_MAX ? UINT64_MAX :
		sp_cache_drop_idle(&memory->cache, memory->idle_ms);
	if (wait != UINT64_MAX) {
		memory->is_tended = true;
	}
	return sp_readers_retry(&memory->readers) && wait > LOOK_MS ? LOOK_MS :
		wait;
}

int sp_memory_init(struct sp_memory *memory, uint32_t idle_ms,
		void (*wake)(struct sp_memory *memory)) {
	memory->unsealed = NULL;
	memory->in_place = &sp_mapping_read;
	memory->reads_late = false;
	memory->idle_ms = idle_ms != 0 ? idle_ms : DEFAULT_IDLE_MS;
	memory->is_tended = false;
	memory->wake = wake;
	sp_rate_init(&memory->looks, SP_LOOKS_MAX);
	sp_rate_init(&memory->at_once, UINT64_MAX);
	memory->zeroes = sp_mapping_create_zeroes();
	if (memory->zeroes == NULL) {
		return -errno;
	}
	int ret = sp_bounce_init(&memory->bounce);
	if (ret < 0) {
		goto error_zeroes;
	}
	ret = sp_cache_init(&memory->cache, handle_filled);
	if (ret < 0) {
		goto error_bounce;
	}
	ret = sp_readers_init(&memory->readers, handle_finished);
	if (ret < 0) {
		goto error_cache;
	}
	return 0;

error_cache:
	sp_cache_finish(&memory->cache);
error_bounce:
	sp_bounce_finish(&memory->bounce);
error_zeroes:
	sp_mapping_unref(memory->zeroes);
	return ret;
}

void sp_memory_finish(struct sp_memory *memory) {
	sp_readers_finish(&memory->readers);
	sp_cache_finish(&memory->cache);
	sp_bounce_finish(&memory->bounce);
	sp_mapping_unref(memory->zeroes);
}

int sp_memory_allow_writing(struct sp_memory *memory) {
	/* What is written through its private mappings does not become current again. */
	memory->unsealed = NULL;
	memory->in_place = &sp_mapping_write;
	struct sp_mapping *zeroes = memory->zeroes;
	return mprotect(sp_untrusted_for_kernel(zeroes->data), zeroes->size,
		PROT_READ | PROT_WRITE) < 0 ? -errno : 0;
}

void sp_memory_clear_zeroes(struct sp_memory *memory, size_t size) {
	madvise(sp_untrusted_for_kernel(memory->zeroes->data), size,
		MADV_DONTNEED);
}
