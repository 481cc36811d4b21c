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

/** What an access may find. */
enum sp_event {
	/* The client's file ends before the view does. The value is the file's size. */
	SP_EVENT_SHORT_FILE = 1 << 0,
	/* The compositor lacks a resource for a copy. The value is a negative errno. */
	SP_EVENT_FAILED = 1 << 1,
	/* A charge for a copy was refused; the account has the reason. */
	SP_EVENT_REFUSED = 1 << 2,
	/* The client's file has not answered yet. */
	SP_EVENT_SILENT = 1 << 3,
};

/** Called from an access. Any thread; the caller holds no lock. */
typedef void (*sp_view_report_func)(struct sp_view *view, enum sp_event event,
	int64_t value);

/** How views whose bytes are not sealed are read in place, on systems that can do that. */
struct sp_unsealed {
	enum sealpool_memory_kind kind;
	/* Of all mappings that are read in place. */
	const struct sp_mapping_mode *mode;
	/* One more view is about to use the mapping. */
	void (*renew)(struct sp_mapping *mapping);
	/* Tries to read a shadow view in place. Returns whether it is from now on. */
	bool (*become)(struct sp_view *view);
	/* A view of this kind is about to be committed. */
	void (*commit)(struct sp_view *view);
	/* A read access to a view of this kind has ended. Any thread. */
	void (*end)(struct sp_view *view);
};

/** How the compositor reads a buffer's bytes. */
struct sp_view {
	struct sp_backing *backing;
	sp_view_report_func report;
	struct sp_layout layout;
	_Atomic enum sealpool_memory_kind kind;
	/* How often it was judged whether to read in place. */
	atomic_uint attempts;
	/* Attached to a surface, so that commits say what is stale. */
	atomic_bool tracked;
	/* The file has, or had, holes when it was read in place. */
	atomic_bool had_holes;
	/* The last attempt to read in place failed: no mapping could be created, the
	 * limit of bytes in place was reached, or the file was too large. */
	atomic_bool no_room;
	/* Nobody will see what is read now, so a copy is not made: it reads as zero. */
	atomic_bool unneeded;
	/* The compositor keeps the address of the bytes, so the kind stays (held.c). */
	atomic_bool fixed;
	/* The wl_buffer is destroyed, and the client may use the bytes for something
	 * else: what is not stale stays as it is, and cannot be copied again. */
	atomic_bool final;
	/* The client is disconnected, too: the memory may be reclaimed for others, and
	 * reads as zero then. */
	atomic_bool orphan;
	/* The mapping of a view that is read in place. It stays when the view becomes a
	 * shadow, since an access that has begun holds no reference. */
	struct sp_mapping *mapping;
	/* Created when the view is first read through a copy. */
	struct sp_copies *_Atomic copies;
	struct sp_counters counters;
};

/** One access. */
struct sp_access {
	uint8_t *data;
	/* Private: released at its end. */
	void *held;
	uint32_t flags;
};

/** Returns the pointer for reading or writing a view in place. The only such conversion:
 * the bytes are below the sealed size, or the mapping's mode shows zeroes for what is
 * missing (see judge.c). */
static inline uint8_t *sp_view_get_in_place(const struct sp_view *view,
		const struct sp_mapping *mapping) {
	return sp_untrusted_in_place(mapping->data) +
		sp_layout_start(&view->layout);
}

/** Reports why a copy could not be made: a negative errno. Any thread, without a
 * lock. */
static inline void sp_view_report(struct sp_view *view, int error) {
	view->report(view, error == -EDQUOT ? SP_EVENT_REFUSED : SP_EVENT_FAILED,
		error);
}

#endif
