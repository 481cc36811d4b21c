/* SPDX-License-Identifier: MIT */
/*
 * Whether a buffer is read in place or through a copy, and the begin and end of an
 * access.
 *
 * A direct view is a pointer: its bytes lie below the sealed size, so the file will
 * always have them. That path takes no lock and makes no system call. The pointer
 * stays good as long as the view. So where too much is read in place (inplace.c), a
 * direct view can become a shadow while it is being read.
 *
 * Where the kernel has MAP_NOFAULT, any other view that has memory is read in
 * place as well, by way of a mapping that shows zeroes where the file ends. What
 * it must not do is fill holes, so commits look for new ones; and the end of an
 * access looks whether zeroes may have been seen.
 *
 * What then remains is read through a copy (copies.c). A write access has a copy of
 * its own.
 */
#include <errno.h>

#include "access.h"
#include "copies.h"
#include "fill.h"
#include "memory/account.h"
#include "memory/backing.h"
#include "memory/holes.h"
#include "memory/inplace.h"
#include "region.h"

enum {
	HOLDS_COPY = 1 << 0, /* .held is a struct sp_copy */
	HOLDS_MAPPING = 1 << 1, /* .held is a struct sp_mapping */
	IS_NOFAULT = 1 << 2,
	USES_FILE = 1 << 3, /* until its end */
};

