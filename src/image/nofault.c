/* SPDX-License-Identifier: MIT */
/*
 * Views that are read in place with MAP_NOFAULT.
 *
 * If the kernel has it, any view that has memory is read in place, in a mapping that shows
 * zeroes past the end of the file. Reading must not fill holes, so commits check for new
 * ones. The end of an access checks whether zeroes may have been read.
 *
 * In a coherent mapping, reading fills no holes, and zeroes go by themselves. Then any view
 * is read in place, and commits check nothing.
 */
#include "copies.h"
#include "fill.h"
#include "judge.h"
#include "memory/backing.h"
#include "memory/nofault.h"
#include "nofault.h"

/* What is reported of a nofault view needs its record of copies. */
static bool become(struct sp_view *view) {
	const struct sp_backing *backing = view->backing;
	return !backing->is_pinned && backing->file.kind == SP_FILE_SHMEM &&
		sp_judge_may_be_in_place(view) && sp_copies_get(view) != NULL &&
		sp_judge_try(view, SEALPOOL_MEMORY_NOFAULT);
}

/* A hole that has come since is not to be filled by reading it. */
static void look(struct sp_view *view) {
	if (view->mapping->mode->coherent) {
		return;
	}
	if (!sp_file_has_holes(&view->backing->file)) {
		sp_nofault_renew(view->mapping);
		return;
	}
	/* A zero page in its place would hide a hole. */
	view->mapping->outdated = true;
	sp_nofault_renew(view->mapping);
	view->had_holes = true;
	if (!sp_judge_has_memory(view, view->mapping)) {
		atomic_store_explicit(&view->kind, SEALPOOL_MEMORY_SHADOW,
			memory_order_release);
	}
}

/* A page that the file has not, or that has no memory there, may have read as
 * zero, and will go on to: note that, to look anew once the client may have
 * changed it. */
static void end(struct sp_view *view) {
	if (!sp_backing_begin_use(view->backing)) {
		return;
	}
	bool holes;
	int64_t size = sp_file_look(&view->backing->file, &holes);
	bool is_short = size < 0 || (uint64_t)size < view->layout.end;
	if (is_short || holes) {
		view->mapping->outdated = true;
	}
	if (is_short) {
		sp_view_note_missing(view, 0);
	}
	sp_backing_end_use(view->backing);
}

#define UNSEALED(m) { \
	.kind = SEALPOOL_MEMORY_NOFAULT, \
	.mode = (m), \
	.renew = sp_nofault_renew, \
	.become = become, \
	.commit = look, \
	.end = end, \
}
static const struct sp_unsealed in_private = UNSEALED(&sp_nofault_mode),
	in_shared = UNSEALED(&sp_nofault_shared_mode);

const struct sp_unsealed *sp_nofault_find(void) {
	const struct sp_mapping_mode *mode = sp_nofault_probe();
	if (mode == NULL) {
		return NULL;
	}
	return mode->coherent ? &in_shared : &in_private;
}
