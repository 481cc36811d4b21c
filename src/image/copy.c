/* SPDX-License-Identifier: MIT */
/*
 * One copy of a buffer: its memory and its stale region.
 */
#include <errno.h>
#include <stdlib.h>

#include "copy.h"
#include "memory/pages.h"
#include "region.h"

static uint64_t get_start(const struct sp_copies *copies) {
	return sp_layout_start(&copies->view->layout);
}

uint8_t *sp_copy_get_data(const struct sp_copy *copy) {
	switch (copy->place) {
	case SP_COPY_IN_STORE:
		return copy->store.data;
	case SP_COPY_IN_SHADOW:
		return sp_untrusted_own(copy->shadow.mapping->data) +
			get_start(copy->copies);
	case SP_COPY_IN_PINNED_SHADOW:
		break;
	}
	return sp_untrusted_own(copy->mapping->data) + get_start(copy->copies);
}

void sp_copy_destroy(struct sp_copy *copy) {
	switch (copy->place) {
	case SP_COPY_IN_STORE:
		if (copy->store.data != NULL) {
			sp_store_finish(&copy->store);
		}
		break;
	case SP_COPY_IN_SHADOW:
		sp_shadow_finish(&copy->shadow);
		break;
	case SP_COPY_IN_PINNED_SHADOW:
		sp_mapping_unref(copy->mapping);
		/* Otherwise the guarded wl_shm may read it until the pool is
		 * destroyed. */
		if (copy->on_offer) {
			const struct sp_view *view = copy->copies->view;
			sp_pinned_give_back(&view->backing->pinned,
				get_start(copy->copies), view->layout.end);
		}
		break;
	}
	pixman_region32_fini(&copy->stale);
	pixman_region32_fini(&copy->copied);
	free(copy);
}

static bool copy_detach(struct sp_cached *cached) {
	struct sp_copy *copy = sp_list_entry(cached, struct sp_copy, cached);
	struct sp_copies *copies = copy->copies;
	if (!sp_lock_try_acquire(&copies->lock)) {
		return false;
	}
	sp_list_remove(&copy->link);
	sp_lock_release(&copies->lock);
	return true;
}

static void copy_release(struct sp_cached *cached) {
	sp_copy_destroy(sp_list_entry(cached, struct sp_copy, cached));
}

/* The client's next copy is likely to have the same size. */
void sp_copy_leave_spare(struct sp_copy *copy) {
	struct sp_backing *backing = copy->copies->view->backing;
	if (copy->place == SP_COPY_IN_STORE) {
		sp_spare_put(&backing->memory->cache, backing->spare,
			&copy->store);
		copy->store.data = NULL;
	}
}

/* What is stale */

void sp_copy_age_whole(struct sp_copies *copies, struct sp_copy *copy) {
	const struct sp_layout *layout = &copies->view->layout;
	sp_region_set_all(&copy->stale, layout->width, layout->height);
}

/* More rectangles cost more than copying something again. */
#define COPIED_RECTS_MAX 64

/* Unlike the stale region, this one may be too small, but not too large. */
void sp_copy_note_copied(struct sp_copies *copies, struct sp_copy *copy,
		const pixman_region32_t *region, uint64_t epoch) {
	if (copy->copied_epoch != epoch) {
		pixman_region32_clear(&copy->copied);
		copy->copied_epoch = epoch;
	}
	if (!pixman_region32_union(&copy->copied, &copy->copied,
			(pixman_region32_t *)region) ||
			pixman_region32_n_rects(&copy->copied) >
				COPIED_RECTS_MAX) {
		copy->copied_epoch = 0;
	}
}

void sp_copy_age(struct sp_copies *copies, struct sp_copy *copy,
		const pixman_region32_t *region, uint64_t epoch) {
	if (epoch == 0 || copy->copied_epoch != epoch) {
		sp_region_add(&copy->stale, region);
		return;
	}
	pixman_region32_t changed;
	pixman_region32_init(&changed);
	if (pixman_region32_subtract(&changed, (pixman_region32_t *)region,
			&copy->copied)) {
		sp_region_add(&copy->stale, &changed);
	} else {
		sp_copy_age_whole(copies, copy);
	}
	pixman_region32_fini(&changed);
}

