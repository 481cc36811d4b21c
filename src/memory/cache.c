/* SPDX-License-Identifier: MIT */
/*
 * Reclaims unused copies.
 *
 * A copy that is not being read is a cache: the client's file still exists, and the next
 * read fills the copy again. So the least recently used copies are freed before a charge
 * is refused, and copies that were not used for some seconds are freed in any case. What
 * disconnected clients have left (orphans) is freed first, but only when a limit is
 * reached: it may never be needed again, but cannot be recreated.
 *
 * Locks are taken in this order only:
 *
 *   a buffer's lock, then the cache's; under that, buffers' locks by trying
 *
 * Freeing memory of a pinned shadow takes its backing's lock, so no thread charges while
 * it holds one.
 *
 * A buffer whose lock is held right now is skipped. If all buffers are skipped, or
 * another thread is just freeing memory, the charge is tried again: no thread holds a
 * buffer's lock for long, nor while charging. But this thread may have real-time priority,
 * and the one that holds the lock may need its processor. So this one sleeps before it
 * tries again, and gives up after some time.
 */
#include <time.h>

#include "cache.h"
#include "clock.h"

int sp_cache_init(struct sp_cache *cache,
		void (*filled)(struct sp_cache *cache)) {
	sp_list_init(&cache->list);
	sp_list_init(&cache->orphans);
	cache->releasing = 0;
	cache->filled = filled;
	return sp_lock_init(&cache->lock);
}

void sp_cache_finish(struct sp_cache *cache) {
	sp_lock_finish(&cache->lock);
}

void sp_cached_init(struct sp_cached *cached, struct sp_account *account) {
	sp_list_init(&cached->link);
	sp_list_init(&cached->account_link);
	cached->account = account;
	for (int i = 0; i < SP_RESOURCES; i++) {
		cached->held[i] = 0;
	}
}

void sp_cache_add_locked(struct sp_cache *cache, struct sp_cached *cached) {
	bool was_empty = sp_list_is_empty(&cache->list);
	cached->since = sp_clock_now();
	sp_list_append(&cache->list, &cached->link);
	sp_list_append(&cached->account->cached, &cached->account_link);
	if (was_empty) {
		cache->filled(cache);
	}
}

void sp_cache_add(struct sp_cache *cache, struct sp_cached *cached) {
	sp_lock_acquire(&cache->lock);
	sp_cache_add_locked(cache, cached);
	sp_lock_release(&cache->lock);
}

void sp_cache_add_orphan(struct sp_cache *cache, struct sp_cached *cached) {
	sp_lock_acquire(&cache->lock);
	sp_list_append(&cache->orphans, &cached->link);
	sp_list_append(&cached->account->cached, &cached->account_link);
	sp_lock_release(&cache->lock);
}

static void leave(struct sp_cache *cache, struct sp_cached *cached)
		SP_REQUIRES(cache->lock) {
	sp_list_remove(&cached->link);
	sp_list_remove(&cached->account_link);
}

void sp_cache_remove(struct sp_cache *cache, struct sp_cached *cached) {
	sp_lock_acquire(&cache->lock);
	leave(cache, cached);
	sp_lock_release(&cache->lock);
}

/* Detaches a member that holds some of the resource. Sets "busy" if it cannot be
 * detached at once. */
static bool take(struct sp_cache *cache, struct sp_cached *cached,
		enum sp_resource resource, bool *busy)
		SP_REQUIRES(cache->lock) {
	if (cached->held[resource] == 0) {
		return false;
	}
	if (!cached->detach(cached)) {
		*busy = true;
		return false;
	}
	leave(cache, cached);
	return true;
}

static struct sp_cached *take_first(struct sp_cache *cache,
		struct sp_list *list, enum sp_resource resource, bool *busy)
		SP_REQUIRES(cache->lock) {
	struct sp_cached *cached;
	sp_list_for_each(cached, list, struct sp_cached, link) {
		if (take(cache, cached, resource, busy)) {
			return cached;
		}
	}
	return NULL;
}

/* Takes a member of any account. */
static struct sp_cached *take_any(struct sp_cache *cache,
		enum sp_resource resource, bool *busy)
		SP_REQUIRES(cache->lock) {
	struct sp_cached *orphan =
		take_first(cache, &cache->orphans, resource, busy);
	return orphan != NULL ? orphan :
		take_first(cache, &cache->list, resource, busy);
}

static struct sp_cached *take_of(struct sp_cache *cache,
		struct sp_account *account, enum sp_resource resource,
		bool *busy) SP_REQUIRES(cache->lock) {
	struct sp_cached *cached;
	sp_list_for_each(cached, &account->cached, struct sp_cached,
			account_link) {
		if (take(cache, cached, resource, busy)) {
			return cached;
		}
	}
	return NULL;
}

