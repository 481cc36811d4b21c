/* SPDX-License-Identifier: MIT */
/*
 * The copies of one buffer.
 *
 * Each copy knows its stale region, that is what may have changed since it was
 * filled, just as a client knows the age of its buffers; an access fills what is
 * stale, once, and later accesses share it. Commits that came together do not make it
 * stale again (epoch.c). A copy that someone reads is never written: when a newer
 * frame is wanted meanwhile, another copy is made.
 *
 *   commit, damage D     stale(copy) += D            nothing is copied
 *   begin by thread 1    stale -> copied, users 1    D is copied
 *   begin by thread 2    users 2                     nothing is copied
 *   commit, damage E     stale(copy) += E
 *   begin by thread 3    copy is in use: another     all is copied, once
 *
 * A copy that nobody uses is in the cache, from where it may be taken at any time,
 * unless the client's file cannot be relied on to have its bytes still (the wl_buffer
 * is gone). Once the client has gone as well, it may be taken nevertheless. One in a pinned shadow, behind a guard, has another user that does not
 * say so: it is in the cache only while it is on offer.
 *
 *   for reading   memory of its own (store.c)
 *   for writing   a shadow of its own, a memfd: it is the kernel that moves its
 *                 bytes to the client's file, from a descriptor. One at a time
 *   pinned        the part of the pool's shadow at the same offsets
 */
#include <errno.h>
#include <stdlib.h>

#include "copies.h"
#include "memory/backing.h"
#include "memory/cache.h"
#include "memory/pages.h"
#include "memory/pinned.h"
#include "region.h"
#include "slow.h"
#include "transfer.h"
#include "view.h"

enum place {
	IN_STORE, /* for reading */
	IN_SHADOW, /* for writing */
	IN_PINNED_SHADOW,
};

struct sp_copy {
	struct sp_list link; /* sp_copies.list */
	struct sp_cached cached;
	struct sp_copies *copies;
	enum place place;
	/* In a pinned shadow: nobody looks at it, so that it is in the cache. */
	bool on_offer;
	union {
		struct sp_store store;
		struct sp_shadow shadow;
		/* The pinned shadow's. */
		struct sp_mapping *mapping;
	};
	/* Which chunks of a store may be other than zero. */
	struct sp_chunks written;
	/* What the client may have changed since it was copied. */
	pixman_region32_t stale;
	/* What was copied in an epoch, or less. */
	pixman_region32_t fresh;
	uint64_t fresh_epoch;
	unsigned users;
	bool filling;
	/* During a write access: the client's file. */
	struct sp_mapping *write_back;
};

struct sp_copies {
	struct sp_view *view;
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t filled;
	struct sp_list list; /* sp_copy.link */
	/* A copy is being made, without the lock. */
	bool creating;
	/* Of a file that may never answer: */
	/* How often something has become stale, and up to which time that was copied
	 * or could not be. */
	uint64_t generation, seen;
	/* What it was asked for, in this generation, and what has become stale since;
	 * NULL for nothing. */
	struct sp_slow *asked;
	uint64_t asked_generation;
	pixman_region32_t stale_since;
};

static struct sp_cache *get_cache(const struct sp_copies *copies) {
	return &copies->view->backing->memory->cache;
}

static uint64_t get_start(const struct sp_copies *copies) {
	return sp_layout_start(&copies->view->layout);
}

/* The buffer's first byte. */
static uint8_t *copy_get_data(const struct sp_copy *copy) {
	switch (copy->place) {
	case IN_STORE:
		return copy->store.data;
	case IN_SHADOW:
		return sp_untrusted_own(copy->shadow.mapping->data) +
			get_start(copy->copies);
	case IN_PINNED_SHADOW:
		break;
	}
	return sp_untrusted_own(copy->mapping->data) + get_start(copy->copies);
}

static void copy_destroy(struct sp_copy *copy) {
	switch (copy->place) {
	case IN_STORE:
		if (copy->store.data != NULL) {
			sp_store_finish(&copy->store);
		}
		break;
	case IN_SHADOW:
		sp_shadow_finish(&copy->shadow);
		break;
	case IN_PINNED_SHADOW:
		sp_mapping_unref(copy->mapping);
		/* Else the other wl_shm may look at it until the pool goes. */
		if (copy->on_offer) {
			const struct sp_view *view = copy->copies->view;
			sp_pinned_give_back(&view->backing->pinned,
				get_start(copy->copies), view->layout.end);
		}
		break;
	}
	pixman_region32_fini(&copy->stale);
	pixman_region32_fini(&copy->fresh);
	free(copy);
}

