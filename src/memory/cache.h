/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_CACHE_H
#define SEALPOOL_MEMORY_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "list.h"
#include "lock.h"

/** Something charged to an account that can be reclaimed: it is not in use, and can be
 * recreated. */
struct sp_cached {
	struct sp_list link; /* sp_cache.list */
	struct sp_list account_link; /* sp_account.cached */
	struct sp_account *account;
	/* How much of each resource it holds. */
	uint64_t held[SP_RESOURCES];
	/* When it was added: see sp_clock_now(). */
	uint64_t since;
	/* Takes it from its owner, unless that means waiting for a lock. Returns
	 * whether it did. Called with the cache's lock held, on any thread. */
	bool (*detach)(struct sp_cached *cached);
	/* Frees it after detach(). Any thread; the cache's lock is not held. */
	void (*release)(struct sp_cached *cached);
};

/** Everything that can be reclaimed. */
struct sp_cache {
	struct sp_lock lock;
	/* sp_cached.link, the least recently used first. */
	struct sp_list list;
	/* The same for disconnected clients: these cannot be recreated, so they are
	 * kept until a limit is reached, and are then freed first. */
	struct sp_list orphans;
	/* How many are still charged, but about to be freed. */
	unsigned releasing;
	/* Called when something is added to an empty cache, with the lock held. Any
	 * thread. */
	void (*filled)(struct sp_cache *cache);
};

/** Returns 0 or a negative errno. */
int sp_cache_init(struct sp_cache *cache,
	void (*filled)(struct sp_cache *cache));
void sp_cache_finish(struct sp_cache *cache);

/** Initializes a member that is in no cache. */
void sp_cached_init(struct sp_cached *cached, struct sp_account *account);

/** Adds a member as the most recently used. "held" and the functions are set. Any
 * thread; the caller may hold the locks that detach() tries to take. */
void sp_cache_add(struct sp_cache *cache, struct sp_cached *cached);
/** The same. */
void sp_cache_add_locked(struct sp_cache *cache, struct sp_cached *cached)
	SP_REQUIRES(cache->lock);

/** Adds what a disconnected client has left. Otherwise as sp_cache_add(). */
void sp_cache_add_orphan(struct sp_cache *cache, struct sp_cached *cached);

/** Removes a member, if it is in the cache, since its owner uses or frees it. Any
 * thread; the caller holds a lock that detach() tries to take. */
void sp_cache_remove(struct sp_cache *cache, struct sp_cached *cached);

/** Waits until no other thread is freeing anything, so that an account can be destroyed
 * to which that was charged. The caller holds no lock. */
void sp_cache_settle(struct sp_cache *cache);

/** Call these around freeing something that is charged but in no cache, so that no charge
 * is refused because of it. Any thread; the first also with a lock that detach() tries
 * to take. */
void sp_cache_begin_release(struct sp_cache *cache);
void sp_cache_end_release(struct sp_cache *cache);

/**
 * Frees what is charged to the account or those below it, the least recently used
 * first, until "amount" of the resource is freed. Returns whether anything was freed, or
 * will be in a moment. Any thread; the caller holds no lock that detach() tries to take.
 */
bool sp_cache_reclaim(struct sp_cache *cache, struct sp_account *account,
	enum sp_resource resource, uint64_t amount);

/** Frees what was added at "until" or before. Returns when the oldest remaining member
 * was added, or UINT64_MAX if there is none. Any thread. */
uint64_t sp_cache_drop_old(struct sp_cache *cache, uint64_t until);

/** Frees what was added at least "after" milliseconds ago, but not much in one call. Returns
 * in how many milliseconds to call it again, or UINT64_MAX if nothing is left. Any
 * thread. */
uint64_t sp_cache_drop_idle(struct sp_cache *cache, uint32_t after);

/** Returns how long to wait at the time "now", when "first" is the time at which a
 * member can be idle. All in milliseconds. */
uint64_t sp_cache_get_wait(uint32_t after, uint64_t now, uint64_t first);

#endif
