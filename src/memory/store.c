/* SPDX-License-Identifier: MIT */
/*
 * Memory for copies.
 *
 * It is anonymous: there is no file that could be truncated, and no descriptor, and no
 * page fault in it raises SIGBUS. Under strict overcommit, the kernel refuses the mapping,
 * not the page fault.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "account.h"
#include "pages.h"
#include "store.h"

/* From this size on, memory has a mapping of its own, and unmapping returns it to the
 * system. The kernel allows a process 65530 mappings, so small copies use malloc(): see
 * limits.c. */
#define MAPPED_MIN ((size_t)128 * 1024)

static bool is_mapped(size_t size) {
	return size >= MAPPED_MIN;
}

int sp_store_init(struct sp_store *store, struct sp_account *account,
		size_t size) {
	size = (size_t)sp_pages_round_up(size);
	int ret = sp_account_charge(account, SP_RESOURCE_SHADOW_BYTES, size);
	if (ret < 0) {
		return ret;
	}
	void *data = !is_mapped(size) ? calloc(1, size) : mmap(NULL, size,
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == NULL || data == MAP_FAILED) {
		sp_account_discharge(account, SP_RESOURCE_SHADOW_BYTES, size);
		return -ENOMEM;
	}
	*store = (struct sp_store){
		.account = account, .data = data, .size = size,
	};
	return 0;
}

void sp_store_finish(struct sp_store *store) {
	if (is_mapped(store->size)) {
		munmap(store->data, store->size);
	} else {
		free(store->data);
	}
	sp_account_discharge(store->account, SP_RESOURCE_SHADOW_BYTES,
		store->size);
	store->data = NULL;
}