static bool copy_detach(struct sp_cached *cached) {
	struct sp_copy *copy = sp_list_entry(cached, struct sp_copy, cached);
	struct sp_copies *copies = copy->copies;
	if (pthread_mutex_trylock(&copies->lock) != 0) {
		return false;
	}
	sp_list_remove(&copy->link);
	pthread_mutex_unlock(&copies->lock);
	return true;
}

static void copy_release(struct sp_cached *cached) {
	copy_destroy(sp_list_entry(cached, struct sp_copy, cached));
}

static struct sp_copies *copies_create(struct sp_view *view) {
	struct sp_copies *copies = calloc(1, sizeof(*copies));
	if (copies == NULL) {
		return NULL;
	}
	if (pthread_mutex_init(&copies->lock, NULL) != 0) {
		goto error_copies;
	}
	if (pthread_cond_init(&copies->filled, NULL) != 0) {
		goto error_lock;
	}
	copies->view = view;
	sp_list_init(&copies->list);
	pixman_region32_init(&copies->stale_since);
	/* What is in the file already. */
	copies->generation = 1;
	return copies;

error_lock:
	pthread_mutex_destroy(&copies->lock);
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

/* The memory of the last copy is likely to fit the client's next one. */
static void copy_leave_spare(struct sp_copy *copy) {
	struct sp_backing *backing = copy->copies->view->backing;
	if (copy->place == IN_STORE) {
		sp_spare_put(&backing->memory->cache, backing->spare,
			&copy->store);
		copy->store.data = NULL;
	}
}

void sp_copies_destroy(struct sp_copies *copies) {
	struct sp_copy *copy, *after;
	pthread_mutex_lock(&copies->lock);
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		sp_cache_remove(get_cache(copies), &copy->cached);
	}
	pthread_mutex_unlock(&copies->lock);
	/* The cache does not know of any now. */
	sp_list_for_each_safe(copy, after, &copies->list, struct sp_copy,
			link) {
		copy_leave_spare(copy);
		copy_destroy(copy);
	}
	if (copies->asked != NULL) {
		sp_slow_cancel(copies->asked);
		sp_slow_unref(copies->asked);
	}
	pixman_region32_fini(&copies->stale_since);
	pthread_cond_destroy(&copies->filled);
	pthread_mutex_destroy(&copies->lock);
	free(copies);
}

/* Stale regions. Require: copies->lock */

static bool copy_is_current(const struct sp_copy *copy) {
	return !pixman_region32_not_empty((pixman_region32_t *)&copy->stale);
}

static void copy_age_whole(struct sp_copy *copy) {
	const struct sp_layout *layout = &copy->copies->view->layout;
	sp_region_set_size(&copy->stale, layout->width, layout->height);
}

/* More rectangles cost more than it does to copy something once again. */
#define FRESH_RECTS_MAX 64

/* Unlike what is stale, this may be less than there is, but not more. */
static void copy_note_fresh(struct sp_copy *copy,
		const pixman_region32_t *region, uint64_t epoch) {
	if (copy->fresh_epoch != epoch) {
		pixman_region32_clear(&copy->fresh);
		copy->fresh_epoch = epoch;
	}
	if (!pixman_region32_union(&copy->fresh, &copy->fresh,
			(pixman_region32_t *)region) ||
			pixman_region32_n_rects(&copy->fresh) >
				FRESH_RECTS_MAX) {
		copy->fresh_epoch = 0;
	}
}

static void copy_age(struct sp_copy *copy, const pixman_region32_t *region,
		uint64_t epoch) {
	const struct sp_layout *layout = &copy->copies->view->layout;
	pixman_region32_t changed;
	pixman_region32_init(&changed);
	if (region == NULL) {
		sp_region_set_size(&changed, layout->width, layout->height);
	} else {
		sp_region_add(&changed, region);
	}
	if (epoch == 0 || copy->fresh_epoch != epoch ||
			pixman_region32_subtract(&changed, &changed,
				&copy->fresh)) {
		sp_region_add(&copy->stale, &changed);
	} else {
		copy_age_whole(copy);
	}
	pixman_region32_fini(&changed);
}

static void age_asked(struct sp_copies *copies,
		const pixman_region32_t *region) {
	const struct sp_layout *layout = &copies->view->layout;
	if (region == NULL) {
		sp_region_set_size(&copies->stale_since, layout->width,
			layout->height);
	} else {
		sp_region_add(&copies->stale_since, region);
	}
}

