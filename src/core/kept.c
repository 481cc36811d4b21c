/* SPDX-License-Identifier: MIT */
/*
 * What a client's last pool was copied to, for its next one.
 *
 * Some clients make a new file and a new pool for each frame. A new shadow has
 * to be given memory, and that to be mapped and touched page by page, which costs
 * several times what it costs to copy the pixels. So one is kept for each client,
 * mapped and touched as it is.
 *
 * It stays charged to its client: to keep it costs nobody else anything. When a
 * budget is short it is the first to go, and it goes when it is idle, as any
 * copy does. What somebody else may have mapped is never kept.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "budget.h"
#include "clock.h"
#include "context.h"
#include "idle.h"
#include "kept.h"

static void kept_destroy(struct sp_kept *kept) {
	sp_shadow_finish(&kept->shadow);
	free(kept);
}

/* Whoever finds it in its place has it for himself. */
static struct sp_kept *take(struct sp_client *client) {
	/* Mostly there is none. */
	return atomic_load_explicit(&client->kept, memory_order_relaxed) ==
		NULL ? NULL : atomic_exchange(&client->kept, NULL);
}

static void put_back(struct sp_client *client, struct sp_kept *kept) {
	struct sp_kept *none = NULL;
	if (!atomic_compare_exchange_strong(&client->kept, &none, kept)) {
		kept_destroy(kept);
	}
}

void sp_kept_put(struct sp_client *client, struct sp_shadow *shadow) {
	struct sp_context *context = client->context;
	struct sp_kept *kept = NULL;
	/* Nobody would give it back if its client or the timer has gone. */
	if (shadow->reserved.start < shadow->reserved.end &&
			client->wl_client != NULL && context->display != NULL) {
		kept = malloc(sizeof(*kept));
	}
	if (kept == NULL) {
		sp_shadow_finish(shadow);
		return;
	}
	kept->shadow = *shadow;
	kept->since = sp_clock_now();
	kept = atomic_exchange(&client->kept, kept);
	if (kept != NULL) {
		kept_destroy(kept);
	}
	sp_idle_note(context);
}

bool sp_kept_take(struct sp_client *client, struct sp_shadow *shadow,
		uint64_t start, uint64_t end) {
	struct sp_kept *kept = take(client);
	if (kept == NULL) {
		return false;
	}
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	start &= ~(page_size - 1);
	end = (end + page_size - 1) & ~(page_size - 1);
	const struct sp_range *reserved = &kept->shadow.reserved;
	if (start < reserved->start || end > reserved->end ||
			end - start < (reserved->end - reserved->start) / 2) {
		/* It will not fit the next one either. */
		kept_destroy(kept);
		return false;
	}
	/* Huge pages may be there beyond what was asked for, too. */
	if (kept->shadow.charged > end - start) {
		sp_shadow_release(&kept->shadow, 0, start);
		sp_shadow_release(&kept->shadow, end, kept->shadow.size);
	}
	if (kept->shadow.charged != end - start) {
		kept_destroy(kept);
		return false;
	}
	*shadow = kept->shadow;
	free(kept);
	return true;
}

bool sp_kept_drop(struct sp_client *client) {
	struct sp_kept *kept = take(client);
	if (kept == NULL) {
		return false;
	}
	kept_destroy(kept);
	return true;
}

void sp_kept_drop_all(struct sp_context *context) {
	struct sp_client *client;
	wl_list_for_each(client, &context->clients, link) {
		sp_kept_drop(client);
	}
}

uint64_t sp_kept_drop_idle(struct sp_client *client, uint64_t now,
		uint64_t after) {
	struct sp_kept *kept = take(client);
	if (kept == NULL) {
		return UINT64_MAX;
	}
	uint64_t at = kept->since + after;
	if (now >= at) {
		kept_destroy(kept);
		return UINT64_MAX;
	}
	put_back(client, kept);
	return at;
}
