/* SPDX-License-Identifier: MIT */
/*
 * Judges whether a buffer is read in place.
 *
 * Its bytes must lie below the sealed size, so that they cannot disappear, and must have
 * memory. If too much is read in place (memory/inplace.c), a direct view can become a
 * shadow even while it is being read.
 */
#include "copies.h"
#include "judge.h"
#include "memory/backing.h"
#include "memory/holes.h"
#include "memory/inplace.h"
#include "memory/rate.h"

bool sp_judge_is_sealed(struct sp_view *view) {
	struct sp_file *file = &view->backing->file;
	/* The kernel reserves and frees huge pages by other rules. */
	return file->kind == SP_FILE_SHMEM &&
		sp_file_is_sealed_to(file, view->layout.end);
}

/*
 * Bytes that are read in place must have memory: reading a hole would allocate a page on
 * the reader's account, not the client's, and raise SIGBUS if there is no
 * memory. (A client can still punch a hole later, or hide one by allocating memory
 * past the file's end.)
 */
bool sp_judge_has_memory(struct sp_view *view,
		const struct sp_mapping *mapping) {
	struct sp_backing *backing = view->backing;
	struct sp_rate *looks = &backing->memory->looks;
	uint64_t start = sp_layout_start(&view->layout);
	uint64_t end = view->layout.end;
	/* Most files have no holes, which one call shows. */
	if (!sp_file_has_holes(&backing->file)) {
		return true;
	}
	if (!sp_file_shows_pages(&backing->file)) {
		return false;
	}
	/* After a hole was seen, remembered chunks are not trusted. */
	if (view->had_holes) {
		return sp_rate_take(looks, end - start) &&
			!sp_holes_in_mapping(mapping, start, end);
	}
	return sp_holes_none_seen(&backing->filled, looks, mapping, start, end);
}

/*
 * Makes a shadow view read in place. Its mapping, once set, never changes. Where there is
 * a struct sp_unsealed, a direct view has its mode too, at no cost: a hole that is
 * punched later then reads as zero if the kernel has no memory.
 */
bool sp_judge_try(struct sp_view *view,
		enum sealpool_memory_kind kind) {
	struct sp_backing *backing = view->backing;
	const struct sp_unsealed *unsealed = backing->memory->unsealed;
	struct sp_mapping *mapping = sp_backing_map(backing, unsealed != NULL ?
		unsealed->mode : backing->memory->in_place, view->layout.end);
	view->no_room = mapping == NULL;
	if (mapping == NULL) {
		return false;
	}
	if (unsealed != NULL) {
		/* The mapping may show zeroes that another view met when the file was
		 * shorter. */
		unsealed->renew(mapping);
	}
	/* A coherent mapping does not fill holes. */
	bool was_filled = mapping->mode->coherent ||
		(view->layout.end <= backing->file.filled_size &&
		!view->had_holes);
	if (!was_filled && !sp_judge_has_memory(view, mapping)) {
		sp_mapping_unref(mapping);
		return false;
	}
	sp_lock_acquire(&backing->lock);
	bool has_room = view->mapping != NULL ||
		sp_inplace_begin(&backing->inplace, &backing->lock,
			backing->size,
			sp_layout_start(&view->layout), view->layout.end);
	view->no_room = !has_room;
	/* Unless another thread was faster. */
	if (has_room && view->kind == SEALPOOL_MEMORY_SHADOW) {
		if (view->mapping == NULL) {
			view->mapping = mapping;
			mapping = NULL;
		}
		atomic_store_explicit(&view->kind, kind,
			memory_order_release);
	}
	sp_lock_release(&backing->lock);
	sp_mapping_unref(mapping);
	return has_room;
}

void sp_judge_leave_place(struct sp_view *view) {
	/* Pages that had memory before may have lost it. */
	view->had_holes = true;
	/* Copies were not aged while the view was read in place. */
	sp_view_age(view, NULL, 0);
	atomic_store_explicit(&view->kind, SEALPOOL_MEMORY_SHADOW,
		memory_order_release);
}

bool sp_judge_may_be_in_place(struct sp_view *view) {
	if (!sp_inplace_is_large(&view->backing->inplace)) {
		return true;
	}
	view->no_room = true;
	return false;
}

/* Clients create pools and buffers before they draw, grow sealed files, or seal them
 * late, so a view is judged again; less and less often if that never helps. */
bool sp_judge_is_due(struct sp_view *view) {
	unsigned times = atomic_fetch_add(&view->attempts, 1) + 1;
	return (times & (times - 1)) == 0;
}

bool sp_judge_become_direct(struct sp_view *view) {
	if (view->kind != SEALPOOL_MEMORY_SHADOW || view->fixed ||
			view->backing->is_pinned || !sp_judge_is_sealed(view)) {
		return view->kind == SEALPOOL_MEMORY_DIRECT;
	}
	return sp_judge_may_be_in_place(view) && sp_judge_is_due(view) &&
		sp_judge_try(view, SEALPOOL_MEMORY_DIRECT);
}
