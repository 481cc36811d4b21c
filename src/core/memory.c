/* SPDX-License-Identifier: MIT */
/*
 * Which kind of memory a buffer is seen through, and the begin and end of an
 * access.
 *
 * A direct buffer is a pointer, for ever: its bytes lie below the sealed size,
 * so the file will always have them. That path takes no lock and makes no
 * system call.
 *
 * Where the kernel has MAP_NOFAULT, any other buffer that has memory is read in
 * place as well, by way of a mapping that shows zeroes where the file ends. What
 * it must not do is fill holes, so commits look for new ones; and the end of an
 * access looks whether zeroes may have been seen.
 *
 * What then remains is read through a copy. Each copy knows its stale region,
 * that is what may have changed since it was filled, just as a client knows the
 * age of its buffers; an access fills what is stale, once, and later accesses
 * share it. Commits that came together do not make it stale again (epoch.c). A copy
 * that someone reads is never written: when a newer frame is wanted meanwhile,
 * a spare copy is made, and given back after use. A write access has a copy of
 * its own, so that what lies in the pool's shadow is the client's and nothing
 * else.
 *
 *   commit, damage D     stale(copy) += D            nothing is copied
 *   begin by thread 1    stale -> copied, users 1    D is copied
 *   begin by thread 2    users 2                     nothing is copied
 *   commit, damage E     stale(copy) += E
 *   begin by thread 3    copy is in use: a spare     all is copied, once
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "clock.h"
#include "context.h"
#include "copy.h"
#include "filled.h"
#include "idle.h"
#include "memory.h"
#include "pool.h"
#include "region.h"

/* How many of a pool's copied buffers are looked at, when one goes, to find out
 * which of its pages no other one uses. */
#define RELEASE_SCAN_MAX 64

enum {
	/* Kept in sealpool_access.flags beside the caller's. */
	ACCESS_COPY = 1 << 16, /* .copy is a struct sp_copy */
	ACCESS_MAPPING = 1 << 17, /* .copy is a struct sp_mapping */
	ACCESS_NOFAULT = 1 << 18,
};

static void copy_destroy(struct sp_copy *copy) {
	if (copy->shadow == &copy->spare) {
		sp_shadow_finish(&copy->spare);
	}
	sp_mapping_unref(copy->mapping);
	pixman_region32_fini(&copy->stale);
	pixman_region32_fini(&copy->fresh);
	free(copy);
}

static struct sp_shadowed *shadowed_create(struct sealpool_buffer *buffer) {
	struct sp_shadowed *shadowed = calloc(1, sizeof(*shadowed));
	if (shadowed == NULL) {
		return NULL;
	}
	if (pthread_mutex_init(&shadowed->lock, NULL) != 0) {
		goto error_shadowed;
	}
	if (pthread_cond_init(&shadowed->filled, NULL) != 0) {
		goto error_lock;
	}
	wl_list_init(&shadowed->link);
	wl_list_init(&shadowed->copies);
	sp_report_init(&shadowed->report, buffer);
	return shadowed;

error_lock:
	pthread_mutex_destroy(&shadowed->lock);
error_shadowed:
	free(shadowed);
	return NULL;
}

static void shadowed_destroy(struct sp_shadowed *shadowed) {
	sp_report_finish(&shadowed->report);
	struct sp_copy *copy, *tmp;
	wl_list_for_each_safe(copy, tmp, &shadowed->copies, link) {
		assert(copy->users == 0);
		copy_destroy(copy);
	}
	pthread_cond_destroy(&shadowed->filled);
	pthread_mutex_destroy(&shadowed->lock);
	free(shadowed);
}

/* NULL when there is no memory. Any thread. */
static struct sp_shadowed *shadowed_get(struct sealpool_buffer *buffer) {
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	if (shadowed != NULL) {
		return shadowed;
	}
	struct sp_shadowed *created = shadowed_create(buffer);
	if (created == NULL || atomic_compare_exchange_strong(
			&buffer->memory.shadowed, &shadowed, created)) {
		return created;
	}
	/* Another thread was faster. */
	shadowed_destroy(created);
	return shadowed;
}

/* Judging */

static bool is_sealed(struct sealpool_buffer *buffer) {
	struct sp_file *file = &buffer->pool->file;
	/* Huge pages are reserved and taken away by other rules. */
	return file->kind == SP_FILE_SHMEM &&
		sp_file_is_sealed_to(file, buffer->layout.end);
}

