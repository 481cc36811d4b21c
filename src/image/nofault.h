/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_NOFAULT_H
#define SEALPOOL_IMAGE_NOFAULT_H

#include <stdbool.h>

#include "view.h"

/** Whether the system and the view's file allow it. */
bool sp_nofault_is_possible(const struct sp_view *view);
/** Tries to. Returns whether the view is read so from now on. */
bool sp_nofault_become(struct sp_view *view);
/** A commit is about to come: looks for holes that have come since. */
void sp_nofault_look(struct sp_view *view);
/** An access has ended: looks whether zeroes may have been seen. Any thread. */
void sp_nofault_end(struct sp_view *view);

#endif
