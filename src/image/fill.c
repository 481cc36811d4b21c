/* SPDX-License-Identifier: MIT */
/*
 * Moves bytes between a client's file and copies of a buffer.
 *
 * Memory is read and written at once. A slow file is read by a reader thread (slow.c),
 * within the allowance for waiting (memory/reader.c): bytes that have arrived by then are
 * taken, and the rest stays stale. Bytes in the page cache need no thread, unless they are
 * many and the compositor can wait for one.
 */
#include <errno.h>

#include "fill.h"
#include "memory/untrusted.h"
#include "region.h"
#include "slow.h"
#include "transfer.h"

static struct sp_transfer_target copy_get_target(struct sp_copy *copy) {
	struct sp_view *view = copy->copies->view;
	return (struct sp_transfer_target){
		.data = sp_copy_get_data(copy),
		.start = sp_layout_start(&view->layout),
		.written = copy->place == SP_COPY_IN_STORE ? &copy->written :
			copy->place == SP_COPY_IN_SHADOW ? &copy->shadow.written :
			&view->backing->pinned.shadow.written,
		.aside = sp_readers_are_here(&view->backing->memory->readers),
	};
}

static void count_in(struct sp_view *view, uint64_t bytes) {
	view->counters.copied_in += bytes;
	view->backing->counters.copied_in += bytes;
	view->backing->client_counters->copied_in += bytes;
	view->backing->client_counters->copies += bytes > 0;
}

static void note_short(struct sp_view *view, int64_t file_size) {
	view->backing->counters.faults++;
	view->backing->client_counters->faults++;
	view->report(view, SP_EVENT_SHORT_FILE, file_size);
}

void sp_view_note_missing(struct sp_view *view, int error) {
	int64_t size = sp_file_get_size(&view->backing->file);
	if (size >= 0 && (uint64_t)size < view->layout.end) {
		note_short(view, size);
	} else if (size < 0 || error != 0) {
		/* An error does not mean that the file is short. */
		view->report(view, SP_EVENT_FAILED, size < 0 ? size : -error);
	}
	/* Otherwise it was truncated, and is long enough again: the next access copies
	 * it. */
}

/* Copies a region without waiting: from memory, or from the page cache of a slow file. */
static struct sp_transferred copy_in(struct sp_copy *copy,
		const pixman_region32_t *region) {
	struct sp_view *view = copy->copies->view;
	struct sp_backing *backing = view->backing;
	const struct sp_transfer_target target = copy_get_target(copy);
	struct sp_mapping *client = NULL;
	if (backing->file.kind == SP_FILE_SHMEM &&
			sp_transfer_wants_mapping(&view->layout, region)) {
		client = sp_backing_map(backing, &sp_mapping_read,
			view->layout.end);
	}
	const struct sp_transfer_source source = {
		.fd = backing->file.fd,
		.base = client != NULL ? client->data : NULL,
		.memory_max = sp_inplace_get_memory_max(backing->account),
		.at_once = backing->file.kind == SP_FILE_SLOW,
		.bounce = &backing->memory->bounce,
	};
	struct sp_transferred copied = sp_transfer_in(&source, &view->layout, region,
		&target);
	sp_mapping_unref(client);
	return copied;
}

static void fill(struct sp_copies *copies, struct sp_copy *copy, uint64_t epoch)
		SP_REQUIRES(copies->lock) {
	pixman_region32_t stale = copy->stale;
	pixman_region32_init(&copy->stale);
	uint64_t generation = copies->generation;
	copy->filling = true;
	/* What commits of the same epoch tell meanwhile was drawn before. */
	if (epoch != 0) {
		sp_copy_note_copied(copies, copy, &stale, epoch);
	}
	sp_lock_release(&copies->lock);

	struct sp_transferred copied = copy_in(copy, &stale);
	count_in(copies->view, copied.bytes);
	bool is_slow = copies->view->backing->file.kind == SP_FILE_SLOW;
	if (copied.missing > 0 && !is_slow) {
		sp_view_note_missing(copies->view, copied.error);
	}

	sp_lock_acquire(&copies->lock);
	if (copied.missing > 0) {
		/* Zero for this access; the next one reads the whole buffer again. A slow
		 * file has not been asked yet. */
		if (is_slow) {
			sp_region_add(&copy->stale, &stale);
		} else {
			sp_copy_age_whole(copies, copy);
		}
		copy->copied_epoch = 0;
	} else {
		copies->seen = generation;
	}
	pixman_region32_fini(&stale);
	copy->filling = false;
	pthread_cond_broadcast(&copies->filled);
}

/* Slow files */

