/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_CHUNKS_H
#define SEALPOOL_MEMORY_CHUNKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_CHUNK_SIZE ((uint64_t)2 << 20)

/** A bit for each chunk of a pool, up to the largest possible pool; all zero at first.
 * Any thread. */
struct sp_chunks {
	_Atomic uint64_t bits[INT32_MAX / SP_CHUNK_SIZE / 64 + 1];
};

static inline bool sp_chunks_get(const struct sp_chunks *chunks,
		uint64_t chunk) {
	return atomic_load_explicit(&chunks->bits[chunk / 64],
		memory_order_relaxed) >> chunk % 64 & 1;
}

static inline void sp_chunks_set(struct sp_chunks *chunks, uint64_t chunk) {
	atomic_fetch_or_explicit(&chunks->bits[chunk / 64],
		(uint64_t)1 << chunk % 64, memory_order_relaxed);
}

static inline void sp_chunks_clear(struct sp_chunks *chunks, uint64_t chunk) {
	atomic_fetch_and_explicit(&chunks->bits[chunk / 64],
		~((uint64_t)1 << chunk % 64), memory_order_relaxed);
}

static inline void sp_chunks_set_all(struct sp_chunks *chunks) {
	for (size_t i = 0; i < sizeof(chunks->bits) / sizeof(chunks->bits[0]);
			i++) {
		atomic_store_explicit(&chunks->bits[i], UINT64_MAX,
			memory_order_relaxed);
	}
}

#endif
