/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_STORE_H
#define SEALPOOL_MEMORY_STORE_H

#include <stddef.h>
#include <stdint.h>

struct sp_account;

/** The compositor's own memory, charged to an account. */
struct sp_store {
	struct sp_account *account;
	uint8_t *data;
	/* In bytes, a multiple of the page size. */
	size_t size;
};

/** Allocates at least "size" bytes, all zero. Returns 0, -EDQUOT over a limit,
 * or -ENOMEM. Any thread. */
int sp_store_init(struct sp_store *store, struct sp_account *account,
	size_t size);
void sp_store_finish(struct sp_store *store);

#endif