/* A larger answer is not copied: its memory becomes the copy's. The event loop takes
 * answers, and copying this takes 3 to 12 ms. */
#define TAKEN_MAX ((uint64_t)16 << 20)

/* Returns whether the copy may get other memory: nobody keeps its address. */
static bool may_be_moved(const struct sp_copy *copy) {
	return copy->place == SP_COPY_IN_STORE &&
		!copy->copies->view->fixed;
}

static bool is_large(const struct sp_copies *copies,
		const pixman_region32_t *region) {
	return sp_layout_count_bytes(&copies->view->layout, region) > TAKEN_MAX;
}

/* Makes the answer's memory the copy's, and the copy's the client's spare, for the next
 * answer. */
static void copy_move(struct sp_copies *copies, struct sp_copy *copy,
		struct sp_slow *slow) SP_REQUIRES(copies->lock) {
	struct sp_backing *backing = copies->view->backing;
	struct sp_store old = copy->store;
	copy->store = slow->store;
	copy->written = slow->written;
	copy->cached.held[SP_RESOURCE_SHADOW_BYTES] = copy->store.size;
	slow->store.data = NULL;
	sp_spare_put(&backing->memory->cache, backing->spare, &old);
}

/* Takes the bytes of an answer, for the only user of the copy. */
static void copy_take_bytes(struct sp_copies *copies, struct sp_copy *copy,
		struct sp_slow *slow) SP_REQUIRES(copies->lock) {
	const struct sp_layout *layout = &copies->view->layout;
	if (may_be_moved(copy) && is_large(copies, &slow->region) &&
			sp_region_is_all(&slow->region, layout->width,
				layout->height)) {
		copy_move(copies, copy, slow);
	} else {
		const struct sp_transfer_target target = copy_get_target(copy);
		sp_slow_take(slow, &target);
	}
	count_in(copies->view, slow->copied.bytes);
}

static bool has_failed(const struct sp_slow *slow) {
	return slow->copied.missing > 0 || slow->size < 0;
}

/* Reports why reading or writing the file failed. */
static void report_slow(struct sp_view *view, const struct sp_slow *slow) {
	bool regular = slow->size != -EINVAL;
	if (regular && (slow->size < 0 || slow->copied.error != 0)) {
		view->report(view, SP_EVENT_FAILED, slow->size < 0 ? slow->size :
			-slow->copied.error);
	} else {
		note_short(view, regular ? slow->size : 0);
	}
}

/* Copies the file's answer to a copy. What became stale since the request stays stale. */
static void copy_take(struct sp_copies *copies, struct sp_copy *copy,
		struct sp_slow *slow, uint64_t epoch)
		SP_REQUIRES(copies->lock) {
	copy_take_bytes(copies, copy, slow);
	if (has_failed(slow)) {
		return;
	}
	pixman_region32_t taken;
	pixman_region32_init(&taken);
	if (!pixman_region32_subtract(&taken, &slow->region,
				&copies->stale_since) ||
			!pixman_region32_subtract(&copy->stale, &copy->stale,
				&taken)) {
		sp_copy_age_whole(copies, copy);
	} else if (epoch != 0 && copies->asked_generation ==
			copies->generation) {
		sp_copy_note_copied(copies, copy, &slow->region, epoch);
	}
	pixman_region32_fini(&taken);
}

/* Submits a read of what is stale. Releases the lock meanwhile: other copies may be
 * reclaimed for the answer's memory. Returns 0 or a negative errno. */
