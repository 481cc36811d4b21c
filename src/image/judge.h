/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_JUDGE_H
#define SEALPOOL_IMAGE_JUDGE_H

#include <stdbool.h>

#include "view.h"

/* Any thread, all. */

/** Whether the bytes can never go away: those of huge pages may. */
bool sp_judge_is_sealed(struct sp_view *view);
/** Whether all bytes have memory, as far as the kernel tells. */
bool sp_judge_has_memory(struct sp_view *view,
	const struct sp_mapping *mapping);
/** Whether the file is not too large for that. */
bool sp_judge_may_be_in_place(struct sp_view *view);
/** Whether to look again: the more often it was in vain, the less often. */
bool sp_judge_is_due(struct sp_view *view);

/** Lets a shadow view be read in place from now on, as that kind. Returns whether it
 * is. */
bool sp_judge_try(struct sp_view *view, enum sealpool_memory_kind kind);
/** Whether the view is direct by now, after it was tried if it is due. */
bool sp_judge_become_direct(struct sp_view *view);
/** Makes it a shadow. Accesses that have begun go on in the mapping. */
void sp_judge_leave_place(struct sp_view *view);

#endif