/* The region, or all for NULL, may have changed: at any time, or, unless "epoch" is
 * 0, at any time before the requests that were read in that epoch. */
static void age(struct sp_copies *copies, const pixman_region32_t *region,
		uint64_t epoch) {
	struct sp_copy *copy;
	if (region == NULL || pixman_region32_not_empty(
			(pixman_region32_t *)region)) {
		copies->generation++;
	}
	if (copies->asked != NULL) {
		age_asked(copies, region);
	}
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		copy_age(copy, region, epoch);
	}
}

void sp_copies_age(struct sp_copies *copies, const pixman_region32_t *region,
		uint64_t epoch) {
	pthread_mutex_lock(&copies->lock);
	age(copies, region, epoch);
	pthread_mutex_unlock(&copies->lock);
}

/* Making copies. No lock may be held: other copies may be reclaimed for it. */

static int copy_init_store(struct sp_copy *copy) {
	struct sp_view *view = copy->copies->view;
	struct sp_backing *backing = view->backing;
	size_t size = (size_t)(view->layout.end -
		sp_layout_start(&view->layout));
	copy->place = IN_STORE;
	if (sp_spare_take(&backing->memory->cache, backing->spare, size,
			&copy->store)) {
		/* What is in it is the same client's, and no byte of it is read
		 * before it is copied over: all of a new copy is stale. */
		sp_chunks_set_all(&copy->written);
		return 0;
	}
	return sp_store_init(&copy->store, backing->account, size);
}

static int copy_init_shadow(struct sp_copy *copy) {
	struct sp_view *view = copy->copies->view;
	copy->place = IN_SHADOW;
	int ret = sp_shadow_init(&copy->shadow, view->backing->account,
		view->layout.end);
	if (ret < 0) {
		return ret;
	}
	ret = sp_shadow_reserve(&copy->shadow, sp_layout_start(&view->layout),
		view->layout.end);
	if (ret < 0) {
		sp_shadow_finish(&copy->shadow);
	}
	return ret;
}

static int copy_init_pinned(struct sp_copy *copy) {
	struct sp_view *view = copy->copies->view;
	struct sp_backing *backing = view->backing;
	copy->place = IN_PINNED_SHADOW;
	int ret = sp_pinned_use(&backing->pinned, sp_layout_start(&view->layout),
		view->layout.end);
	if (ret == 0) {
		pthread_mutex_lock(&backing->lock);
		copy->mapping = sp_mapping_ref(backing->pinned.shadow.mapping);
		pthread_mutex_unlock(&backing->lock);
	}
	return ret;
}

/* How much of the account would be given back. */
static void copy_note_held(struct sp_copy *copy) {
	const struct sp_layout *layout = &copy->copies->view->layout;
	uint64_t *held = copy->cached.held;
	switch (copy->place) {
	case IN_STORE:
		held[SP_RESOURCE_SHADOW_BYTES] = copy->store.size;
		break;
	case IN_SHADOW:
		held[SP_RESOURCE_FDS] = 1;
		held[SP_RESOURCE_SHADOW_BYTES] = copy->shadow.charged;
		break;
	case IN_PINNED_SHADOW:
		/* At most: pages that other buffers have as well stay. */
		held[SP_RESOURCE_SHADOW_BYTES] =
			held[SP_RESOURCE_PINNED_BYTES] =
			sp_pages_round_up(layout->end) -
			sp_pages_round_down(sp_layout_start(layout));
		break;
	}
}

static int copy_create(struct sp_copies *copies, bool for_writing,
		struct sp_copy **copy_ptr) {
	struct sp_backing *backing = copies->view->backing;
	struct sp_copy *copy = calloc(1, sizeof(*copy));
	if (copy == NULL) {
		return -ENOMEM;
	}
	copy->copies = copies;
	int ret = for_writing ? copy_init_shadow(copy) :
		backing->is_pinned ? copy_init_pinned(copy) :
		copy_init_store(copy);
	if (ret < 0) {
		free(copy);
		return ret;
	}
	sp_cached_init(&copy->cached, backing->account);
	copy->cached.detach = copy_detach;
	copy->cached.release = copy_release;
	copy_note_held(copy);
	pixman_region32_init(&copy->stale);
	pixman_region32_init(&copy->fresh);
	copy_age_whole(copy);
	*copy_ptr = copy;
	return 0;
}

