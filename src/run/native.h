/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_NATIVE_H
#define SEALPOOL_RUN_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

struct sealpool_guard;
struct wl_global;

/** See src/wlroots/native.h. */
typedef struct wl_global *(*native_create_func)(struct sealpool_guard *guard,
	void *wlr_shm, uint32_t version);

/** Whether a library is one of wlroots'. "file" is the name of its file. */
bool native_is_wlroots(const char *file);

/**
 * Loads the native module for a library of wlroots', which is in the same folder as the
 * preloaded library. Returns NULL if there is none.
 */
native_create_func native_find(const char *preloaded, const char *file);

#endif
