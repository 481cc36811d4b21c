/* SPDX-License-Identifier: MIT */
/*
 * The copies of one buffer.
 *
 * Each copy has a stale region: what may have changed since it was filled, like a
 * client's buffer age. An access fills what is stale, once, and later accesses share the
 * copy. Commits that are read together do not make it stale again (epoch.c). A copy is
 * never written while it is read: for a newer frame, another copy is created.
 *
 *   commit, damage D     stale(copy) += D            nothing is copied
 *   begin by thread 1    stale -> copied, users 1    D is copied
 *   begin by thread 2    users 2                     nothing is copied
 *   commit, damage E     stale(copy) += E
 *   begin by thread 3    copy is in use: another     all is copied, once
 *
 * An unused copy is in the cache and may be reclaimed at any time, unless the client's
 * file may no longer have its bytes (the wl_buffer is destroyed). After the client has
 * disconnected, it may be reclaimed nevertheless. The guarded wl_shm reads a copy in a
 * pinned shadow without notice, so such a copy is in the cache only while it is on offer.
 *
 *   for reading   memory of its own (store.c)
 *   for writing   a shadow of its own, a memfd: the kernel moves its bytes to the
 *                 client's file, from a descriptor. One at a time
 *   pinned        the part of the pool's shadow at the same offsets
 */
#include <errno.h>
#include <stdlib.h>

#include "copies.h"
#include "copy.h"
#include "fill.h"
#include "region.h"
#include "slow.h"

static struct sp_copies *copies_create(struct sp_view *view) {
	struct sp_copies *copies = calloc(1, sizeof(*copies));
	if (copies == NULL) {
		return NULL;
	}
	if (sp_lock_init(&copies->lock) < 0) {
		goto error_copies;
	}
	if (pthread_cond_init(&copies->filled, NULL) != 0) {
		goto error_lock;
	}
	copies->view = view;
	sp_list_init(&copies->list);
	pixman_region32_init(&copies->stale_since);
	/* The initial contents of the file. */
	copies->generation = 1;
	return copies;

error_lock:
	sp_lock_finish(&copies->lock);
error_copies:
	free(copies);
	return NULL;
}

struct sp_copies *sp_copies_get(struct sp_view *view) {
	struct sp_copies *copies = view->copies;
	if (copies != NULL) {
		return copies;
	}
	struct sp_copies *created = copies_create(view);
	if (created == NULL || atomic_compare_exchange_strong(&view->copies,
			&copies, created)) {
		return created;
	}
	/* Another thread was faster. */
	sp_copies_destroy(created);
	return copies;
}

void sp_copies_destroy(struct sp_copies *copies) {
	struct sp_copy *copy, *after;
	sp_lock_acquire(&copies->lock);
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		sp_cache_remove(sp_copies_get_cache(copies), &copy->cached);
	}
	sp_lock_release(&copies->lock);
	/* No copy is in the cache now. */
	sp_list_for_each_safe(copy, after, &copies->list, struct sp_copy,
			link) {
		sp_copy_leave_spare(copy);
		sp_copy_destroy(copy);
	}
	if (copies->asked != NULL) {
		sp_slow_cancel(copies->asked);
		sp_slow_unref(copies->asked);
	}
	pixman_region32_fini(&copies->stale_since);
	pthread_cond_destroy(&copies->filled);
	sp_lock_finish(&copies->lock);
	free(copies);
}

/* Stale regions */

/* Makes a region, or all for NULL, stale in all copies. With an epoch other than 0, it was
 * changed before the requests that were read in that epoch. */
static void age(struct sp_copies *copies, const pixman_region32_t *region,
		uint64_t epoch) SP_REQUIRES(copies->lock) {
	const struct sp_layout *layout = &copies->view->layout;
	pixman_region32_t all;
	pixman_region32_init_rect(&all, 0, 0, (unsigned)layout->width,
		(unsigned)layout->height);
	if (region == NULL) {
		region = &all;
	}
	if (pixman_region32_not_empty((pixman_region32_t *)region)) {
		copies->generation++;
	}
	if (copies->asked != NULL) {
		sp_region_add(&copies->stale_since, region);
	}
	struct sp_copy *copy;
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		sp_copy_age(copies, copy, region, epoch);
	}
	pixman_region32_fini(&all);
}