static int copy_ask(struct sp_copies *copies, struct sp_copy *copy)
		SP_REQUIRES(copies->lock) {
	uint64_t generation = copies->generation;
	pixman_region32_t stale;
	pixman_region32_init(&stale);
	if (!pixman_region32_copy(&stale, &copy->stale)) {
		pixman_region32_fini(&stale);
		return -ENOMEM;
	}
	if (may_be_moved(copy) && is_large(copies, &stale)) {
		const struct sp_layout *layout = &copies->view->layout;
		sp_region_set_all(&stale, layout->width, layout->height);
	}
	struct sp_slow *slow = NULL;
	sp_lock_release(&copies->lock);
	int ret = sp_slow_read(copies->view, &stale, &slow);
	sp_lock_acquire(&copies->lock);
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

/* Waits for the answer within the allowance, and takes it. Releases the lock while
 * waiting. Returns 0, -ETIMEDOUT, or -EALREADY if another thread has taken it. */
static int copy_await(struct sp_copies *copies, struct sp_copy *copy,
		uint64_t epoch, bool *failed) SP_REQUIRES(copies->lock) {
	struct sp_view *view = copies->view;
	struct sp_slow *slow = sp_slow_ref(copies->asked);
	sp_lock_release(&copies->lock);
	bool done = sp_reader_wait(view->backing->reader, &slow->job);
	if (!done) {
		view->report(view, SP_EVENT_SILENT, 0);
	}
	sp_lock_acquire(&copies->lock);
	bool taken = done && copies->asked == slow;
	if (taken) {
		copy_take(copies, copy, slow, epoch);
		copies->asked = NULL;
		copies->seen = copies->asked_generation;
		sp_slow_unref(slow);
	}
	*failed = taken && has_failed(slow);
	if (*failed) {
		sp_lock_release(&copies->lock);
		report_slow(view, slow);
		sp_lock_acquire(&copies->lock);
	}
	sp_slow_unref(slow);
	return taken ? 0 : done ? -EALREADY : -ETIMEDOUT;
}

/* Returns whether to read what is in the page cache without a thread. */
static bool is_read_at_once(const struct sp_copies *copies,
		const struct sp_copy *copy) SP_REQUIRES(copies->lock) {
	const struct sp_view *view = copies->view;
	struct sp_backing *backing = view->backing;
	return backing->file.own && copies->asked == NULL &&
		sp_rate_take(&backing->memory->at_once,
			sp_layout_count_bytes(&view->layout, &copy->stale));
}

/* See sp_copy_fill(). */
static int copy_fill_slowly(struct sp_copies *copies, struct sp_copy *copy,
		uint64_t epoch) SP_REQUIRES(copies->lock) {
	if (is_read_at_once(copies, copy)) {
		fill(copies, copy, epoch);
	}
	copy->filling = true;
	int ret = 0;
	bool failed = false;
	/* The answer to a request for an older frame comes first. What another thread has
	 * taken is in another copy. */
	for (int i = 0; i < 2 && ret == 0 && !failed &&
			!sp_copy_is_current(copies, copy);) {
		ret = copies->asked != NULL ? 0 : copy_ask(copies, copy);
		if (ret == 0 && copies->asked != NULL) {
			ret = copy_await(copies, copy, epoch, &failed);
		}
		if (ret == -EALREADY) {
			ret = 0;
		} else {
			i++;
		}
	}
	copy->filling = false;
	pthread_cond_broadcast(&copies->filled);
	return ret;
}

int sp_copy_fill(struct sp_copies *copies, struct sp_copy *copy,
		uint64_t epoch) {
	if (copies->view->backing->file.kind == SP_FILE_SLOW) {
		return copy_fill_slowly(copies, copy, epoch);
	}
	fill(copies, copy, epoch);
	return 0;
}

/* Back to the client */

static void count_out(struct sp_view *view, uint64_t bytes) {
	view->counters.copied_out += bytes;
	view->backing->counters.copied_out += bytes;
	view->backing->client_counters->copied_out += bytes;
}

/* Bytes that are not written in time may still be written later. */
static void write_back_slowly(struct sp_view *view,
		const struct sp_shadow *shadow,
		const pixman_region32_t *region) {
	struct sp_slow *slow;
	int ret = sp_slow_write(view, region,
		sp_untrusted_own(shadow->mapping->data) +
		sp_layout_start(&view->layout), &slow);
	if (ret < 0) {
		view->report(view, SP_EVENT_FAILED, ret);
		return;
	}
	if (!sp_reader_wait(view->backing->reader, &slow->job)) {
		view->report(view, SP_EVENT_SILENT, 0);
	} else {
		count_out(view, slow->copied.bytes);
		if (slow->copied.missing > 0 || slow->copied.error != 0) {
			report_slow(view, slow);
		}
	}
	sp_slow_unref(slow);
}

void sp_view_copy_out(struct sp_view *view, const struct sp_shadow *shadow,
		const pixman_region32_t *region,
		const struct sp_mapping *mapping) {
	if (view->backing->file.kind == SP_FILE_SLOW) {
		write_back_slowly(view, shadow, region);
		return;
	}
	int64_t size = sp_file_get_size(&view->backing->file);
	struct sp_transferred copied = sp_transfer_out(shadow->fd, &view->layout,
		region, mapping->data, size > 0 ? (uint64_t)size : 0);
	count_out(view, copied.bytes);
	if (copied.missing > 0) {
		sp_view_note_missing(view, copied.error);
	}
}

void sp_copy_write_back(struct sp_copy *copy) {
	const struct sp_layout *layout = &copy->copies->view->layout;
	pixman_region32_t all;
	pixman_region32_init(&all);
	sp_region_set_all(&all, layout->width, layout->height);
	sp_view_copy_out(copy->copies->view, &copy->shadow, &all,
		copy->write_back);
	pixman_region32_fini(&all);
}
