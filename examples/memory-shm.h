/* SPDX-License-Identifier: MIT */
#ifndef MEMORY_SHM_H
#define MEMORY_SHM_H

#include <stdbool.h>

struct wl_display;
struct wlr_compositor;
struct wlr_renderer;

/** Creates a wl_shm global with the formats that the renderer reads from memory. It is
 * destroyed with the display. Returns false when a resource is lacking. */
bool memory_shm_create(struct wl_display *display,
	struct wlr_compositor *compositor, struct wlr_renderer *renderer);

#endif
