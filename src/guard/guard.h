/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GUARD_GUARD_H
#define SEALPOOL_GUARD_GUARD_H

#include <stddef.h>
#include <stdint.h>

struct sealpool_guard;
struct wl_global;

/**
 * Replaces a guard by Sealpool's own wl_shm, before the first client connects and before
 * there is a wl_shm behind the guard. The guard's sealpool_shm is that of the wl_shm from
 * then on. "formats" are wl_shm's codes. If this is called again, it creates another
 * global with the same formats.
 *
 * Returns the global, which the caller has to destroy; or NULL, if there is no memory.
 * Then the guard continues, and this must not be called again.
 */
struct wl_global *sp_guard_replace(struct sealpool_guard *guard,
	uint32_t version, const uint32_t *formats, size_t formats_len);

/** The guard's sealpool_shm has become that of a wl_shm (sp_shm_offer()), before the first
 * client has connected: the guard does nothing from then on. */
void sp_guard_leave(struct sealpool_guard *guard);

#endif