void sp_view_age(struct sp_view *view, const pixman_region32_t *region,
		uint64_t epoch) {
	struct sp_copies *copies = view->copies;
	/* A copy that is created later is wholly stale at first. */
	if (copies != NULL) {
		sp_lock_acquire(&copies->lock);
		age(copies, region, epoch);
		sp_lock_release(&copies->lock);
	}
}

/* Using copies */

static bool is_for(const struct sp_copy *copy, bool writing) {
	return (copy->place == SP_COPY_IN_SHADOW) == writing;
}

/* Returns the copy to use for an access: for reading, one that is up to date; else an
 * unused one, which can be updated. Returns NULL if a new one is needed. */
static struct sp_copy *find(struct sp_copies *copies, bool for_writing)
		SP_REQUIRES(copies->lock) {
	struct sp_copy *copy, *unused = NULL;
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		if (!is_for(copy, for_writing)) {
			continue;
		}
		if (!for_writing && sp_copy_is_current(copies, copy)) {
			return copy;
		}
		if (copy->users == 0 && unused == NULL) {
			unused = copy;
		}
	}
	return unused;
}

/* Returns a copy for reading, also one with an older frame: better than nothing when no
 * copy can be created. */
static struct sp_copy *find_older(struct sp_copies *copies)
		SP_REQUIRES(copies->lock) {
	struct sp_copy *copy;
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		if (is_for(copy, false)) {
			return copy;
		}
	}
	return NULL;
}

/* Finds a copy by one of the two, and waits until it is not being filled. */
static struct sp_copy *wait_for(struct sp_copies *copies, bool for_writing,
		bool older) SP_REQUIRES(copies->lock) {
	for (;;) {
		struct sp_copy *copy = older ? find_older(copies) :
			find(copies, for_writing);
		if (copy == NULL || !copy->filling) {
			return copy;
		}
		sp_lock_wait(&copies->filled, &copies->lock);
	}
}

/* Finds a copy, and creates one if needed. On failure, returns NULL and sets "error". One
 * thread creates a copy at a time. Releases the lock while creating. */
static struct sp_copy *find_or_create(struct sp_copies *copies,
		bool for_writing, int *error) SP_REQUIRES(copies->lock) {
	struct sp_copy *copy;
	while ((copy = wait_for(copies, for_writing, false)) == NULL &&
			copies->creating) {
		/* Another thread creates a copy, which may be shared. */
		sp_lock_wait(&copies->filled, &copies->lock);
	}
	if (copy != NULL) {
		return copy;
	}
	struct sp_copy *created = NULL;
	copies->creating = true;
	sp_lock_release(&copies->lock);
	*error = sp_copy_create(copies, for_writing, &created);
	sp_lock_acquire(&copies->lock);
	copies->creating = false;
	pthread_cond_broadcast(&copies->filled);
	if (created != NULL) {
		sp_list_append(&copies->list, &created->link);
		return created;
	}
	/* Another thread may have released a copy. */
	return wait_for(copies, for_writing, false);
}

static void copy_use(struct sp_copies *copies, struct sp_copy *copy)
		SP_REQUIRES(copies->lock) {
	if (copy->users++ == 0) {
		sp_cache_remove(sp_copies_get_cache(copies), &copy->cached);
		copy->on_offer = false;
	}
}

static void access_copy(struct sp_access *access, struct sp_copy *copy) {
	access->data = sp_copy_get_data(copy);
	access->held = copy;
}

bool sp_copies_begin_current(struct sp_copies *copies,
		struct sp_access *access) {
	sp_lock_acquire(&copies->lock);
	struct sp_copy *copy = wait_for(copies, false, false);
	bool found = copy != NULL && sp_copy_is_current(copies, copy);
	if (found) {
		copy_use(copies, copy);
		access_copy(access, copy);
	}
	sp_lock_release(&copies->lock);
	return found;
}

uint64_t sp_view_get_generation(const struct sp_view *view) {
	struct sp_copies *copies = view->copies;
	if (copies == NULL) {
		return 0;
	}
	sp_lock_acquire(&copies->lock);
	uint64_t generation = copies->generation;
	sp_lock_release(&copies->lock);
	return generation;
}

bool sp_view_is_waiting(const struct sp_view *view, uint64_t generation) {
	struct sp_copies *copies = view->copies;
	if (copies == NULL) {
		return false;
	}
	sp_lock_acquire(&copies->lock);
	bool waiting = copies->seen < generation && copies->asked != NULL &&
		!sp_reader_is_done(view->backing->reader,
			&copies->asked->job);
	sp_lock_release(&copies->lock);
	return waiting;
}

