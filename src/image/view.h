/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_VIEW_H
#define SEALPOOL_IMAGE_VIEW_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sealpool/memory.h>

#include "format.h"
#include "memory/mapping.h"
#include "memory/memory.h"

struct sp_backing;
struct sp_copies;
struct sp_view;

/** What an access met. Any thread; the caller holds no lock. */
struct sp_view_ops {
	/* The client's file ends before the view does: at "file_size". */
	void (*short_file)(struct sp_view *view, uint64_t file_size);
	/* A copy does not fit the account, which says why. */
	void (*over_budget)(struct sp_view *view);
	/* The compositor lacks what a copy takes: a negative errno. */
	void (*failed)(struct sp_view *view, int error);
	/* The client's file has not answered yet. */
	void (*silent)(struct sp_view *view);
};

/** How the compositor sees a buffer's bytes. */
struct sp_view {
	struct sp_backing *backing;
	const struct sp_view_ops *ops;
	struct sp_layout layout;
	_Atomic enum sealpool_memory_kind kind;
	/* How often it was tried to read in place. */
	atomic_uint attempts;
	/* Attached to a surface, so that commits tell what is stale. */
	atomic_bool tracked;
	/* The file has, or had, holes when it was read in place. */
	atomic_bool had_holes;
	/* When that was tried last, there was no room for a mapping, or for more
	 * that is read so; or the file is too large for that. */
	atomic_bool no_room;
	/* The client may use these bytes for something else: what is not stale
	 * stays as it is, and cannot be copied again. */
	atomic_bool final;
	/* Nor is there a client any more: what is needed for others is taken, and
	 * reads as zero. */
	atomic_bool orphan;
	/* Where direct and nofault views are read. It stays when the view becomes a
	 * shadow: an access that has begun holds nothing. */
	struct sp_mapping *mapping;
	/* Made when it is first read through a copy. */
	struct sp_copies *_Atomic copies;
	struct sp_counters counters;
};

/** One access. */
struct sp_access {
	uint8_t *data;
	/* Private: what is to be let go of at its end. */
	void *held;
	uint32_t flags;
};

/** Where a view is read, or written, in place. The only such conversion: the bytes below
 * the view's end are sealed or the mapping has MAP_NOFAULT (see judge.c). */
static inline uint8_t *sp_view_get_in_place(const struct sp_view *view,
		const struct sp_mapping *mapping) {
	return sp_untrusted_in_place(mapping->data) +
		sp_layout_start(&view->layout);
}

/** Reports why a copy could not be made: a negative errno. Any thread, without a
 * lock. */
static inline void sp_view_report(struct sp_view *view, int error) {
	if (error == -EDQUOT) {
		view->ops->over_budget(view);
	} else {
		view->ops->failed(view, error);
	}
}

#endif
