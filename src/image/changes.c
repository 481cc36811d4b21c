/* SPDX-License-Identifier: MIT */
/*
 * Events that change a view: that it begins and ends, commits of its buffer, and damage
 * that the compositor tells by itself.
 */
#include "access.h"
#include "changes.h"
#include "judge.h"
#include "memory/backing.h"
#include "memory/inplace.h"
#include "region.h"

static bool become_unsealed(struct sp_view *view) {
	const struct sp_unsealed *unsealed = view->backing->memory->unsealed;
	return unsealed != NULL && unsealed->become(view);
}

void sp_view_init(struct sp_view *view, struct sp_backing *backing,
		const struct sp_layout *layout, sp_view_report_func report,
		bool guarded) {
	/* For safe memory behind a guard, only the kind is needed. */
	*view = (struct sp_view){
		.backing = backing,
		.report = report,
		.layout = *layout,
		.kind = guarded && !backing->is_pinned ?
			SEALPOOL_MEMORY_DIRECT : SEALPOOL_MEMORY_SHADOW,
	};
	sp_inplace_add_view(&backing->inplace, sp_layout_start(layout),
		layout->end);
	if (guarded) {
		return;
	}
	if (!sp_judge_is_sealed(view)) {
		become_unsealed(view);
	} else if (!sp_inplace_is_large(&backing->inplace)) {
		sp_judge_try(view, SEALPOOL_MEMORY_DIRECT);
	}
	/* A file that is large for the buffers so far may not be when they are drawn: a
	 * client creates them one by one. */
}

void sp_view_finish(struct sp_view *view) {
	if (view->copies != NULL) {
		sp_copies_destroy(view->copies);
	}
	struct sp_backing *backing = view->backing;
	if (view->mapping != NULL) {
		sp_lock_acquire(&backing->lock);
		sp_inplace_end(&backing->inplace, &backing->lock,
			sp_layout_start(&view->layout), view->layout.end);
		sp_lock_release(&backing->lock);
	}
	sp_inplace_remove_view(&backing->inplace,
		sp_layout_start(&view->layout), view->layout.end);
	sp_mapping_unref(view->mapping);
}

void sp_view_handle_attach(struct sp_view *view) {
	/* A direct view behind a guard has no mapping: this library does not read it. */
	struct sp_inplace *inplace = &view->backing->inplace;
	if (view->kind != SEALPOOL_MEMORY_SHADOW && view->mapping != NULL &&
			!view->fixed && sp_inplace_may_be_large(inplace->file,
				inplace->account) &&
			sp_inplace_is_large(inplace)) {
		sp_judge_leave_place(view);
	}
}

void sp_view_handle_commit(struct sp_view *view) {
	const struct sp_unsealed *unsealed = view->backing->memory->unsealed;
	if (unsealed != NULL && view->kind == unsealed->kind) {
		unsealed->commit(view);
		return;
	}
	bool in_place = sp_judge_become_direct(view) ||
		(unsealed != NULL && view->kind == SEALPOOL_MEMORY_SHADOW &&
		!view->fixed && !sp_judge_is_sealed(view) && sp_judge_is_due(view) &&
		unsealed->become(view));
	if (in_place) {
		sp_view_drop_copies(view);
	}
}

bool sp_view_needs_commits(const struct sp_view *view) {
	return sp_view_wants_commits(view) && (view->copies != NULL ||
		view->had_holes || view->no_room ||
		view->layout.end > view->backing->file.sealed_size);
}

void sp_view_set_tracked(struct sp_view *view, bool tracked, uint64_t epoch) {
	view->tracked = tracked;
	sp_view_age(view, NULL, epoch);
}

uint64_t sp_view_count_stale(struct sp_view *view) {
	pixman_region32_t stale;
	pixman_region32_init(&stale);
	sp_view_get_stale(view, 0, &stale);
	uint64_t bytes = sp_layout_count_bytes(&view->layout, &stale);
	pixman_region32_fini(&stale);
	return bytes;
}

void sp_view_get_stale(struct sp_view *view, uint64_t epoch,
		pixman_region32_t *stale) {
	if (view->copies == NULL) {
		sp_region_set_all(stale, view->layout.width,
			view->layout.height);
		return;
	}
	if (!view->tracked) {
		sp_view_age(view, NULL, epoch);
	}
	sp_copies_get_stale(view->copies, stale);
}

static void add_box(pixman_region32_t *region, const struct sp_layout *layout,
		const struct sealpool_box *box) {
	const int64_t right = (int64_t)box->x + box->width;
	const int64_t bottom = (int64_t)box->y + box->height;
	const pixman_box32_t inside = {
		.x1 = box->x > 0 ? box->x : 0,
		.y1 = box->y > 0 ? box->y : 0,
		.x2 = right < layout->width ? (int32_t)right : layout->width,
		.y2 = bottom < layout->height ? (int32_t)bottom :
			layout->height,
	};
	if (inside.x1 < inside.x2 && inside.y1 < inside.y2) {
		sp_region_add_box(region, &inside);
	}
}

bool sp_view_damage(struct sp_view *view, const struct sealpool_box *boxes,
		size_t boxes_len, uint64_t epoch) {
	if (!view->tracked) {
		sp_view_set_tracked(view, true, epoch);
	} else if (boxes_len > 0) {
		pixman_region32_t region;
		pixman_region32_init(&region);
		for (size_t i = 0; i < boxes_len; i++) {
			add_box(&region, &view->layout, &boxes[i]);
		}
		sp_view_age(view, &region, epoch);
		pixman_region32_fini(&region);
	}
	sp_view_handle_attach(view);
	sp_view_handle_commit(view);
	if (view->backing->file.kind != SP_FILE_SLOW) {
		return true;
	}
	sp_view_sync(view, epoch);
	return !sp_view_is_waiting(view, sp_view_get_generation(view));
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