static bool is_sealed(struct sp_view *view) {
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
static bool has_memory(struct sp_view *view,
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
static bool try_in_place(struct sp_view *view,
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
	if (!was_filled && !has_memory(view, mapping)) {
		sp_mapping_unref(mapping);
		return false;
	}
	pthread_mutex_lock(&backing->lock);
	bool has_room = view->mapping != NULL ||
		sp_inplace_begin(&backing->inplace, backing->size,
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
	pthread_mutex_unlock(&backing->lock);
	sp_mapping_unref(mapping);
	return has_room;
}

/* Accesses that have begun go on in the mapping. */
static void leave_place(struct sp_view *view) {
	/* What has memory now may have had none meanwhile. */
	view->had_holes = true;
	/* Nobody has told copies of changes since it was read in place. */
	sp_view_age(view, NULL, 0);
	atomic_store_explicit(&view->kind, SEALPOOL_MEMORY_SHADOW,
		memory_order_release);
}

static bool may_be_in_place(struct sp_view *view) {
	if (!sp_inplace_is_large(&view->backing->inplace, true)) {
		return true;
	}
	view->no_room = true;
	return false;
}

/* Clients make pools and buffers before they draw, let sealed files grow, or
 * seal them late. A view that never fills its holes is looked at less and
 * less often. */
static bool is_due(struct sp_view *view) {
	unsigned times = atomic_fetch_add(&view->attempts, 1) + 1;
	return (times & (times - 1)) == 0;
}

/* Whether it is direct by now. Any thread. */
static bool become_direct(struct sp_view *view) {
	if (view->kind != SEALPOOL_MEMORY_SHADOW ||
			view->backing->is_pinned || !is_sealed(view)) {
		return view->kind == SEALPOOL_MEMORY_DIRECT;
	}
	return may_be_in_place(view) && is_due(view) &&
		try_in_place(view, SEALPOOL_MEMORY_DIRECT);
}

/*
 * Whether to look before a read: the commit that made a tracked view stale has
 * looked already. What has been seen since, of another view of its pool, costs
 * nothing to know.
 */
static bool is_to_be_tried(const struct sp_view *view) {
	return !view->tracked ||
		view->layout.end <= view->backing->file.sealed_size;
}

static bool can_be_nofault(const struct sp_view *view) {
	const struct sp_backing *backing = view->backing;
	return backing->memory->nofault && !backing->is_pinned &&
		backing->file.kind == SP_FILE_SHMEM;
}

/* What is reported of a nofault view needs its record of copies. */
static bool become_nofault(struct sp_view *view) {
	return can_be_nofault(view) && may_be_in_place(view) &&
		sp_copies_get(view) != NULL &&
		try_in_place(view, SEALPOOL_MEMORY_NOFAULT);
}

void sp_view_init(struct sp_view *view, struct sp_backing *backing,
		const struct sp_layout *layout,
		const struct sp_view_ops *ops) {
	*view = (struct sp_view){
		.backing = backing,
		.ops = ops,
		.layout = *layout,
		.kind = SEALPOOL_MEMORY_SHADOW,
	};
	sp_inplace_add_view(&backing->inplace, sp_layout_start(layout),
		layout->end);
	if (!is_sealed(view)) {
		become_nofault(view);
	} else if (may_be_in_place(view)) {
		try_in_place(view, SEALPOOL_MEMORY_DIRECT);
	}
}

void sp_view_init_behind(struct sp_view *view, struct sp_backing *backing,
		const struct sp_layout *layout,
		const struct sp_view_ops *ops) {
	*view = (struct sp_view){
		.backing = backing,
		.ops = ops,
		.layout = *layout,
		/* Of memory that is safe, nothing is needed but its kind. */
		.kind = backing->is_pinned ? SEALPOOL_MEMORY_SHADOW :
			SEALPOOL_MEMORY_DIRECT,
	};
	sp_inplace_add_view(&backing->inplace, sp_layout_start(layout),
		layout->end);
}

void sp_view_finish(struct sp_view *view) {
	if (view->copies != NULL) {
		sp_copies_destroy(view->copies);
	}
	struct sp_backing *backing = view->backing;
	if (view->mapping != NULL) {
		pthread_mutex_lock(&backing->lock);
		sp_inplace_end(&backing->inplace,
			sp_layout_start(&view->layout), view->layout.end);
		pthread_mutex_unlock(&backing->lock);
	}
	sp_inplace_remove_view(&backing->inplace,
		sp_layout_start(&view->layout), view->layout.end);
	sp_mapping_unref(view->mapping);
}

bool sp_view_wants_commits(const struct sp_view *view) {
	return view->kind != SEALPOOL_MEMORY_DIRECT;
}

uint64_t sp_view_get_generation(const struct sp_view *view) {
	return view->copies != NULL ?
		sp_copies_get_generation(view->copies) : 0;
}

bool sp_view_is_waiting(const struct sp_view *view, uint64_t generation) {
	return view->copies != NULL &&
		sp_copies_are_waiting(view->copies, generation);
}

bool sp_view_has_seen(const struct sp_view *view, uint64_t generation) {
	return view->copies == NULL ||
		sp_copies_have_seen(view->copies, generation);
}

/* A hole that has come since is not to be filled by reading it. */
static void look_at_nofault(struct sp_view *view) {
	if (!sp_file_has_holes(&view->backing->file)) {
		sp_mapping_renew(view->mapping);
		return;
	}
	/* A zero page in the place of one would hide it. */
	view->mapping->outdated = true;
	sp_mapping_renew(view->mapping);
	view->had_holes = true;
	if (!has_memory(view, view->mapping)) {
		atomic_store_explicit(&view->kind, SEALPOOL_MEMORY_SHADOW,
			memory_order_release);
	}
}

void sp_view_handle_attach(struct sp_view *view) {
	/* One behind a guard has no mapping: it is not this library that reads. */
	if (view->kind != SEALPOOL_MEMORY_SHADOW && view->mapping != NULL &&
			sp_inplace_is_large(&view->backing->inplace, false)) {
		leave_place(view);
	}
}

void sp_view_handle_commit(struct sp_view *view) {
	if (view->kind == SEALPOOL_MEMORY_NOFAULT) {
		look_at_nofault(view);
		return;
	}
	bool in_place = become_direct(view) ||
		(view->kind == SEALPOOL_MEMORY_SHADOW &&
		can_be_nofault(view) && !is_sealed(view) && is_due(view) &&
		become_nofault(view));
	if (in_place && view->copies != NULL) {
		sp_copies_drop(view->copies);
	}
}

void sp_view_age(struct sp_view *view, const pixman_region32_t *region,
		uint64_t epoch) {
	/* A copy that is made later begins wholly stale. */
	if (view->copies != NULL) {
		sp_copies_age(view->copies, region, epoch);
	}
}

void sp_view_set_tracked(struct sp_view *view, bool tracked, uint64_t epoch) {
	view->tracked = tracked;
	sp_view_age(view, NULL, epoch);
}

void sp_view_set_final(struct sp_view *view) {
	view->final = true;
	if (view->copies != NULL) {
		sp_copies_keep(view->copies);
	}
}

void sp_view_set_orphan(struct sp_view *view) {
	view->orphan = true;
	if (view->copies != NULL) {
		sp_copies_orphan(view->copies);
	}
	sp_backing_orphan(view->backing);
}

void sp_view_count(const struct sp_view *view, uint32_t *fds,
		uint64_t *bytes) {
	if (view->copies != NULL) {
		sp_copies_count(view->copies, fds, bytes);
	}
}

/* Accesses */

static void point_to(const struct sp_view *view,
		const struct sp_mapping *mapping, struct sp_access *access) {
	access->data = sp_untrusted_in_place(mapping->data) +
		sp_layout_start(&view->layout);
}

/* Reads a copy. Returns 0 or a negative errno. */
static int begin_copy(struct sp_view *view, uint64_t epoch,
		struct sp_access *access) {
	struct sp_copies *copies = sp_copies_get(view);
	if (copies == NULL) {
		return -ENOMEM;
	}
	struct sp_copy *copy;
	if (sp_copies_begin_current(copies, access, &copy)) {
		access->held = copy;
		access->flags = HOLDS_COPY;
		return 0;
	}
	if (!sp_backing_begin_use(view->backing)) {
		return -EBADF;
	}
	if (is_to_be_tried(view) && become_direct(view)) {
		sp_backing_end_use(view->backing);
		point_to(view, view->mapping, access);
		return 0;
	}
	int ret = sp_copies_begin_read(copies, epoch, access, &copy);
	sp_backing_end_use(view->backing);
	if (ret < 0) {
		return ret;
	}
	access->held = copy;
	access->flags = HOLDS_COPY;
	return 0;
}

int sp_view_begin_read(struct sp_view *view, uint64_t epoch,
		struct sp_access *access) {
	*access = (struct sp_access){ 0 };
	enum sealpool_memory_kind kind =
		atomic_load_explicit(&view->kind, memory_order_acquire);
	if (kind != SEALPOOL_MEMORY_SHADOW) {
		access->flags = kind == SEALPOOL_MEMORY_NOFAULT ?
			IS_NOFAULT : 0;
		point_to(view, view->mapping, access);
		return 0;
	}
	if (!view->tracked) {
		sp_view_age(view, NULL, 0);
	}
	int ret = begin_copy(view, epoch, access);
	if (ret < 0) {
		/* A compositor has nothing to do instead of reading: wlroots
		 * keeps a texture of the old size, and then aborts. */
		access->data = sp_untrusted_own(
			view->backing->memory->zeroes->data);
		sp_view_report(view, ret);
	}
	return 0;
}

/* The client's file, to be written by the kernel or, if it is sealed, in place; NULL
 * where only a reader thread may write it. Returns 0, -EACCES where the fd or a seal
 * (EPERM) forbids it, or -ENOMEM where the compositor lacks addresses, or the machine
 * huge pages. */
static int map_for_writing(struct sp_view *view, struct sp_mapping **mapping) {
	struct sp_backing *backing = view->backing;
	if (!backing->file.writable) {
		return -EACCES;
	}
	*mapping = NULL;
	if (backing->file.kind == SP_FILE_SLOW) {
		return 0;
	}
	*mapping = sp_backing_map(backing, SP_MAPPING_WRITE,
		view->layout.end);
	if (*mapping == NULL) {
		return errno == EPERM || errno == EACCES ? -EACCES : -ENOMEM;
	}
	return 0;
}

int sp_view_begin_write(struct sp_view *view, uint64_t epoch,
		struct sp_access *access) {
	*access = (struct sp_access){ 0 };
	if (!sp_backing_begin_use(view->backing)) {
		return -EBADF;
	}
	access->flags = USES_FILE;
	struct sp_mapping *mapping;
	int ret = map_for_writing(view, &mapping);
	if (ret < 0) {
		goto error_use;
	}
	if (become_direct(view)) {
		point_to(view, mapping, access);
		access->held = mapping;
		access->flags |= HOLDS_MAPPING;
		return 0;
	}
	struct sp_copies *copies = sp_copies_get(view);
	struct sp_copy *copy;
	if (copies == NULL) {
		ret = -ENOMEM;
		goto error_mapping;
	}
	if (!view->tracked) {
		sp_view_age(view, NULL, 0);
	}
	ret = sp_copies_begin_write(copies, epoch, mapping, access, &copy);
	if (ret < 0) {
		goto error_mapping;
	}
	access->held = copy;
	access->flags |= HOLDS_COPY;
	return 0;

error_mapping:
	sp_mapping_unref(mapping);
	sp_view_report(view, ret);
error_use:
	access->flags = 0;
	sp_backing_end_use(view->backing);
	return ret;
}

/* A page that the file has not, or that has no memory there, may have read as
 * zero, and will go on to: note that, to look anew once the client may have
 * changed it. */
static void end_nofault(struct sp_view *view) {
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

void sp_view_end(struct sp_view *view, struct sp_access *access) {
	if (access->flags & HOLDS_COPY) {
		sp_copies_end(view->copies, access->held);
	} else if (access->flags & HOLDS_MAPPING) {
		sp_mapping_unref(access->held);
	} else if (access->flags & IS_NOFAULT) {
		end_nofault(view);
	}
	if (access->flags & USES_FILE) {
		sp_backing_end_use(view->backing);
	}
}

/* Pinned shadows */

int sp_view_reserve(struct sp_view *view) {
	struct sp_copies *copies = sp_copies_get(view);
	return copies != NULL ? sp_copies_reserve(copies) : -ENOMEM;
}

void sp_view_offer(struct sp_view *view) {
	if (view->copies != NULL) {
		sp_copies_offer(view->copies);
	}
}

void sp_view_get_stale(struct sp_view *view, uint64_t epoch,
		pixman_region32_t *stale) {
	if (view->copies == NULL) {
		sp_region_set_size(stale, view->layout.width,
			view->layout.height);
		return;
	}
	if (!view->tracked) {
		sp_view_age(view, NULL, epoch);
	}
	sp_copies_get_stale(view->copies, stale);
}

int sp_view_sync(struct sp_view *view, uint64_t epoch) {
	struct sp_access access = { 0 };
	if (!view->tracked) {
		sp_view_age(view, NULL, epoch);
	}
	int ret = begin_copy(view, epoch, &access);
	if (ret == 0) {
		sp_view_end(view, &access);
	}
	return ret;
}

int sp_view_write_back(struct sp_view *view, const pixman_region32_t *region) {
	struct sp_mapping *mapping;
	int ret = map_for_writing(view, &mapping);
	if (ret < 0) {
		return ret;
	}
	sp_view_copy_out(view, &view->backing->pinned.shadow, region,
		mapping);
	sp_mapping_unref(mapping);
	return 0;
}

const char *sealpool_memory_kind_name(enum sealpool_memory_kind kind) {
	switch (kind) {
	case SEALPOOL_MEMORY_DIRECT:
		return "direct";
	case SEALPOOL_MEMORY_NOFAULT:
		return "nofault";
	case SEALPOOL_MEMORY_SHADOW:
		return "shadow";
	}
	return "unknown";
}