/* Using copies. Require: copies->lock */

static bool is_for(const struct sp_copy *copy, bool writing) {
	return (copy->place == IN_SHADOW) == writing;
}

/* The copy to use for an access, or NULL where a new one is needed: for reading
 * one that shows the newest frame, or else one that nobody uses and that can
 * be brought up to date. */
static struct sp_copy *find(struct sp_copies *copies, bool for_writing) {
	struct sp_copy *copy, *unused = NULL;
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		if (!is_for(copy, for_writing)) {
			continue;
		}
		if (!for_writing && copy_is_current(copy)) {
			return copy;
		}
		if (copy->users == 0 && unused == NULL) {
			unused = copy;
		}
	}
	return unused;
}

/* Better an older frame than none: for reading when no copy can be made. */
static struct sp_copy *find_older(struct sp_copies *copies) {
	struct sp_copy *copy;
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		if (is_for(copy, false)) {
			return copy;
		}
	}
	return NULL;
}

/* The same, by one of the two, once it is not being filled. */
static struct sp_copy *wait_for(struct sp_copies *copies, bool for_writing,
		bool older) {
	for (;;) {
		struct sp_copy *copy = older ? find_older(copies) :
			find(copies, for_writing);
		if (copy == NULL || !copy->filling) {
			return copy;
		}
		pthread_cond_wait(&copies->filled, &copies->lock);
	}
}

/* The same, and makes one if there is none; NULL where that fails, with "error" set.
 * One thread makes one at a time. Releases the lock meanwhile. */
static struct sp_copy *find_or_create(struct sp_copies *copies,
		bool for_writing, int *error) {
	struct sp_copy *copy;
	while ((copy = wait_for(copies, for_writing, false)) == NULL &&
			copies->creating) {
		/* By another thread, which may serve here as well. */
		pthread_cond_wait(&copies->filled, &copies->lock);
	}
	if (copy != NULL) {
		return copy;
	}
	struct sp_copy *created = NULL;
	copies->creating = true;
	pthread_mutex_unlock(&copies->lock);
	*error = copy_create(copies, for_writing, &created);
	pthread_mutex_lock(&copies->lock);
	copies->creating = false;
	pthread_cond_broadcast(&copies->filled);
	if (created != NULL) {
		sp_list_append(&copies->list, &created->link);
		return created;
	}
	/* Another thread may have done with one meanwhile. */
	return wait_for(copies, for_writing, false);
}

static void copy_use(struct sp_copy *copy) {
	if (copy->users++ == 0) {
		sp_cache_remove(get_cache(copy->copies), &copy->cached);
		copy->on_offer = false;
	}
}

void sp_copies_note_missing(struct sp_copies *copies, int error) {
	struct sp_view *view = copies->view;
	struct sp_backing *backing = view->backing;
	int64_t size = sp_file_get_size(&backing->file);
	if (size >= 0 && (uint64_t)size < view->layout.end) {
		backing->counters.faults++;
		backing->client_counters->faults++;
		view->ops->short_file(view, (uint64_t)size);
	} else if (size < 0 || error != 0) {
		/* That is no word on the file. */
		view->ops->failed(view, size < 0 ? (int)size : -error);
	}
	/* Else it was cut, and is long enough again: it is copied the next time. */
}

static bool is_slow(const struct sp_copies *copies) {
	return copies->view->backing->file.kind == SP_FILE_SLOW;
}

static struct sp_copy_target copy_get_target(struct sp_copy *copy) {
	return (struct sp_copy_target){
		.data = copy_get_data(copy),
		.start = get_start(copy->copies),
		.written = copy->place == IN_STORE ? &copy->written :
			copy->place == IN_SHADOW ? &copy->shadow.written :
			&copy->copies->view->backing->pinned.shadow.written,
	};
}

static void count_in(struct sp_view *view, uint64_t bytes) {
	view->counters.copied_in += bytes;
	view->backing->counters.copied_in += bytes;
	view->backing->client_counters->copied_in += bytes;
}

/* Copies a region without waiting for anything: from memory, or what is at hand of
 * any other file. */