void sp_cache_begin_release(struct sp_cache *cache) {
	sp_lock_acquire(&cache->lock);
	cache->releasing++;
	sp_lock_release(&cache->lock);
}

void sp_cache_end_release(struct sp_cache *cache) {
	sp_lock_acquire(&cache->lock);
	cache->releasing--;
	sp_lock_release(&cache->lock);
}

/* sched_yield() would leave the processor only to threads of the same priority. */
static void nap(void) {
	nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
}

void sp_cache_settle(struct sp_cache *cache) {
	bool settled = false;
	while (!settled) {
		sp_lock_acquire(&cache->lock);
		settled = cache->releasing == 0;
		sp_lock_release(&cache->lock);
		if (!settled) {
			nap();
		}
	}
}

/* How long to wait for locks: half a second, and what the timer adds. A thread that holds
 * one may be waiting for a processor. */
#define NAPS_MAX 10000

bool sp_cache_reclaim(struct sp_cache *cache, struct sp_account *account,
		enum sp_resource resource, uint64_t amount) {
	uint64_t freed = 0;
	unsigned naps = 0;
	while (freed < amount) {
		bool busy = false;
		sp_lock_acquire(&cache->lock);
		struct sp_cached *cached = account->parent == NULL ?
			take_any(cache, resource, &busy) :
			take_of(cache, account, resource, &busy);
		bool releasing = cache->releasing > 0;
		cache->releasing += cached != NULL;
		sp_lock_release(&cache->lock);
		if (cached == NULL && freed == 0 && releasing) {
			/* It will be freed in a moment. */
			nap();
			return true;
		}
		if (cached == NULL && freed == 0 && busy && naps < NAPS_MAX) {
			nap();
			naps++;
			continue;
		}
		if (cached == NULL) {
			return freed > 0 || (naps > 0 && naps < NAPS_MAX);
		}
		freed += cached->held[resource];
		cached->release(cached);
		sp_cache_end_release(cache);
	}
	return freed > 0;
}

/* Frees what was added at "until" or before, until "amount" bytes of copies are freed; then
 * returns true if there is more. "next" is when the oldest remaining member was added. */
static bool drop(struct sp_cache *cache, uint64_t until, uint64_t amount,
		uint64_t *next) {
	*next = UINT64_MAX;
	uint64_t freed = 0;
	bool more = false;
	struct sp_cached *cached, *after;
	struct sp_list taken;
	sp_list_init(&taken);
	sp_lock_acquire(&cache->lock);
	sp_list_for_each_safe(cached, after, &cache->list, struct sp_cached,
			link) {
		more = cached->since <= until && freed >= amount;
		if (cached->since > until || more) {
			if (*next == UINT64_MAX) {
				*next = cached->since;
			}
			break;
		}
		if (cached->detach(cached)) {
			leave(cache, cached);
			sp_list_append(&taken, &cached->link);
			cache->releasing++;
			freed += cached->held[SP_RESOURCE_SHADOW_BYTES];
		} else if (*next == UINT64_MAX) {
			*next = cached->since;
		}
	}
	sp_lock_release(&cache->lock);
	sp_list_for_each_safe(cached, after, &taken, struct sp_cached, link) {
		cached->release(cached);
		sp_cache_end_release(cache);
	}
	return more;
}

uint64_t sp_cache_drop_old(struct sp_cache *cache, uint64_t until) {
	uint64_t next;
	drop(cache, until, UINT64_MAX, &next);
	return next;
}

/* The most timer calls in the time after which a copy is idle. */
#define LOOKS_MAX 8

/* Freeing takes 0.1 ms for each MiB (measured), and the copies of all clients may become
 * idle together. So the event loop frees some of them, and serves its clients before it
 * frees more. */
#define DROPPED_AT_ONCE ((uint64_t)64 << 20)
#define DROP_AGAIN_MS 1

uint64_t sp_cache_get_wait(uint32_t after, uint64_t now, uint64_t first) {
	uint64_t least = after / LOOKS_MAX;
	return first > now + least ? first - now : least;
}

uint64_t sp_cache_drop_idle(struct sp_cache *cache, uint32_t after) {
	uint64_t now = sp_clock_now();
	uint64_t first = now;
	/* The clock may have started less than "after" ago. */
	if (now >= after && drop(cache, now - after, DROPPED_AT_ONCE, &first)) {
		return DROP_AGAIN_MS;
	}
	return first != UINT64_MAX ?
		sp_cache_get_wait(after, now, first + after) : UINT64_MAX;
}