/*
 * To be read in place, bytes must have memory: to read a hole would give it some,
 * on the reader's account and not the client's, and would raise SIGBUS (without
 * MAP_NOFAULT) where there is none to be had. (A client can still punch a hole
 * later, or hide one by giving memory to what is past the file's end.)
 */
static bool has_memory(struct sealpool_buffer *buffer,
		const struct sp_mapping *mapping) {
	struct sp_pool *pool = buffer->pool;
	uint64_t start = sp_layout_start(&buffer->layout);
	uint64_t end = buffer->layout.end;
	/* Most files are filled, and then one call tells. */
	if (!sp_file_has_holes(&pool->file)) {
		return true;
	}
	if (!sp_file_shows_pages(&pool->file)) {
		return false;
	}
	/* What was seen once is not enough where it has gone already. */
	if (buffer->memory.had_holes) {
		return end - start <= SP_FILLED_LOOK_MAX &&
			!sp_mapping_has_holes(mapping, start, end);
	}
	return sp_filled_covers(&pool->filled, mapping, start, end);
}

/*
 * Lets a shadow buffer be read in place. The mapping, once there, remains the
 * same. Where there is MAP_NOFAULT, a direct buffer has it too, though it pays
 * nothing for that: a hole that is punched later then reads as zero where the
 * kernel has no memory to give.
 */
static bool try_in_place(struct sealpool_buffer *buffer,
		enum sealpool_memory_kind kind) {
	struct sp_memory *memory = &buffer->memory;
	struct sp_pool *pool = buffer->pool;
	struct sp_mapping *mapping = sp_pool_map(pool,
		pool->client->context->nofault ?
			SP_MAPPING_NOFAULT : SP_MAPPING_READ,
		buffer->layout.end);
	memory->unmapped = mapping == NULL;
	if (mapping == NULL) {
		return false;
	}
	/* Zeroes from when the file was shorter, which another buffer met. */
	sp_mapping_renew(mapping);
	bool was_filled = buffer->layout.end <= pool->file.filled_size &&
		!memory->had_holes;
	if (!was_filled && !has_memory(buffer, mapping)) {
		sp_mapping_unref(mapping);
		return false;
	}
	pthread_mutex_lock(&pool->lock);
	/* Unless another thread was faster. */
	if (memory->kind == SEALPOOL_MEMORY_SHADOW) {
		if (memory->mapping == NULL) {
			memory->mapping = mapping;
			mapping = NULL;
		}
		atomic_store_explicit(&memory->kind, kind,
			memory_order_release);
	}
	pthread_mutex_unlock(&pool->lock);
	sp_mapping_unref(mapping);
	return true;
}

/* Clients make pools and buffers before they draw, let sealed files grow, or
 * seal them late. A buffer that never fills its holes is looked at less and
 * less often. */
static bool is_due(struct sealpool_buffer *buffer) {
	unsigned times = atomic_fetch_add(&buffer->judged, 1) + 1;
	return (times & (times - 1)) == 0;
}

/* Whether it is direct by now. Any thread. */
static bool judge_again(struct sealpool_buffer *buffer) {
	struct sp_memory *memory = &buffer->memory;
	if (memory->kind != SEALPOOL_MEMORY_SHADOW ||
			buffer->pool->shadow_lent || !is_sealed(buffer)) {
		return memory->kind == SEALPOOL_MEMORY_DIRECT;
	}
	return is_due(buffer) && try_in_place(buffer, SEALPOOL_MEMORY_DIRECT);
}

/*
 * Whether to look before a read: the commit that made a tracked buffer stale has
 * looked already. What has been seen since, of another buffer of its pool, costs
 * nothing to know.
 */
static bool is_to_be_judged(const struct sealpool_buffer *buffer) {
	return !buffer->memory.tracked ||
		buffer->layout.end <= buffer->pool->file.sealed_size;
}

static bool can_be_nofault(const struct sealpool_buffer *buffer) {
	const struct sp_pool *pool = buffer->pool;
	return pool->client->context->nofault && !pool->shadow_lent &&
		pool->file.kind == SP_FILE_SHMEM;
}

/* What is reported of a nofault buffer needs its record of copies. */
static bool try_nofault(struct sealpool_buffer *buffer) {
	return can_be_nofault(buffer) && shadowed_get(buffer) != NULL &&
		try_in_place(buffer, SEALPOOL_MEMORY_NOFAULT);
}

void sp_memory_init(struct sealpool_buffer *buffer) {
	struct sp_memory *memory = &buffer->memory;
	memory->kind = SEALPOOL_MEMORY_SHADOW;
	if (is_sealed(buffer)) {
		try_in_place(buffer, SEALPOOL_MEMORY_DIRECT);
	} else {
		try_nofault(buffer);
	}
}