static struct sp_copied copy_in(struct sp_copy *copy,
		const pixman_region32_t *region) {
	struct sp_view *view = copy->copies->view;
	struct sp_backing *backing = view->backing;
	const struct sp_copy_target target = copy_get_target(copy);
	struct sp_mapping *client = NULL;
	if (backing->file.kind == SP_FILE_SHMEM &&
			sp_copy_in_wants_mapping(&view->layout, region)) {
		client = sp_backing_map(backing, SP_MAPPING_READ,
			view->layout.end);
	}
	const struct sp_copy_source source = {
		.fd = backing->file.fd,
		.base = client != NULL ? client->data : NULL,
		.counts_as_full = backing->file.kind == SP_FILE_SLOW,
		.at_once = backing->file.kind == SP_FILE_SLOW,
		.bounce = &backing->memory->bounce,
	};
	struct sp_copied copied = sp_copy_in(&source, &view->layout, region,
		&target);
	sp_mapping_unref(client);
	return copied;
}

/* Brings a copy up to date. Releases the lock meanwhile: commits need not wait for
 * a copy. */
static void copy_fill(struct sp_copy *copy, uint64_t epoch) {
	struct sp_copies *copies = copy->copies;
	pixman_region32_t stale = copy->stale;
	pixman_region32_init(&copy->stale);
	uint64_t generation = copies->generation;
	copy->filling = true;
	pthread_mutex_unlock(&copies->lock);

	struct sp_copied copied = copy_in(copy, &stale);
	count_in(copies->view, copied.bytes);
	if (copied.missing > 0 && !is_slow(copies)) {
		sp_copies_note_missing(copies, copied.error);
	}

	pthread_mutex_lock(&copies->lock);
	if (copied.missing > 0) {
		/* Zero for this access; the client may yet do better. */
		copy_age_whole(copy);
	} else {
		copies->seen = generation;
	}
	if (copied.missing == 0 && epoch != 0) {
		copy_note_fresh(copy, &stale, epoch);
	}
	pixman_region32_fini(&stale);
	copy->filling = false;
	pthread_cond_broadcast(&copies->filled);
}

/* A file that may never answer */

static bool has_failed(const struct sp_slow *slow) {
	return slow->copied.missing > 0 || slow->size < 0;
}

/* Tells of what is wrong with the file. */
static void report_slow(struct sp_view *view, const struct sp_slow *slow) {
	struct sp_backing *backing = view->backing;
	bool regular = slow->size != -EINVAL;
	if (regular && (slow->size < 0 || slow->copied.error != 0)) {
		view->ops->failed(view, slow->size < 0 ? (int)slow->size :
			-slow->copied.error);
		return;
	}
	backing->counters.faults++;
	backing->client_counters->faults++;
	view->ops->short_file(view, regular ? (uint64_t)slow->size : 0);
}

/* Takes what the file has answered to a copy. What became stale since it was asked
 * stays stale. Requires: copies->lock */
static void copy_take(struct sp_copy *copy, struct sp_slow *slow,
		uint64_t epoch) {
	struct sp_copies *copies = copy->copies;
	const struct sp_copy_target target = copy_get_target(copy);
	sp_slow_take(slow, &target);
	count_in(copies->view, slow->copied.bytes);
	if (has_failed(slow)) {
		return;
	}
	pixman_region32_t taken;
	pixman_region32_init(&taken);
	if (!pixman_region32_subtract(&taken, &slow->region,
				&copies->stale_since) ||
			!pixman_region32_subtract(&copy->stale, &copy->stale,
				&taken)) {
		copy_age_whole(copy);
	} else if (epoch != 0 && copies->asked_generation ==
			copies->generation) {
		copy_note_fresh(copy, &slow->region, epoch);
	}
	pixman_region32_fini(&taken);
}

/* Asks for what is stale. Releases the lock meanwhile: other copies may be reclaimed for
 * the memory that the answer takes. Returns 0 or a negative errno. */
static int copy_ask(struct sp_copy *copy) {
	struct sp_copies *copies = copy->copies;
	struct sp_backing *backing = copies->view->backing;
	uint64_t generation = copies->generation;
	pixman_region32_t stale;
	pixman_region32_init(&stale);
	if (!pixman_region32_copy(&stale, &copy->stale)) {
		pixman_region32_fini(&stale);
		return -ENOMEM;
	}
	struct sp_slow *slow = NULL;
	pthread_mutex_unlock(&copies->lock);
	int ret = sp_slow_read(backing->reader, &backing->file,
		&copies->view->layout, &stale, backing->account, &slow);
	pthread_mutex_lock(&copies->lock);
	pixman_region32_fini(&stale);
	if (ret == 0 && (copies->asked != NULL ||
			copies->generation != generation)) {
		/* Another thread was faster, or a commit. */
		sp_slow_cancel(slow);
		sp_slow_unref(slow);
	} else if (ret == 0) {
		copies->asked = slow;
		copies->asked_generation = generation;
		pixman_region32_clear(&copies->stale_since);
	}
	return ret;
}

