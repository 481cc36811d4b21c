/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_OBSERVE_REASONS_H
#define SEALPOOL_OBSERVE_REASONS_H

#include <stdint.h>
#include <stdio.h>

#include <sealpool/memory.h>

struct sealpool_buffer;
struct sp_client;
struct sp_pool;

/** Returns the kind of a buffer that is as large as its pool, without a system call. */
enum sealpool_memory_kind sp_reasons_get_pool_kind(const struct sp_pool *pool);

/** Returns the protocol's value of a kind. */
uint32_t sp_reasons_get_kind(enum sealpool_memory_kind kind);

/** Returns the protocol's bits that say why a pool, or one of its buffers, is of this
 * kind. Makes system calls on the file. "buffer" is NULL for the pool. */
uint32_t sp_reasons_get(const struct sp_pool *pool,
	const struct sealpool_buffer *buffer, enum sealpool_memory_kind kind);

/** Prints the names of these bits, separated by commas; "none" for none. */
void sp_reasons_print(FILE *file, uint32_t reasons);

/** Returns the bits of all pools of a client that have a buffer that is not read in place.
 * Of many pools, looks at the newest. Makes system calls on their files. */
uint32_t sp_reasons_get_client(const struct sp_client *client);

#endif
