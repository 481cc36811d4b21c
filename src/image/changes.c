/* SPDX-License-Identifier: MIT */
/*
 * Events that change a view: commits of its buffer, and the destruction of the buffer and
 * the client.
 */
#include <errno.h>

#include "changes.h"
#include "copies.h"
#include "judge.h"
#include "memory/backing.h"
#include "memory/inplace.h"
#include "region.h"

static bool become_unsealed(struct sp_view *view) {
	const struct sp_unsealed *unsealed = view->backing->memory->unsealed;
	return unsealed != NULL && unsealed->become(view);
}

static void init(struct sp_view *view, struct sp_backing *backing,
		const struct sp_layout *layout, const struct sp_view_ops *ops,
		enum sealpool_memory_kind kind) {
	*view = (struct sp_view){
		.backing = backing,
		.ops = ops,
		.layout = *layout,
		.kind = kind,
	};
	sp_inplace_add_view(&backing->inplace, sp_layout_start(layout),
		layout->end);
}

void sp_view_init(struct sp_view *view, struct sp_backing *backing,
		const struct sp_layout *layout,
		const struct sp_view_ops *ops) {
	init(view, backing, layout, ops, SEALPOOL_MEMORY_SHADOW);
	if (!sp_judge_is_sealed(view)) {
		become_unsealed(view);
	} else if (sp_judge_may_be_in_place(view)) {
		sp_judge_try(view, SEALPOOL_MEMORY_DIRECT);
	}
}

void sp_view_init_guarded(struct sp_view *view, struct sp_backing *backing,
		const struct sp_layout *layout,
		const struct sp_view_ops *ops) {
	/* For safe memory, only the kind is needed. */
	init(view, backing, layout, ops, backing->is_pinned ?
		SEALPOOL_MEMORY_SHADOW : SEALPOOL_MEMORY_DIRECT);
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
			sp_inplace_may_be_large(inplace) &&
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
		!sp_judge_is_sealed(view) && sp_judge_is_due(view) &&
		unsealed->become(view));
	if (in_place && view->copies != NULL) {
		sp_copies_drop(view->copies);
	}
}

bool sp_view_needs_commits(const struct sp_view *view) {
	return sp_view_wants_commits(view) && (view->copies != NULL ||
		view->had_holes || view->no_room ||
		view->layout.end > view->backing->file.sealed_size);
}

uint64_t sp_view_get_generation(const struct sp_view *view) {
	return view->copies != NULL ?
		sp_copies_get_generation(view->copies) : 0;
}

bool sp_view_is_waiting(const struct sp_view *view, uint64_t generation) {
	return view->copies != NULL &&
		sp_copies_are_waiting(view->copies, generation);
}

void sp_view_age(struct sp_view *view, const pixman_region32_t *region,
		uint64_t epoch) {
	/* A copy that is created later is wholly stale at first. */
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

uint64_t sp_view_count_stale(struct sp_view *view) {
	const struct sp_layout *layout = &view->layout;
	pixman_region32_t stale;
	pixman_region32_init(&stale);
	sp_view_get_stale(view, 0, &stale);
	int boxes_len;
	const pixman_box32_t *boxes =
		pixman_region32_rectangles(&stale, &boxes_len);
	uint64_t pixels = 0;
	for (int i = 0; i < boxes_len; i++) {
		pixels += (uint64_t)(boxes[i].x2 - boxes[i].x1) *
			(uint64_t)(boxes[i].y2 - boxes[i].y1);
	}
	pixman_region32_fini(&stale);
	return pixels * (layout->end - sp_layout_start(layout)) /
		((uint64_t)layout->width * (uint64_t)layout->height);
}

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
		sp_region_set_all(stale, view->layout.width,
			view->layout.height);
		return;
	}
	if (!view->tracked) {
		sp_view_age(view, NULL, epoch);
	}
	sp_copies_get_stale(view->copies, stale);
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
