/* SPDX-License-Identifier: MIT */
/*
 * Whether a buffer is read in place.
 *
 * Its bytes must lie below the sealed size, so that the file will always have them, and
 * they must have memory. Where too much is read in place (memory/inplace.c), a
 * direct view can become a shadow while it is being read.
 */
#include "copies.h"
#include "judge.h"
#include "memory/backing.h"
#include "memory/holes.h"
#include "memory/inplace.h"

bool sp_judge_is_sealed(struct sp_view *view) {
	struct sp_file *file = &view->backing->file;
	/* Huge pages are reserved and taken away by other rules. */
	return file->kind == SP_FILE_SHMEM &&
		sp_file_is_sealed_to(file, view->layout.end);
}

/*
 * To be read in place, bytes must have memory: to read a hole would give it some,
 * on the reader's account and not the client's, and would raise SIGBUS (without
 * MAP_NOFAULT) where there is none to be had. (A client can still punch a hole
 * later, or hide one by giving memory to what is past the file's end.)
 */
bool sp_judge_has_memory(struct sp_view *view,
		const struct sp_mapping *mapping) {
	struct sp_backing *backing = view->backing;
	uint64_t start = sp_layout_start(&view->layout);
	uint64_t end = view->layout.end;
	/* Most files are filled, and then one call tells. */
	if (!sp_file_has_holes(&backing->file)) {
		return true;
	}
	if (!sp_file_shows_pages(&backing->file)) {
		return false;
	}
	/* What was seen once is not enough where it has gone already. */
	if (view->had_holes) {
		return end - start <= SP_HOLES_SCAN_MAX &&
			!sp_holes_in_mapping(mapping, start, end);
	}
	return sp_holes_none_seen(&backing->filled, mapping, start, end);
}

/*
 * Lets a shadow view be read in place. The mapping, once there, remains the
 * same. Where there is MAP_NOFAULT, a direct view has it too, though it pays
 * nothing for that: a hole that is punched later then reads as zero where the
 * kernel has no memory to give.
 */
bool sp_judge_try(struct sp_view *view,
		enum sealpool_memory_kind kind) {
	struct sp_backing *backing = view->backing;
	struct sp_mapping *mapping = sp_backing_map(backing,
		backing->memory->nofault ?
			SP_MAPPING_NOFAULT : SP_MAPPING_READ,
		view->layout.end);
	view->no_room = mapping == NULL;
	if (mapping == NULL) {
		return false;
	}
	/* Zeroes from when the file was shorter, which another view met. */
	sp_mapping_renew(mapping);
	bool was_filled = view->layout.end <= backing->file.filled_size &&
		!view->had_holes;
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

/* Accesses that have begun go on in the mapping. */
void sp_judge_leave_place(struct sp_view *view) {
	/* What has memory now may have had none meanwhile. */
	view->had_holes = true;
	/* Nobody has told copies of changes since it was read in place. */
	if (view->copies != NULL) {
		sp_copies_age(view->copies, NULL, 0);
	}
	atomic_store_explicit(&view->kind, SEALPOOL_MEMORY_SHADOW,
		memory_order_release);
}

bool sp_judge_may_be_in_place(struct sp_view *view) {
	if (!sp_inplace_is_large(&view->backing->inplace, true)) {
		return true;
	}
	view->no_room = true;
	return false;
}

/* Clients make pools and buffers before they draw, let sealed files grow, or
 * seal them late. A view that never fills its holes is looked at less and
 * less often. */
bool sp_judge_is_due(struct sp_view *view) {
	unsigned times = atomic_fetch_add(&view->attempts, 1) + 1;
	return (times & (times - 1)) == 0;
}

/* Whether it is direct by now. Any thread. */
bool sp_judge_become_direct(struct sp_view *view) {
	if (view->kind != SEALPOOL_MEMORY_SHADOW ||
			view->backing->is_pinned || !sp_judge_is_sealed(view)) {
		return view->kind == SEALPOOL_MEMORY_DIRECT;
	}
	return sp_judge_may_be_in_place(view) && sp_judge_is_due(view) &&
		sp_judge_try(view, SEALPOOL_MEMORY_DIRECT);
}