/* Waits for what was asked, as long as may be, and takes it. Releases the lock
 * meanwhile. Returns 0 or -ETIMEDOUT. */
static int copy_await(struct sp_copy *copy, uint64_t epoch, bool *failed) {
	struct sp_copies *copies = copy->copies;
	struct sp_view *view = copies->view;
	struct sp_slow *slow = sp_slow_ref(copies->asked);
	pthread_mutex_unlock(&copies->lock);
	bool done = sp_reader_wait(view->backing->reader, &slow->job);
	if (!done) {
		view->ops->silent(view);
	}
	pthread_mutex_lock(&copies->lock);
	*failed = done && has_failed(slow);
	/* Unless another thread was faster. */
	if (done && copies->asked == slow) {
		copy_take(copy, slow, epoch);
		copies->asked = NULL;
		copies->seen = copies->asked_generation;
		sp_slow_unref(slow);
	}
	if (*failed) {
		pthread_mutex_unlock(&copies->lock);
		report_slow(view, slow);
		pthread_mutex_lock(&copies->lock);
	}
	sp_slow_unref(slow);
	return done ? 0 : -ETIMEDOUT;
}

/* Brings a copy up to date as far as the file answers in time. Returns 0,
 * -ETIMEDOUT or another negative errno. Releases the lock meanwhile. */
static int copy_fill_slowly(struct sp_copy *copy, uint64_t epoch) {
	struct sp_copies *copies = copy->copies;
	if (copies->view->backing->file.own && copies->asked == NULL) {
		copy_fill(copy, epoch);
	}
	copy->filling = true;
	int ret = 0;
	bool failed = false;
	/* What was asked for an older frame comes first. */
	for (int i = 0; i < 2 && ret == 0 && !failed && !copy_is_current(copy);
			i++) {
		ret = copies->asked != NULL ? 0 : copy_ask(copy);
		if (ret == 0 && copies->asked != NULL) {
			ret = copy_await(copy, epoch, &failed);
		}
	}
	copy->filling = false;
	pthread_cond_broadcast(&copies->filled);
	return ret;
}

bool sp_copies_begin_current(struct sp_copies *copies,
		struct sp_access *access, struct sp_copy **copy_ptr) {
	pthread_mutex_lock(&copies->lock);
	struct sp_copy *copy = wait_for(copies, false, false);
	bool found = copy != NULL && copy_is_current(copy);
	if (found) {
		copy_use(copy);
		access->data = copy_get_data(copy);
		*copy_ptr = copy;
	}
	pthread_mutex_unlock(&copies->lock);
	return found;
}

uint64_t sp_copies_get_generation(struct sp_copies *copies) {
	pthread_mutex_lock(&copies->lock);
	uint64_t generation = copies->generation;
	pthread_mutex_unlock(&copies->lock);
	return generation;
}

bool sp_copies_are_waiting(struct sp_copies *copies, uint64_t generation) {
	pthread_mutex_lock(&copies->lock);
	bool waiting = copies->seen < generation && copies->asked != NULL &&
		!sp_reader_is_done(copies->view->backing->reader,
			&copies->asked->job);
	pthread_mutex_unlock(&copies->lock);
	return waiting;
}

bool sp_copies_have_seen(struct sp_copies *copies, uint64_t generation) {
	pthread_mutex_lock(&copies->lock);
	bool seen = copies->seen >= generation;
	pthread_mutex_unlock(&copies->lock);
	return seen;
}

int sp_copies_begin_read(struct sp_copies *copies, uint64_t epoch,
		struct sp_access *access, struct sp_copy **copy_ptr) {
	int ret = 0;
	pthread_mutex_lock(&copies->lock);
	struct sp_copy *copy = find_or_create(copies, false, &ret);
	bool older = copy == NULL;
	if (older) {
		copy = wait_for(copies, false, true);
	}
	if (copy == NULL) {
		pthread_mutex_unlock(&copies->lock);
		return ret;
	}
	copy_use(copy);
	int slow_ret = 0;
	if (!older && !copy_is_current(copy)) {
		if (is_slow(copies)) {
			slow_ret = copy_fill_slowly(copy, epoch);
		} else {
			copy_fill(copy, epoch);
		}
	}
	access->data = copy_get_data(copy);
	pthread_mutex_unlock(&copies->lock);
	*copy_ptr = copy;
	/* What is there is shown until there is more. */
	if (slow_ret < 0 && slow_ret != -ETIMEDOUT) {
		sp_view_report(copies->view, slow_ret);
	}
	return 0;
}