bool sp_view_has_answer(const struct sp_view *view) {
	struct sp_copies *copies = view->copies;
	if (copies == NULL) {
		return false;
	}
	sp_lock_acquire(&copies->lock);
	bool has = copies->asked != NULL && sp_reader_is_done(
		view->backing->reader, &copies->asked->job);
	sp_lock_release(&copies->lock);
	return has;
}

int sp_copies_begin(struct sp_copies *copies, uint64_t epoch, bool for_writing,
		struct sp_mapping *mapping, struct sp_access *access) {
	int ret = 0;
	sp_lock_acquire(&copies->lock);
	struct sp_copy *copy = find_or_create(copies, for_writing, &ret);
	bool older = copy == NULL && !for_writing;
	if (older) {
		copy = wait_for(copies, false, true);
	}
	if (copy == NULL) {
		sp_lock_release(&copies->lock);
		return ret;
	}
	copy_use(copies, copy);
	ret = older || sp_copy_is_current(copies, copy) ? 0 :
		sp_copy_fill(copies, copy, epoch);
	if (ret < 0 && for_writing) {
		/* Without the file's bytes, writing back the whole copy would destroy
		 * them. */
		copy->users--;
		sp_cache_add(sp_copies_get_cache(copies), &copy->cached);
	} else {
		copy->write_back = mapping;
		access_copy(access, copy);
	}
	sp_lock_release(&copies->lock);
	if (for_writing) {
		return ret;
	}
	/* After -ETIMEDOUT, the copy is shown as it is until the file answers. */
	if (ret < 0 && ret != -ETIMEDOUT) {
		sp_view_report(copies->view, ret);
	}
	return 0;
}

/* Returns whether to keep a copy: one for reading and one for writing, since what was done
 * once is likely to be done again. Of several, one that is up to date. */
static bool is_wanted(const struct sp_copies *copies,
		const struct sp_copy *copy) SP_REQUIRES(copies->lock) {
	bool current = sp_copy_is_current(copies, copy);
	const struct sp_copy *other;
	sp_list_for_each(other, &copies->list, struct sp_copy, link) {
		if (other != copy &&
				is_for(other, copy->place == SP_COPY_IN_SHADOW) &&
				(!current || sp_copy_is_current(copies, other))) {
			return false;
		}
	}
	return true;
}

void sp_copies_end(struct sp_copies *copies, struct sp_copy *copy) {
	bool for_writing = copy->place == SP_COPY_IN_SHADOW;
	if (for_writing) {
		sp_copy_write_back(copy);
		sp_mapping_unref(copy->write_back);
		copy->write_back = NULL;
	}
	bool destroy = false;
	sp_lock_acquire(&copies->lock);
	if (for_writing) {
		age(copies, NULL, 0);
	}
	if (--copy->users == 0 && copy->place != SP_COPY_IN_PINNED_SHADOW) {
		destroy = !is_wanted(copies, copy);
		if (destroy) {
			sp_list_remove(&copy->link);
			sp_cache_begin_release(sp_copies_get_cache(copies));
		} else if (for_writing || !copies->view->final) {
			sp_cache_add(sp_copies_get_cache(copies), &copy->cached);
		} else if (copies->view->orphan) {
			sp_cache_add_orphan(sp_copies_get_cache(copies), &copy->cached);
		}
	}
	sp_lock_release(&copies->lock);
	if (destroy) {
		struct sp_cache *cache = sp_copies_get_cache(copies);
		sp_copy_destroy(copy);
		sp_cache_end_release(cache);
	}
}

void sp_copies_update(struct sp_copies *copies, struct sp_copy *copy,
		uint64_t epoch) {
	int ret = 0;
	sp_lock_acquire(&copies->lock);
	while (copy->filling) {
		sp_lock_wait(&copies->filled, &copies->lock);
	}
	if (!sp_copy_is_current(copies, copy)) {
		ret = sp_copy_fill(copies, copy, epoch);
	}
	sp_lock_release(&copies->lock);
	if (ret < 0 && ret != -ETIMEDOUT) {
		sp_view_report(copies->view, ret);
	}
}

