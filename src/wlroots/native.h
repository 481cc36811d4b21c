/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_WLROOTS_NATIVE_H
#define SEALPOOL_WLROOTS_NATIVE_H

#include <stdint.h>

struct sealpool_guard;
struct wl_global;

/**
 * Replaces a guard by Sealpool's wl_shm for wlroots. "wlr_shm" is the struct wlr_shm for
 * which wlroots creates its global. Returns the new global, which wlroots destroys; or
 * NULL, as sp_guard_replace() does.
 */
struct wl_global *sealpool_wlr_native_create(struct sealpool_guard *guard,
	void *wlr_shm, uint32_t version);

#endif
