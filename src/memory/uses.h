/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_USES_H
#define SEALPOOL_MEMORY_USES_H

#include <stddef.h>
#include <stdint.h>

struct sp_uses_chunk;

/** How many users each page of a file has. All zero is none. */
struct sp_uses {
	/* NULL where no page has a user. */
	struct sp_uses_chunk **chunks;
	size_t chunks_len;
};

void sp_uses_finish(struct sp_uses *uses);

/** Adds a user of the pages from "start" to "end", in bytes. Returns how many bytes
 * had none, or -ENOMEM. */
int64_t sp_uses_add(struct sp_uses *uses, uint64_t start, uint64_t end);

/** Takes one away that was added. Calls "func" for each range of pages that has no
 * user any more. */
void sp_uses_remove(struct sp_uses *uses, uint64_t start, uint64_t end,
	void (*func)(void *data, uint64_t start, uint64_t end), void *data);

#endif