void sp_view_drop_copies(struct sp_view *view) {
	struct sp_copies *copies = view->copies;
	if (copies == NULL) {
		return;
	}
	struct sp_copy *copy, *after;
	struct sp_list dropped;
	sp_list_init(&dropped);
	sp_lock_acquire(&copies->lock);
	sp_list_for_each_safe(copy, after, &copies->list, struct sp_copy,
			link) {
		if (copy->users == 0) {
			sp_cache_remove(sp_copies_get_cache(copies), &copy->cached);
			sp_list_remove(&copy->link);
			sp_list_append(&dropped, &copy->link);
		}
	}
	sp_lock_release(&copies->lock);
	sp_list_for_each_safe(copy, after, &dropped, struct sp_copy, link) {
		sp_copy_destroy(copy);
	}
}

void sp_view_set_final(struct sp_view *view) {
	view->final = true;
	struct sp_copies *copies = view->copies;
	if (copies == NULL) {
		return;
	}
	struct sp_copy *copy;
	sp_lock_acquire(&copies->lock);
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		if (is_for(copy, false) && !copy->on_offer) {
			sp_cache_remove(sp_copies_get_cache(copies), &copy->cached);
		}
	}
	sp_lock_release(&copies->lock);
}

static void orphan_copies(struct sp_copies *copies) {
	struct sp_copy *copy;
	sp_lock_acquire(&copies->lock);
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		if (copy->users == 0 && copy->place == SP_COPY_IN_STORE) {
			sp_cache_remove(sp_copies_get_cache(copies), &copy->cached);
			sp_cache_add_orphan(sp_copies_get_cache(copies), &copy->cached);
		}
	}
	sp_lock_release(&copies->lock);
}

void sp_view_set_orphan(struct sp_view *view) {
	view->orphan = true;
	if (view->copies != NULL) {
		orphan_copies(view->copies);
	}
	sp_backing_orphan(view->backing);
}

void sp_view_count(const struct sp_view *view, uint32_t *fds,
		uint64_t *bytes) {
	struct sp_copies *copies = view->copies;
	if (copies == NULL) {
		return;
	}
	const struct sp_copy *copy;
	sp_lock_acquire(&copies->lock);
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		if (copy->place != SP_COPY_IN_PINNED_SHADOW) {
			*fds += (uint32_t)copy->cached.held[SP_RESOURCE_FDS];
			*bytes += copy->cached.held[SP_RESOURCE_SHADOW_BYTES];
		}
	}
	sp_lock_release(&copies->lock);
}

/* Pinned shadows */

static void copy_retract(struct sp_copies *copies, struct sp_copy *copy)
		SP_REQUIRES(copies->lock) {
	if (copy->on_offer) {
		sp_cache_remove(sp_copies_get_cache(copies), &copy->cached);
		copy->on_offer = false;
	}
}

int sp_view_reserve(struct sp_view *view) {
	struct sp_copies *copies = sp_copies_get(view);
	if (copies == NULL) {
		return -ENOMEM;
	}
	int ret = 0;
	sp_lock_acquire(&copies->lock);
	struct sp_copy *copy = find_older(copies);
	if (copy == NULL) {
		copy = find_or_create(copies, false, &ret);
	}
	if (copy != NULL) {
		copy_retract(copies, copy);
	}
	sp_lock_release(&copies->lock);
	return copy != NULL ? 0 : ret;
}

void sp_view_offer(struct sp_view *view) {
	struct sp_copies *copies = view->copies;
	if (copies == NULL) {
		return;
	}
	sp_lock_acquire(&copies->lock);
	struct sp_copy *copy = find_older(copies);
	if (copy != NULL && copy->place == SP_COPY_IN_PINNED_SHADOW &&
			copy->users == 0 && !copy->on_offer &&
			!view->backing->memory->reads_late) {
		copy->on_offer = true;
		sp_cache_add(sp_copies_get_cache(copies), &copy->cached);
	}
	sp_lock_release(&copies->lock);
}

void sp_copies_get_stale(struct sp_copies *copies, pixman_region32_t *stale) {
	const struct sp_layout *layout = &copies->view->layout;
	sp_lock_acquire(&copies->lock);
	struct sp_copy *copy = find(copies, false);
	if (copy == NULL || !pixman_region32_copy(stale, &copy->stale)) {
		sp_region_set_all(stale, layout->width, layout->height);
	}
	sp_lock_release(&copies->lock);
}