int sp_copies_begin_write(struct sp_copies *copies, uint64_t epoch,
		struct sp_mapping *mapping, struct sp_access *access,
		struct sp_copy **copy_ptr) {
	int ret = 0;
	pthread_mutex_lock(&copies->lock);
	struct sp_copy *copy = find_or_create(copies, true, &ret);
	if (copy == NULL) {
		pthread_mutex_unlock(&copies->lock);
		return ret;
	}
	copy_use(copy);
	if (!copy_is_current(copy)) {
		if (is_slow(copies)) {
			ret = copy_fill_slowly(copy, epoch);
		} else {
			copy_fill(copy, epoch);
		}
	}
	if (ret < 0) {
		/* All of it would be written back. */
		copy->users--;
		sp_cache_add(get_cache(copies), &copy->cached);
		pthread_mutex_unlock(&copies->lock);
		return ret;
	}
	copy->write_back = mapping;
	access->data = copy_get_data(copy);
	pthread_mutex_unlock(&copies->lock);
	*copy_ptr = copy;
	return 0;
}

static void count_out(struct sp_view *view, uint64_t bytes) {
	view->counters.copied_out += bytes;
	view->backing->counters.copied_out += bytes;
	view->backing->client_counters->copied_out += bytes;
}

/* What is not written in time may still be, later. */
static void write_back_slowly(struct sp_view *view,
		const struct sp_shadow *shadow,
		const pixman_region32_t *region) {
	struct sp_backing *backing = view->backing;
	struct sp_slow *slow;
	int ret = sp_slow_write(backing->reader, &backing->file,
		&view->layout, region, sp_untrusted_own(shadow->mapping->data) +
		sp_layout_start(&view->layout), backing->account, &slow);
	if (ret < 0) {
		view->ops->failed(view, ret);
		return;
	}
	if (!sp_reader_wait(backing->reader, &slow->job)) {
		view->ops->silent(view);
	} else {
		count_out(view, slow->copied.bytes);
		if (slow->copied.missing > 0 || slow->copied.error != 0) {
			report_slow(view, slow);
		}
	}
	sp_slow_unref(slow);
}

void sp_copies_write_back(struct sp_copies *copies,
		const struct sp_shadow *shadow,
		const pixman_region32_t *region,
		const struct sp_mapping *mapping) {
	struct sp_view *view = copies->view;
	if (is_slow(copies)) {
		write_back_slowly(view, shadow, region);
		return;
	}
	int64_t size = sp_file_get_size(&view->backing->file);
	struct sp_copied copied = sp_copy_out(shadow->fd, &view->layout,
		region, mapping->data, size > 0 ? (uint64_t)size : 0);
	count_out(view, copied.bytes);
	if (copied.missing > 0) {
		sp_copies_note_missing(copies, copied.error);
	}
}

static void copy_write_back(struct sp_copy *copy) {
	const struct sp_layout *layout = &copy->copies->view->layout;
	pixman_region32_t all;
	pixman_region32_init(&all);
	sp_region_set_size(&all, layout->width, layout->height);
	sp_copies_write_back(copy->copies, &copy->shadow, &all,
		copy->write_back);
	pixman_region32_fini(&all);
	sp_mapping_unref(copy->write_back);
	copy->write_back = NULL;
}

/* Who reads or writes once will again: one copy for each of that is kept. What
 * cannot be copied again is kept in any case. */
static bool is_wanted(const struct sp_copy *copy) {
	if (copy->place == IN_STORE && copy->copies->view->final &&
			copy_is_current(copy)) {
		return true;
	}
	const struct sp_copy *other;
	sp_list_for_each(other, &copy->copies->list, struct sp_copy, link) {
		if (other != copy && is_for(other, copy->place == IN_SHADOW)) {
			return false;
		}
	}
	return true;
}

