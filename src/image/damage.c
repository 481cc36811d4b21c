/* SPDX-License-Identifier: MIT */
/*
 * Damage that the compositor tells by itself.
 */
#include "access.h"
#include "changes.h"
#include "damage.h"
#include "memory/backing.h"
#include "region.h"

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
