/* SPDX-License-Identifier: MIT */
/*
 * Begins and ends accesses.
 *
 * A direct view is a pointer: its bytes lie below the sealed size, so the file will
 * always have them (judge.c). That path takes no lock and makes no system call. The
 * pointer stays good as long as the view. Any other view is read through a copy
 * (copies.c), or in place where the system has something for that (struct sp_unsealed). A
 * write access has a copy of its own.
 */
#include <errno.h>

#include "access.h"
#include "copies.h"
#include "fill.h"
#include "judge.h"
#include "memory/backing.h"

enum {
	HOLDS_COPY = 1 << 0, /* .held is a struct sp_copy */
	HOLDS_MAPPING = 1 << 1, /* .held is a struct sp_mapping */
	TELLS_END = 1 << 2, /* sp_unsealed.end */
	USES_FILE = 1 << 3, /* until its end */
};

/*
 * Returns whether to judge before a read. The commit that made a tracked view stale has
 * judged it already; but another view of the pool may have updated the sealed size since,
 * which costs nothing to check.
 */
static bool is_to_be_tried(const struct sp_view *view) {
	return !view->tracked ||
		view->layout.end <= view->backing->file.sealed_size;
}

/* Accesses */

/* Reads a copy. Returns 0 or a negative errno. */
static int begin_copy(struct sp_view *view, uint64_t epoch,
		struct sp_access *access) {
	struct sp_copies *copies = sp_copies_get(view);
	if (copies == NULL) {
		return -ENOMEM;
	}
	if (sp_copies_begin_current(copies, access)) {
		access->flags = HOLDS_COPY;
		return 0;
	}
	if (!sp_backing_begin_use(view->backing)) {
		return -EBADF;
	}
	if (is_to_be_tried(view) && sp_judge_become_direct(view)) {
		sp_backing_end_use(view->backing);
		access->data = sp_view_get_in_place(view, view->mapping);
		return 0;
	}
	int ret = sp_copies_begin(copies, epoch, false, NULL, access);
	sp_backing_end_use(view->backing);
	access->flags = ret == 0 ? HOLDS_COPY : 0;
	return ret;
}

int sp_view_begin_read(struct sp_view *view, uint64_t epoch,
		struct sp_access *access) {
	*access = (struct sp_access){ 0 };
	enum sealpool_memory_kind kind =
		atomic_load_explicit(&view->kind, memory_order_acquire);
	if (kind != SEALPOOL_MEMORY_SHADOW) {
		access->flags = kind == SEALPOOL_MEMORY_DIRECT ? 0 : TELLS_END;
		access->data = sp_view_get_in_place(view, view->mapping);
		return 0;
	}
	access->data = sp_untrusted_own(view->backing->memory->zeroes->data);
	if (view->unneeded) {
		return 0;
	}
	if (!view->tracked) {
		sp_view_age(view, NULL, 0);
	}
	int ret = begin_copy(view, epoch, access);
	if (ret < 0) {
		/* A compositor cannot handle a failed read: wlroots keeps a texture of
		 * the old size, and then aborts. So the zeroes stay. */
		sp_view_report(view, ret);
	}
	return 0;
}

/* Maps the client's file, to be written by the kernel or, if it is sealed, in place; NULL
 * for a slow file, which only a reader thread may write. Returns 0, -EACCES if the fd or a
 * seal (EPERM) forbids writing, or -ENOMEM if addresses or huge pages are lacking. */
static int map_for_writing(struct sp_view *view, struct sp_mapping **mapping) {
	struct sp_backing *backing = view->backing;
	if (!sp_file_may_be_written(&backing->file)) {
		return -EACCES;
	}
	*mapping = NULL;
	if (backing->file.kind == SP_FILE_SLOW) {
		return 0;
	}
	*mapping = sp_backing_map(backing, &sp_mapping_write,
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
	if (sp_judge_become_direct(view)) {
		access->data = sp_view_get_in_place(view, mapping);
		access->held = mapping;
		access->flags |= HOLDS_MAPPING;
		return 0;
	}
	struct sp_copies *copies = sp_copies_get(view);
	if (copies == NULL) {
		ret = -ENOMEM;
		goto error_mapping;
	}
	if (!view->tracked) {
		sp_view_age(view, NULL, 0);
	}
	ret = sp_copies_begin(copies, epoch, true, mapping, access);
	if (ret < 0) {
		goto error_mapping;
	}
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

void sp_view_end(struct sp_view *view, struct sp_access *access) {
	if (access->flags & HOLDS_COPY) {
		sp_copies_end(view->copies, access->held);
	} else if (access->flags & HOLDS_MAPPING) {
		sp_mapping_unref(access->held);
	} else if (access->flags & TELLS_END) {
		view->backing->memory->unsealed->end(view);
	}
	if (access->flags & USES_FILE) {
		sp_backing_end_use(view->backing);
	}
}

/* Behind a guard */

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
