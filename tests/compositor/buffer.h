/* SPDX-License-Identifier: MIT */
#ifndef COMPOSITOR_BUFFER_H
#define COMPOSITOR_BUFFER_H

#include "compositor.h"

void compositor_buffer_init(struct compositor_buffer *buffer);
/** NULL for none. */
void compositor_buffer_set(struct compositor_buffer *buffer,
	struct wl_resource *resource);

#endif
