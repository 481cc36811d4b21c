/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_CACHE_H
#define SEALPOOL_MEMORY_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "list.h"
#include "lock.h"

/** Something that is charged to an account and can be given back: nobody uses it,
 * and it can be made again. */
struct sp_cached {
	struct sp_list link; /* sp_cache.list */
	struct sp_list account_link; /* sp_account.cached */
	struct sp_account *account;
	/* How much of each resource would be given back. */
	uint64_t held[SP_RESOURCES];
	/* When it came here: see sp_clock_now(). */
	uint64_t since;
	/* Takes it from its owner, if no lock has to be waited for. Returns
	 * whether it did. Called with the cache's lock held, on any thread. */
	bool (*detach)(struct sp_cached *cached);
	/* Frees it, after that. Any thread; no lock of the cache is held. */
	void (*release)(struct sp_cached *cached);
};

/** All of them. */
struct sp_cache {
	struct sp_lock lock;
	/* sp_cached.link, the least recently used first. */
	struct sp_list list;
	/* The same, of clients that have gone: cannot be made again, so that they
	 * are kept until a limit is reached, and go before all others then. */
	struct sp_list orphans;
	/* How many are charged still, but about to be freed. */
	unsigned releasing;
	/* Called when the cache was empty, with the lock held. Any thread. */
	void (*filled)(struct sp_cache *cache);
};

/** Returns 0 or a negative errno. */
int sp_cache_init(struct sp_cache *cache,
	void (*filled)(struct sp_cache *cache));
void sp_cache_finish(struct sp_cache *cache);

/** It is in no cache. */
void sp_cached_init(struct sp_cached *cached, struct sp_account *account);

/** Adds it as what was used last. "held" and the functions are set. Any thread,
 * also with the locks that detach() tries for. */
void sp_cache_add(struct sp_cache *cache, struct sp_cached *cached);
/** The same. */
void sp_cache_add_locked(struct sp_cache *cache, struct sp_cached *cached)
	SP_REQUIRES(cache->lock);

/** Adds what a client has left behind that has gone. The same as sp_cache_add(). */
void sp_cache_add_orphan(struct sp_cache *cache, struct sp_cached *cached);

/** Takes it out, if it is there: its owner uses it, or frees it. Any thread, with a
 * lock held that detach() tries for. */
void sp_cache_remove(struct sp_cache *cache, struct sp_cached *cached);

/** Waits until nothing is being freed on another thread: what is charged to no
 * account that is about to go. With no lock held. */
void sp_cache_settle(struct sp_cache *cache);

/** Around the end of something that is charged but in no cache, so that no charge is
 * refused for it. Any thread, the former also with a lock that detach() tries for. */
void sp_cache_begin_release(struct sp_cache *cache);
void sp_cache_end_release(struct sp_cache *cache);

/**
 * Gives back what is charged to the account or those below it, the least recently
 * used first, until there is "amount" less of the resource. Returns whether anything
 * was given back, or will be in a moment. Any thread, without a lock that detach()
 * tries for.
 */
bool sp_cache_reclaim(struct sp_cache *cache, struct sp_account *account,
	enum sp_resource resource, uint64_t amount);

/** Gives back what came here at "until" or before. Returns when the oldest that is
 * left did, or UINT64_MAX if there is none. Any thread. */
uint64_t sp_cache_drop_old(struct sp_cache *cache, uint64_t until);

/** Gives back what has been here for "after" milliseconds. Returns in how many
 * milliseconds to call it again, or UINT64_MAX if nothing is left. Any thread. */
uint64_t sp_cache_drop_idle(struct sp_cache *cache, uint32_t after);

/** For how long to wait, at the time "now", when "first" is the time at which
 * something can be idle. All in milliseconds. */
uint64_t sp_cache_get_wait(uint32_t after, uint64_t now, uint64_t first);

#endif
