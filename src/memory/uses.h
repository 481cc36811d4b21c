/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_USES_H
#define SEALPOOL_MEMORY_USES_H

#include <stddef.h>
#include <stdint.h>

struct sp_uses_chunk;

/** The number of users of each page of a file. All zero means none. */
struct sp_uses {
	/* NULL if no page of the chunk has a user. */
	struct sp_uses_chunk **chunks;
	size_t chunks_len;
};

void sp_uses_finish(struct sp_uses *uses);

/** Adds a user of the pages from "start" to "end", in bytes. Returns how many bytes
 * had none, or -ENOMEM. */
int64_t sp_uses_add(struct sp_uses *uses, uint64_t start, uint64_t end);

/** Removes a user that was added. Calls "func" for each range of pages without a user
 * left. */
void sp_uses_remove(struct sp_uses *uses, uint64_t start, uint64_t end,
	void (*func)(void *data, uint64_t start, uint64_t end), void *data);

#endif
