/* SPDX-License-Identifier: MIT */
/*
 * <sealpool/memory.h>: one client.
 *
 * An account lives until sealpool_account_destroy() was called and the last of its files
 * is closed. It has at most one reader thread, so that a file that never answers delays
 * only its own client.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "public.h"

struct sealpool_account *sealpool_account_create(struct sealpool_memory *memory,
		const struct sealpool_account_limits *account_limits,
		void *data) {
	struct sealpool_account_limits wanted = { 0 };
	if (account_limits != NULL) {
		assert(account_limits->size > 0);
		size_t size = account_limits->size < sizeof(wanted) ?
			account_limits->size : sizeof(wanted);
		memcpy(&wanted, account_limits, size);
	}
	struct sealpool_account *account = calloc(1, sizeof(*account));
	if (account == NULL) {
		return NULL;
	}
	account->memory = memory;
	memory->refs++;
	account->refs = 1;
	account->data = data;
	struct sp_limits limits = memory->limits;
	limits.fds = wanted.fds;
	limits.shadow_bytes = wanted.shadow_bytes;
	sp_limits_init(&limits);
	sp_account_init(&account->account, &memory->all, memory->all.ops);
	sp_limits_set_client(&account->account, limits.fds,
		limits.shadow_bytes);
	sp_reader_init(&account->reader, &memory->memory.readers);
	sp_list_init(&account->files);
	sp_list_append(&memory->accounts, &account->link);
	return account;
}

void sealpool_account_destroy(struct sealpool_account *account) {
	struct sealpool_file *file;
	struct sealpool_view *view;
	assert(!account->gone);
	account->gone = true;
	sp_list_for_each(file, &account->files, struct sealpool_file, link) {
		sp_list_for_each(view, &file->views, struct sealpool_view,
				link) {
			sp_public_freeze_view(view);
		}
	}
	sp_spare_close(&account->memory->memory.cache, &account->spare);
	sp_public_unref_account(account);
}

void sp_public_unref_account(struct sealpool_account *account) {
	assert(account->refs > 0);
	if (--account->refs > 0) {
		return;
	}
	struct sealpool_memory *memory = account->memory;
	assert(sp_list_is_empty(&account->files));
	/* A destroyed view may have left a spare. */
	sp_spare_close(&memory->memory.cache, &account->spare);
	sp_cache_settle(&memory->memory.cache);
	sp_list_remove(&account->link);
	free(account);
	sp_public_unref_memory(memory);
}
