/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_OBSERVE_REASONS_H
#define SEALPOOL_OBSERVE_REASONS_H

#include <stdint.h>

#include <sealpool/memory.h>

struct sealpool_buffer;
struct sp_pool;

/** How the buffers of a pool that are as long as it would be seen, as far as it is
 * known without looking at the file. */
enum sealpool_memory_kind sp_reasons_get_pool_kind(const struct sp_pool *pool);

/** The protocol's number of a kind. */
uint32_t sp_reasons_get_kind(enum sealpool_memory_kind kind);

/** The protocol's bits that say why a pool, or one of its buffers, is of that kind.
 * Looks at the file. "buffer" is NULL for the pool. */
uint32_t sp_reasons_get(const struct sp_pool *pool,
	const struct sealpool_buffer *buffer, enum sealpool_memory_kind kind);

#endif
