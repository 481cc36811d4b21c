/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_JUDGE_H
#define SEALPOOL_IMAGE_JUDGE_H

#include <stdbool.h>

#include "view.h"

/* All functions: any thread. */

/** Returns whether the bytes are sealed; false for huge pages. */
bool sp_judge_is_sealed(struct sp_view *view);
/** Returns whether all bytes have memory, according to the kernel. */
bool sp_judge_has_memory(struct sp_view *view,
	const struct sp_mapping *mapping);
/** Returns whether the file is small enough to be read in place. */
bool sp_judge_may_be_in_place(struct sp_view *view);
/** Returns whether to judge again: the more attempts have failed, the less often. */
bool sp_judge_is_due(struct sp_view *view);

/** Tries to make a shadow view the given kind, which is read in place. Returns whether it
 * is. */
bool sp_judge_try(struct sp_view *view, enum sealpool_memory_kind kind);
/** Tries to make a view direct, if that is due. Returns whether it is direct. */
bool sp_judge_become_direct(struct sp_view *view);
/** Makes a view a shadow. Accesses that have begun continue to use the mapping. */
void sp_judge_leave_place(struct sp_view *view);

#endif