void sp_memory_init_lent(struct sealpool_buffer *buffer) {
	/* Of memory that is safe, nothing is needed but its kind. */
	buffer->memory.kind = buffer->pool->shadow_lent ?
		SEALPOOL_MEMORY_SHADOW : SEALPOOL_MEMORY_DIRECT;
}

/* Stale regions */

static void copy_age_whole(struct sp_copy *copy,
		const struct sealpool_buffer *buffer) {
	sp_region_set_size(&copy->stale, buffer->layout.width,
		buffer->layout.height);
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

static void copy_age(struct sp_copy *copy, const struct sealpool_buffer *buffer,
		const pixman_region32_t *region, uint64_t epoch) {
	pixman_region32_t changed;
	pixman_region32_init(&changed);
	if (region == NULL) {
		sp_region_set_size(&changed, buffer->layout.width,
			buffer->layout.height);
	} else {
		sp_region_add(&changed, region);
	}
	if (epoch == 0 || copy->fresh_epoch != epoch ||
			pixman_region32_subtract(&changed, &changed,
				&copy->fresh)) {
		sp_region_add(&copy->stale, &changed);
	} else {
		copy_age_whole(copy, buffer);
	}
	pixman_region32_fini(&changed);
}

/* All bytes may have changed, at any time; or, unless "epoch" is 0, at any time
 * before the requests that were read in that epoch. */
static void age_copies(struct sealpool_buffer *buffer, uint64_t epoch) {
	struct sp_copy *copy;
	wl_list_for_each(copy, &buffer->memory.shadowed->copies, link) {
		copy_age(copy, buffer, NULL, epoch);
	}
}

void sp_memory_age(struct sealpool_buffer *buffer,
		const pixman_region32_t *region, uint64_t epoch) {
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	/* A copy that is made later begins wholly stale. */
	if (shadowed == NULL) {
		return;
	}
	struct sp_copy *copy;
	pthread_mutex_lock(&shadowed->lock);
	wl_list_for_each(copy, &shadowed->copies, link) {
		copy_age(copy, buffer, region, epoch);
	}
	pthread_mutex_unlock(&shadowed->lock);
}

bool sp_memory_wants_commits(const struct sealpool_buffer *buffer) {
	return buffer->memory.kind != SEALPOOL_MEMORY_DIRECT;
}

void sp_memory_set_tracked(struct sealpool_buffer *buffer, bool tracked,
		uint64_t epoch) {
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	buffer->memory.tracked = tracked;
	if (shadowed != NULL) {
		pthread_mutex_lock(&shadowed->lock);
		age_copies(buffer, epoch);
		pthread_mutex_unlock(&shadowed->lock);
	}
}

/* Frees the memory of copies that a direct buffer needs no more. */
static void drop_copies(struct sealpool_buffer *buffer);

/* A hole that has come since is not to be filled by reading it. */
static void judge_nofault(struct sealpool_buffer *buffer) {
	struct sp_memory *memory = &buffer->memory;
	if (!sp_file_has_holes(&buffer->pool->file)) {
		sp_mapping_renew(memory->mapping);
		return;
	}
	/* A zero page in the place of one would hide it. */
	memory->mapping->outdated = true;
	sp_mapping_renew(memory->mapping);
	memory->had_holes = true;
	if (!has_memory(buffer, memory->mapping)) {
		atomic_store_explicit(&memory->kind, SEALPOOL_MEMORY_SHADOW,
			memory_order_release);
	}
}

void sp_memory_handle_commit(struct sealpool_buffer *buffer) {
	struct sp_memory *memory = &buffer->memory;
	if (memory->kind == SEALPOOL_MEMORY_NOFAULT) {
		judge_nofault(buffer);
	} else if (judge_again(buffer) ||
			(memory->kind == SEALPOOL_MEMORY_SHADOW &&
			can_be_nofault(buffer) && !is_sealed(buffer) &&
			is_due(buffer) && try_nofault(buffer))) {
		drop_copies(buffer);
	}
}

/* Copies */

/* Makes a copy, with all of it stale, in the given shadow. */
static int copy_init(struct sp_copy *copy, struct sealpool_buffer *buffer,
		struct sp_shadow *shadow) {
	int ret = sp_shadow_grow(shadow, buffer->layout.end);
	if (ret < 0) {
		return ret;
	}
	ret = sp_shadow_reserve(shadow, sp_layout_start(&buffer->layout),
		buffer->layout.end);
	if (ret < 0) {
		return ret;
	}
	copy->shadow = shadow;
	copy->mapping = sp_mapping_ref(shadow->mapping);
	return 0;
}

/* The first copy for reading lies in the pool's shadow. */
static int copy_init_in_pool(struct sp_copy *copy,
		struct sealpool_buffer *buffer) {
	struct sp_pool *pool = buffer->pool;
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	pthread_mutex_lock(&pool->lock);
	/* What is in it is the same client's, and no byte of it is read before it
	 * is copied over: all of a new copy is stale. */
	bool reused = sp_pool_reuse_shadow(pool,
		sp_layout_start(&buffer->layout), buffer->layout.end);
	int ret = sp_pool_need_shadow(pool);
	if (ret == 0) {
		ret = copy_init(copy, buffer, &pool->shadow);
	}
	if (reused && ret < 0) {
		sp_shadow_finish(&pool->shadow);
		pool->has_shadow = false;
	}
	if (ret == 0) {
		wl_list_insert(&pool->shadowed, &shadowed->link);
		pool->shadowed_len++;
		shadowed->in_pool = true;
	}
	pthread_mutex_unlock(&pool->lock);
	return ret;
}

static int copy_init_spare(struct sp_copy *copy,
		struct sealpool_buffer *buffer) {
	int ret = sp_shadow_init(&copy->spare, buffer->pool->client,
		buffer->layout.end);
	if (ret < 0) {
		return ret;
	}
	ret = copy_init(copy, buffer, &copy->spare);
	if (ret < 0) {
		sp_shadow_finish(&copy->spare);
	}
	return ret;
}

static int copy_create(struct sealpool_buffer *buffer, bool for_writing,
		struct sp_copy **copy_ptr) {
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	struct sp_copy *copy = calloc(1, sizeof(*copy));
	if (copy == NULL) {
		return -ENOMEM;
	}
	copy->for_writing = for_writing;
	int ret = for_writing || shadowed->in_pool ?
		copy_init_spare(copy, buffer) : copy_init_in_pool(copy, buffer);
	if (ret < 0) {
		free(copy);
		return ret;
	}
	pixman_region32_init(&copy->stale);
	pixman_region32_init(&copy->fresh);
	copy_age_whole(copy, buffer);
	wl_list_insert(shadowed->copies.prev, &copy->link);
	*copy_ptr = copy;
	return 0;
}

static bool is_fresh(const struct sp_copy *copy) {
	return !pixman_region32_not_empty((pixman_region32_t *)&copy->stale);
}

/*
 * The copy to use for an access, or NULL where a new one is needed: for reading
 * one that shows the newest frame, or else one that nobody uses and that can
 * be brought up to date. Called with the lock held.
 */
static struct sp_copy *copy_find(struct sp_shadowed *shadowed,
		bool for_writing) {
	struct sp_copy *copy, *unused = NULL;
	wl_list_for_each(copy, &shadowed->copies, link) {
		if (copy->for_writing != for_writing) {
			continue;
		}
		if (!for_writing && is_fresh(copy)) {
			return copy;
		}
		if (copy->users == 0 && unused == NULL) {
			unused = copy;
		}
	}
	return unused;
}

/* Better an older frame than none: for reading when no copy can be made. */
static struct sp_copy *copy_find_older(struct sp_shadowed *shadowed) {
	struct sp_copy *copy;
	wl_list_for_each(copy, &shadowed->copies, link) {
		if (!copy->for_writing) {
			return copy;
		}
	}
	return NULL;
}

/* The file has ended before its buffer did. */
static void note_short(struct sealpool_buffer *buffer) {
	struct sp_pool *pool = buffer->pool;
	int64_t size = sp_file_get_size(&pool->file);
	pool->faults++;
	pool->client->faults++;
	sp_report_post(&buffer->memory.shadowed->report, SP_REPORT_SHORT,
		size > 0 ? size : 0);
}

/* Brings a copy up to date. Called with the lock held, which is released
 * meanwhile: commits need not wait for a copy. */
static void copy_fill(struct sealpool_buffer *buffer, struct sp_copy *copy,
		uint64_t epoch) {
	struct sp_pool *pool = buffer->pool;
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	pixman_region32_t stale = copy->stale;
	pixman_region32_init(&copy->stale);
	copy->filling = true;
	pthread_mutex_unlock(&shadowed->lock);

	const struct sp_copy_target target = {
		.fd = copy->shadow->fd,
		.base = sp_untrusted_own(copy->mapping->data),
	};
	struct sp_mapping *client = NULL;
	bool only_mapped = pool->file.kind == SP_FILE_LOCAL;
	if (only_mapped || (pool->file.kind == SP_FILE_SHMEM &&
			sp_copy_in_wants_mapping(&buffer->layout, &stale))) {
		client = sp_pool_map(pool, SP_MAPPING_READ,
			buffer->layout.end);
	}
	struct sp_copy_source source = {
		.fd = pool->file.fd,
		.base = client != NULL ? client->data : NULL,
		.only_mapped = only_mapped,
		.bounce = &pool->client->context->bounce,
	};
	struct sp_copied copied = sp_copy_in(&source, &buffer->layout, &stale,
		&target);
	sp_mapping_unref(client);
	pool->bytes_copied_in += copied.bytes;
	buffer->memory.bytes_copied_in += copied.bytes;
	pool->client->bytes_copied_in += copied.bytes;
	/* An error is not the client's doing, a bad disk's perhaps: whoever
	 * shows the zeroes cannot do better, and may the next time. */
	if (copied.missing > 0 && copied.error == 0) {
		note_short(buffer);
	}

	pthread_mutex_lock(&shadowed->lock);
	if (copied.missing > 0) {
		/* Zero for this access; the client may yet do better. */
		copy_age_whole(copy, buffer);
	} else if (epoch != 0) {
		copy_note_fresh(copy, &stale, epoch);
	}
	pixman_region32_fini(&stale);
	copy->filling = false;
	pthread_cond_broadcast(&shadowed->filled);
}

/* Accesses */

/* "epoch" is the current one, or 0. With "for_request", for a request that was read
 * in it, what was copied in it is not copied again. */
static int begin_copy(struct sealpool_buffer *buffer,
		struct sealpool_access *access, struct sp_mapping *hand_back,
		uint64_t epoch, bool for_request) {
	struct sp_shadowed *shadowed = shadowed_get(buffer);
	if (shadowed == NULL) {
		return -ENOMEM;
	}
	bool for_writing = hand_back != NULL;
	struct sp_copy *copy;
	int ret = 0;

	pthread_mutex_lock(&shadowed->lock);
	if (!buffer->memory.tracked) {
		age_copies(buffer, for_request ? epoch : 0);
	}
	for (;;) {
		copy = copy_find(shadowed, for_writing);
		if (copy == NULL || !copy->filling) {
			break;
		}
		pthread_cond_wait(&shadowed->filled, &shadowed->lock);
	}
	if (!for_writing && (copy == NULL || !is_fresh(copy)) &&
			is_to_be_judged(buffer) && judge_again(buffer)) {
		pthread_mutex_unlock(&shadowed->lock);
		access->data = sp_untrusted_in_place(
			buffer->memory.mapping->data) +
			sp_layout_start(&buffer->layout);
		return 0;
	}
	if (copy == NULL) {
		ret = copy_create(buffer, for_writing, &copy);
	}
	if (ret < 0 && !for_writing) {
		copy = copy_find_older(shadowed);
		while (copy != NULL && copy->filling) {
			pthread_cond_wait(&shadowed->filled, &shadowed->lock);
			copy = copy_find_older(shadowed);
		}
		if (copy != NULL) {
			copy->users++;
			goto out;
		}
	}
	if (ret < 0) {
		pthread_mutex_unlock(&shadowed->lock);
		sp_report_post(&shadowed->report, ret == -EDQUOT ?
			SP_REPORT_OVER_BUDGET : SP_REPORT_FAILED, ret);
		return ret;
	}

	copy->users++;
	if (!is_fresh(copy)) {
		copy_fill(buffer, copy, epoch);
	}
	if (for_writing) {
		copy->hand_back = hand_back;
	}
out:
	pthread_mutex_unlock(&shadowed->lock);
	access->data = sp_untrusted_own(copy->mapping->data) +
		sp_layout_start(&buffer->layout);
	access->copy = copy;
	access->flags |= ACCESS_COPY;
	return 0;
}

static void hand_back(struct sealpool_buffer *buffer, int shadow_fd,
		const pixman_region32_t *region,
		const struct sp_mapping *mapping) {
	struct sp_pool *pool = buffer->pool;
	int64_t size = sp_file_get_size(&pool->file);
	struct sp_copied copied = sp_copy_out(shadow_fd, &buffer->layout,
		region, mapping->data, size > 0 ? (uint64_t)size : 0);
	pool->bytes_copied_out += copied.bytes;
	buffer->memory.bytes_copied_out += copied.bytes;
	pool->client->bytes_copied_out += copied.bytes;
	/* With an error as well: it is the client's page that was not there. */
	if (copied.missing > 0) {
		note_short(buffer);
	}
}

static void copy_hand_back(struct sealpool_buffer *buffer, struct sp_copy *copy) {
	pixman_region32_t all;
	pixman_region32_init(&all);
	sp_region_set_size(&all, buffer->layout.width, buffer->layout.height);
	hand_back(buffer, copy->shadow->fd, &all, copy->hand_back);
	pixman_region32_fini(&all);
	sp_mapping_unref(copy->hand_back);
	copy->hand_back = NULL;
}

static bool is_only_writer(const struct sp_shadowed *shadowed,
		const struct sp_copy *copy) {
	const struct sp_copy *other;
	wl_list_for_each(other, &shadowed->copies, link) {
		if (other->for_writing && other != copy) {
			return false;
		}
	}
	return copy->for_writing;
}

static void end_copy(struct sealpool_buffer *buffer, struct sp_copy *copy) {
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	if (copy->for_writing) {
		copy_hand_back(buffer, copy);
	}

	pthread_mutex_lock(&shadowed->lock);
	if (copy->for_writing) {
		age_copies(buffer, 0);
	}
	/* Who writes once will write again: one copy for that is kept. */
	bool keep = copy->shadow != &copy->spare ||
		is_only_writer(shadowed, copy);
	bool destroy = --copy->users == 0 && !keep;
	shadowed->used = sp_clock_now();
	if (destroy) {
		wl_list_remove(&copy->link);
	}
	pthread_mutex_unlock(&shadowed->lock);
	if (destroy) {
		copy_destroy(copy);
	}
	sp_idle_note(buffer->pool->client->context);
}

static int begin_write(struct sealpool_buffer *buffer,
		struct sealpool_access *access) {
	struct sp_pool *pool = buffer->pool;
	if (!pool->file.writable) {
		return -EACCES;
	}
	/* Seals can forbid this (EPERM), and a lack of addresses or of huge
	 * pages make it impossible. */
	struct sp_mapping *mapping =
		sp_pool_map(pool, SP_MAPPING_WRITE, buffer->layout.end);
	if (mapping == NULL) {
		return errno == ENOMEM ? -ENOMEM : -EACCES;
	}
	if (judge_again(buffer)) {
		access->data = sp_untrusted_in_place(mapping->data) +
			sp_layout_start(&buffer->layout);
		access->copy = mapping;
		access->flags |= ACCESS_MAPPING;
		return 0;
	}
	int ret = begin_copy(buffer, access, mapping,
		sp_client_get_epoch(pool->client), false);
	if (ret < 0) {
		sp_mapping_unref(mapping);
	}
	return ret;
}

/* All that is said of it but where it is. */
static void describe(struct sealpool_buffer *buffer, uint32_t flags,
		struct sealpool_access *access) {
	access->format = buffer->layout.format->drm;
	access->stride = buffer->layout.planes[0].stride;
	access->buffer = buffer;
	access->flags = flags;
}

static int begin_any(struct sealpool_buffer *buffer, uint32_t flags,
		struct sealpool_access *access) {
	assert(flags != 0);
	assert((flags & ~(SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE)) == 0);
	*access = (struct sealpool_access){ 0 };
	describe(buffer, flags, access);
	if (flags & SEALPOOL_ACCESS_WRITE) {
		return begin_write(buffer, access);
	}
	struct sp_memory *memory = &buffer->memory;
	enum sealpool_memory_kind kind =
		atomic_load_explicit(&memory->kind, memory_order_acquire);
	if (kind == SEALPOOL_MEMORY_SHADOW) {
		/* A compositor has nothing to do instead of reading: wlroots
		 * keeps a texture of the old size, and then aborts. */
		struct sp_client *client = buffer->pool->client;
		if (begin_copy(buffer, access, NULL,
				sp_client_get_epoch(client), false) < 0) {
			access->data = sp_untrusted_own(
				client->context->zeroes->data);
		}
		return 0;
	}
	if (kind == SEALPOOL_MEMORY_NOFAULT) {
		access->flags |= ACCESS_NOFAULT;
	}
	access->data = sp_untrusted_in_place(memory->mapping->data) +
		sp_layout_start(&buffer->layout);
	return 0;
}

/* What most accesses are takes as few instructions as can be. */
int sealpool_buffer_begin_access(struct sealpool_buffer *buffer,
		uint32_t flags, struct sealpool_access *access) {
	if (flags != SEALPOOL_ACCESS_READ || atomic_load_explicit(
			&buffer->memory.kind, memory_order_acquire) !=
			SEALPOOL_MEMORY_DIRECT) {
		return begin_any(buffer, flags, access);
	}
	describe(buffer, flags, access);
	access->data = sp_untrusted_in_place(buffer->memory.mapping->data) +
		sp_layout_start(&buffer->layout);
	return 0;
}

/* A page that the file has not, or that has no memory there, may have read as
 * zero, and will go on to: note that, to look anew once the client may have
 * changed it. */
static void end_nofault(struct sealpool_buffer *buffer) {
	bool holes;
	int64_t size = sp_file_look(&buffer->pool->file, &holes);
	bool is_short = size < 0 || (uint64_t)size < buffer->layout.end;
	if (is_short || holes) {
		buffer->memory.mapping->outdated = true;
	}
	if (is_short) {
		note_short(buffer);
	}
}

static void end_any(struct sealpool_access *access) {
	struct sealpool_buffer *buffer = access->buffer;
	if (access->flags & ACCESS_COPY) {
		end_copy(buffer, access->copy);
	} else if (access->flags & ACCESS_MAPPING) {
		sp_mapping_unref(access->copy);
	} else if (access->flags & ACCESS_NOFAULT) {
		end_nofault(buffer);
	}
}

void sealpool_access_end(struct sealpool_access *access) {
	if (access->flags & (ACCESS_COPY | ACCESS_MAPPING | ACCESS_NOFAULT)) {
		end_any(access);
	}
	access->data = NULL;
	access->buffer = NULL;
	access->flags = 0;
}

int sp_memory_reserve(struct sealpool_buffer *buffer) {
	struct sp_shadowed *shadowed = shadowed_get(buffer);
	if (shadowed == NULL) {
		return -ENOMEM;
	}
	struct sp_copy *copy;
	pthread_mutex_lock(&shadowed->lock);
	int ret = shadowed->in_pool ? 0 : copy_create(buffer, false, &copy);
	pthread_mutex_unlock(&shadowed->lock);
	return ret;
}

void sp_memory_get_stale(struct sealpool_buffer *buffer, uint64_t epoch,
		pixman_region32_t *stale) {
	const struct sp_layout *layout = &buffer->layout;
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	sp_region_set_size(stale, layout->width, layout->height);
	if (shadowed == NULL) {
		return;
	}
	pthread_mutex_lock(&shadowed->lock);
	if (!buffer->memory.tracked) {
		age_copies(buffer, epoch);
	}
	struct sp_copy *copy = copy_find(shadowed, false);
	if (copy != NULL && !pixman_region32_copy(stale, &copy->stale)) {
		sp_region_set_size(stale, layout->width, layout->height);
	}
	pthread_mutex_unlock(&shadowed->lock);
}

int sp_memory_sync(struct sealpool_buffer *buffer, uint64_t epoch) {
	struct sealpool_access access = {
		.buffer = buffer,
		.flags = SEALPOOL_ACCESS_READ,
	};
	int ret = begin_copy(buffer, &access, NULL, epoch, true);
	if (ret == 0) {
		sealpool_access_end(&access);
	}
	return ret;
}

int sp_memory_hand_back(struct sealpool_buffer *buffer,
		const pixman_region32_t *region) {
	struct sp_pool *pool = buffer->pool;
	if (!pool->file.writable) {
		return -EACCES;
	}
	struct sp_mapping *mapping =
		sp_pool_map(pool, SP_MAPPING_WRITE, buffer->layout.end);
	if (mapping == NULL) {
		return errno == ENOMEM ? -ENOMEM : -EACCES;
	}
	hand_back(buffer, pool->shadow.fd, region, mapping);
	sp_mapping_unref(mapping);
	return 0;
}

int sealpool_buffer_get_fd(struct sealpool_buffer *buffer) {
	return sealpool_buffer_get_kind(buffer) == SEALPOOL_MEMORY_DIRECT ?
		buffer->pool->file.fd : -ENOTSUP;
}

/* The end */

/* Gives back the pages of the pool's shadow that only this buffer used. Called
 * with the pool's lock held, before a shadow that no buffer uses is. */
static void release_shadow(struct sealpool_buffer *buffer,
		struct sp_shadowed *shadowed) {
	struct sp_pool *pool = buffer->pool;
	bool lent = pool->shadow_lent;
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start = sp_layout_start(&buffer->layout);
	uint64_t end = buffer->layout.end;

	wl_list_remove(&shadowed->link);
	wl_list_init(&shadowed->link);
	shadowed->in_pool = false;
	pool->shadowed_len--;
	/* What is lent stays until the pool goes; what no other buffer uses goes
	 * as a whole. */
	if (!lent && pool->shadowed_len > 0 &&
			pool->shadowed_len <= RELEASE_SCAN_MAX) {
		struct sp_shadowed *neighbour;
		wl_list_for_each(neighbour, &pool->shadowed, link) {
			const struct sealpool_buffer *other =
				neighbour->report.buffer;
			uint64_t other_start = sp_layout_start(&other->layout) &
				~(page_size - 1);
			uint64_t other_end = other->layout.end + page_size - 1;
			other_end &= ~(page_size - 1);
			if (other_start >= end || other_end <= start) {
				continue;
			}
			if (other_start <= start) {
				start = other_end;
			} else {
				end = other_start;
			}
			if (start >= end) {
				break;
			}
		}
		if (start < end) {
			sp_shadow_release(&pool->shadow, start, end);
		}
	}
}

/* Called with the lock held. */
static void drop_copies_locked(struct sealpool_buffer *buffer,
		struct sp_shadowed *shadowed) {
	struct sp_pool *pool = buffer->pool;
	struct sp_copy *copy, *tmp;
	wl_list_for_each_safe(copy, tmp, &shadowed->copies, link) {
		if (copy->users > 0) {
			continue;
		}
		wl_list_remove(&copy->link);
		if (copy->shadow == &pool->shadow) {
			pthread_mutex_lock(&pool->lock);
			release_shadow(buffer, shadowed);
			if (pool->shadowed_len == 0) {
				sp_shadow_finish(&pool->shadow);
				pool->has_shadow = false;
			}
			pthread_mutex_unlock(&pool->lock);
		}
		copy_destroy(copy);
	}
}

static void drop_copies(struct sealpool_buffer *buffer) {
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	if (shadowed == NULL) {
		return;
	}
	pthread_mutex_lock(&shadowed->lock);
	drop_copies_locked(buffer, shadowed);
	pthread_mutex_unlock(&shadowed->lock);
}

static bool has_idle_copy(const struct sp_shadowed *shadowed) {
	const struct sp_copy *copy;
	wl_list_for_each(copy, &shadowed->copies, link) {
		if (copy->users > 0) {
			return false;
		}
	}
	return !wl_list_empty(&shadowed->copies);
}

uint64_t sp_memory_drop_idle(struct sealpool_buffer *buffer, uint64_t now,
		uint64_t after) {
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	/* Of a wl_buffer that is gone, the client need not keep the bytes: they
	 * could not be copied again. */
	if (shadowed == NULL || buffer->pool->shadow_lent ||
			buffer->resource == NULL) {
		return UINT64_MAX;
	}
	uint64_t again = UINT64_MAX;
	pthread_mutex_lock(&shadowed->lock);
	if (has_idle_copy(shadowed)) {
		if (now >= shadowed->used + after) {
			drop_copies_locked(buffer, shadowed);
		} else {
			again = shadowed->used + after;
		}
	}
	pthread_mutex_unlock(&shadowed->lock);
	return again;
}

void sp_memory_count(const struct sealpool_buffer *buffer, uint32_t *fds,
		uint64_t *bytes) {
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	if (shadowed == NULL) {
		return;
	}
	pthread_mutex_lock(&shadowed->lock);
	const struct sp_copy *copy;
	wl_list_for_each(copy, &shadowed->copies, link) {
		if (copy->shadow == &copy->spare) {
			*fds += 1;
			*bytes += copy->spare.charged;
		}
	}
	pthread_mutex_unlock(&shadowed->lock);
}

/* The last of a pool's copies goes with its buffer: the client may well have a
 * new one the next moment. */
static void leave_pool(struct sealpool_buffer *buffer,
		struct sp_shadowed *shadowed) {
	struct sp_pool *pool = buffer->pool;
	pthread_mutex_lock(&pool->lock);
	release_shadow(buffer, shadowed);
	if (pool->shadowed_len == 0 && !pool->shadow_lent) {
		sp_pool_give_up_shadow(pool);
	}
	pthread_mutex_unlock(&pool->lock);
}

void sp_memory_finish(struct sealpool_buffer *buffer) {
	struct sp_shadowed *shadowed = buffer->memory.shadowed;
	if (shadowed != NULL) {
		if (shadowed->in_pool) {
			leave_pool(buffer, shadowed);
		}
		shadowed_destroy(shadowed);
	}
	sp_mapping_unref(buffer->memory.mapping);
}