void sp_copies_end(struct sp_copies *copies, struct sp_copy *copy) {
	bool for_writing = copy->place == IN_SHADOW;
	if (for_writing) {
		copy_write_back(copy);
	}
	bool destroy = false;
	pthread_mutex_lock(&copies->lock);
	if (for_writing) {
		age(copies, NULL, 0);
	}
	if (--copy->users == 0 && copy->place != IN_PINNED_SHADOW) {
		destroy = !is_wanted(copy);
		if (destroy) {
			sp_list_remove(&copy->link);
			sp_cache_begin_release(get_cache(copies));
		} else if (for_writing || !copies->view->final) {
			sp_cache_add(get_cache(copies), &copy->cached);
		} else if (copies->view->orphan) {
			sp_cache_add_orphan(get_cache(copies), &copy->cached);
		}
	}
	pthread_mutex_unlock(&copies->lock);
	if (destroy) {
		struct sp_cache *cache = get_cache(copies);
		copy_destroy(copy);
		sp_cache_end_release(cache);
	}
}

void sp_copies_drop(struct sp_copies *copies) {
	struct sp_copy *copy, *after;
	struct sp_list dropped;
	sp_list_init(&dropped);
	pthread_mutex_lock(&copies->lock);
	sp_list_for_each_safe(copy, after, &copies->list, struct sp_copy,
			link) {
		if (copy->users == 0) {
			sp_cache_remove(get_cache(copies), &copy->cached);
			sp_list_remove(&copy->link);
			sp_list_append(&dropped, &copy->link);
		}
	}
	pthread_mutex_unlock(&copies->lock);
	sp_list_for_each_safe(copy, after, &dropped, struct sp_copy, link) {
		copy_destroy(copy);
	}
}

void sp_copies_keep(struct sp_copies *copies) {
	struct sp_copy *copy;
	pthread_mutex_lock(&copies->lock);
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		if (is_for(copy, false) && !copy->on_offer) {
			sp_cache_remove(get_cache(copies), &copy->cached);
		}
	}
	pthread_mutex_unlock(&copies->lock);
}

void sp_copies_orphan(struct sp_copies *copies) {
	struct sp_copy *copy;
	pthread_mutex_lock(&copies->lock);
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		if (copy->users == 0 && copy->place == IN_STORE) {
			sp_cache_remove(get_cache(copies), &copy->cached);
			sp_cache_add_orphan(get_cache(copies), &copy->cached);
		}
	}
	pthread_mutex_unlock(&copies->lock);
}

void sp_copies_count(struct sp_copies *copies, uint32_t *fds,
		uint64_t *bytes) {
	const struct sp_copy *copy;
	pthread_mutex_lock(&copies->lock);
	sp_list_for_each(copy, &copies->list, struct sp_copy, link) {
		if (copy->place != IN_PINNED_SHADOW) {
			*fds += (uint32_t)copy->cached.held[SP_RESOURCE_FDS];
			*bytes += copy->cached.held[SP_RESOURCE_SHADOW_BYTES];
		}
	}
	pthread_mutex_unlock(&copies->lock);
}

/* Pinned shadows */

static void copy_retract(struct sp_copy *copy) {
	if (copy->on_offer) {
		sp_cache_remove(get_cache(copy->copies), &copy->cached);
		copy->on_offer = false;
	}
}

int sp_copies_reserve(struct sp_copies *copies) {
	int ret = 0;
	pthread_mutex_lock(&copies->lock);
	struct sp_copy *copy = find_older(copies);
	if (copy == NULL) {
		copy = find_or_create(copies, false, &ret);
	}
	if (copy != NULL) {
		copy_retract(copy);
	}
	pthread_mutex_unlock(&copies->lock);
	return copy != NULL ? 0 : ret;
}

void sp_copies_offer(struct sp_copies *copies) {
	pthread_mutex_lock(&copies->lock);
	struct sp_copy *copy = find_older(copies);
	if (copy != NULL && copy->place == IN_PINNED_SHADOW &&
			copy->users == 0 && !copy->on_offer &&
			!copies->view->backing->memory->reads_late) {
		copy->on_offer = true;
		sp_cache_add(get_cache(copies), &copy->cached);
	}
	pthread_mutex_unlock(&copies->lock);
}

void sp_copies_get_stale(struct sp_copies *copies, pixman_region32_t *stale) {
	const struct sp_layout *layout = &copies->view->layout;
	pthread_mutex_lock(&copies->lock);
	struct sp_copy *copy = find(copies, false);
	if (copy == NULL || !pixman_region32_copy(stale, &copy->stale)) {
		sp_region_set_size(stale, layout->width, layout->height);
	}
	pthread_mutex_unlock(&copies->lock);
}