/* Creating copies. The caller holds no lock: other copies may be reclaimed. */

static int copy_init_store(struct sp_copy *copy) {
	struct sp_view *view = copy->copies->view;
	struct sp_backing *backing = view->backing;
	size_t size = (size_t)(view->layout.end -
		sp_layout_start(&view->layout));
	copy->place = SP_COPY_IN_STORE;
	/* The spare has bytes of another buffer of the same client. All of a new copy is
	 * stale, so each byte is overwritten before it is read, but for those of a slow
	 * file that arrive later: these are to read as zero. */
	if (backing->file.kind != SP_FILE_SLOW &&
			sp_spare_take(&backing->memory->cache, backing->spare,
				size, &copy->store)) {
		sp_chunks_set_all(&copy->written);
		return 0;
	}
	return sp_store_init(&copy->store, backing->account, size);
}

static int copy_init_shadow(struct sp_copy *copy) {
	struct sp_view *view = copy->copies->view;
	copy->place = SP_COPY_IN_SHADOW;
	int ret = sp_shadow_init(&copy->shadow, view->backing->account,
		view->layout.end);
	if (ret < 0) {
		return ret;
	}
	ret = sp_shadow_reserve(&copy->shadow, sp_layout_start(&view->layout),
		view->layout.end);
	if (ret < 0) {
		sp_shadow_finish(&copy->shadow);
	}
	return ret;
}

static int copy_init_pinned(struct sp_copy *copy) {
	struct sp_view *view = copy->copies->view;
	struct sp_backing *backing = view->backing;
	copy->place = SP_COPY_IN_PINNED_SHADOW;
	int ret = sp_pinned_use(&backing->pinned, sp_layout_start(&view->layout),
		view->layout.end);
	if (ret == 0) {
		sp_lock_acquire(&backing->lock);
		copy->mapping = sp_mapping_ref(backing->pinned.shadow.mapping);
		sp_lock_release(&backing->lock);
	}
	return ret;
}

/* Sets how much the copy holds of each resource. */
static void copy_note_held(struct sp_copy *copy) {
	const struct sp_layout *layout = &copy->copies->view->layout;
	uint64_t *held = copy->cached.held;
	switch (copy->place) {
	case SP_COPY_IN_STORE:
		held[SP_RESOURCE_SHADOW_BYTES] = copy->store.size;
		break;
	case SP_COPY_IN_SHADOW:
		held[SP_RESOURCE_FDS] = 1;
		held[SP_RESOURCE_SHADOW_BYTES] = copy->shadow.charged;
		break;
	case SP_COPY_IN_PINNED_SHADOW:
		/* An upper bound: pages that other buffers use, too, stay. */
		held[SP_RESOURCE_SHADOW_BYTES] =
			held[SP_RESOURCE_PINNED_BYTES] =
			sp_pages_round_up(layout->end) -
			sp_pages_round_down(sp_layout_start(layout));
		break;
	}
}

int sp_copy_create(struct sp_copies *copies, bool for_writing,
		struct sp_copy **copy_ptr) {
	struct sp_backing *backing = copies->view->backing;
	struct sp_copy *copy = calloc(1, sizeof(*copy));
	if (copy == NULL) {
		return -ENOMEM;
	}
	copy->copies = copies;
	int ret = for_writing ? copy_init_shadow(copy) :
		backing->is_pinned ? copy_init_pinned(copy) :
		copy_init_store(copy);
	if (ret < 0) {
		free(copy);
		return ret;
	}
	sp_cached_init(&copy->cached, backing->account);
	copy->cached.detach = copy_detach;
	copy->cached.release = copy_release;
	copy_note_held(copy);
	pixman_region32_init(&copy->stale);
	pixman_region32_init(&copy->copied);
	sp_region_set_all(&copy->stale, copies->view->layout.width,
		copies->view->layout.height);
	*copy_ptr = copy;
	return 0;
}
