/* SPDX-License-Identifier: MIT */
/*
 * Accesses that last as long as their view.
 *
 * Bytes that are read in place are always current. A copy is one that nothing reclaims,
 * as it is in use, and is updated while it is.
 */
#include "changes.h"
#include "copies.h"
#include "fill.h"
#include "held.h"
#include "memory/backing.h"

/* Returns the copy that is accessed; NULL in place. */
static struct sp_copy *get_copy(const struct sp_view *view,
		const struct sp_held *held) {
	bool in_place = view->kind == SEALPOOL_MEMORY_DIRECT ||
		(view->kind != SEALPOOL_MEMORY_SHADOW && !held->writing);
	return in_place ? NULL : held->access.held;
}

static void update(struct sp_view *view, uint64_t epoch,
		struct sp_copy *copy) {
	/* A disconnected client's buffer shows what it has. */
	if (!sp_backing_begin_use(view->backing)) {
		return;
	}
	if (!view->tracked) {
		sp_view_age(view, NULL, 0);
	}
	sp_copies_update(view->copies, copy, epoch);
	sp_backing_end_use(view->backing);
}

uint8_t *sp_view_hold(struct sp_view *view, uint64_t epoch, struct sp_held *held,
		bool writing) {
	if (held->begun) {
		struct sp_copy *copy = get_copy(view, held);
		if (copy != NULL) {
			update(view, epoch, copy);
		}
		return held->access.data;
	}
	int ret = writing ? sp_view_begin_write(view, epoch, &held->access) :
		sp_view_begin_read(view, epoch, &held->access);
	if (ret < 0) {
		return NULL;
	}
	held->writing = writing;
	view->fixed = true;
	held->begun = view->kind != SEALPOOL_MEMORY_SHADOW ||
		get_copy(view, held) != NULL;
	return held->access.data;
}

void sp_view_flush(struct sp_view *view, struct sp_held *held) {
	struct sp_copy *copy = held->begun ? get_copy(view, held) : NULL;
	if (copy != NULL && held->writing) {
		sp_copy_write_back(copy);
		sp_view_age(view, NULL, 0);
	} else if (held->begun && copy == NULL && !held->writing) {
		sp_view_end(view, &held->access);
	}
}

void sp_view_drop(struct sp_view *view, struct sp_held *held) {
	struct sp_copy *copy = held->begun ? get_copy(view, held) : NULL;
	if (held->begun && held->writing && copy == NULL) {
		sp_view_end(view, &held->access);
	} else if (held->begun && held->writing) {
		sp_mapping_unref(copy->write_back);
		sp_backing_end_use(view->backing);
	}
	/* A copy is destroyed with the view. */
	held->begun = false;
}
