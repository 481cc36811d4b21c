/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_DAMAGE_H
#define SEALPOOL_IMAGE_DAMAGE_H

#include "view.h"

/**
 * A commit shows the view, and the compositor tells what the client may have changed: see
 * sealpool_view_damage(). "epoch" is as for sp_view_age(). Returns whether the file has
 * answered, or need not be asked.
 */
bool sp_view_damage(struct sp_view *view, const struct sealpool_box *boxes,
	size_t boxes_len, uint64_t epoch);

#endif
