/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GUARD_H
#define SEALPOOL_GUARD_H

/**
 * @file
 *
 * Sealpool in front of another wl_shm: libwayland's or a compositor's own.
 *
 * The guard listens to the requests of a wl_display before they are dispatched.
 * A pool whose file is sealed and large enough passes unchanged. For any other
 * pool, the guard replaces the client's fd in the request by that of a shadow: a
 * file of the compositor's own that nobody can truncate. At each commit, the guard
 * copies into the shadow what the client has damaged; after a capture, it copies
 * out what the compositor has written. Pools, buffers and protocol objects remain
 * those of the guarded wl_shm.
 *
 * No other call is needed: the compositor need not know of the guard.
 */

#include <sealpool/shm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wl_display;
struct sealpool_guard;

/**
 * Guards a display until the display is destroyed. Call it before the first client
 * connects, on the thread that dispatches the display: a client that has a pool from
 * before is disconnected when it creates a buffer in it or resizes it. "options" may be
 * NULL, and is copied; the options mean the same as for sealpool_shm_create(), except:
 *
 * - shadow_idle_ms: the guarded wl_shm has mapped the shadow, so the memory of a
 *   buffer in it is freed (when idle, or when a limit is reached) only while no
 *   surface and no other object has the buffer, and each commit that attached it was
 *   answered by a wl_buffer.release. The memory is filled again before the next
 *   request with that buffer is dispatched. If the compositor is found to read a
 *   buffer after releasing it, that is logged, and from then on all such memory stays
 *   until its pools are destroyed.
 * - budget: an fd that the guarded wl_shm keeps for a pool is counted, too, and
 *   what a surface shows counts as held until the surface shows something else.
 * - short_file: it cannot keep a client alive that resizes a pool beyond its sealed
 *   file. That cannot be made safe, so the client gets invalid_fd.
 *
 * Returns NULL, after a log message, when a resource is lacking.
 */
struct sealpool_guard *sealpool_guard_create(struct wl_display *display,
	const struct sealpool_options *options);

/**
 * Returns the object to pass to sealpool_shm_get_client_stats(),
 * sealpool_shm_for_each_pool(), sealpool_feedback_create() and
 * sealpool_monitor_create() for a guard. A buffer of a pool that passes unchanged counts
 * as direct. The guard owns the object.
 */
struct sealpool_shm *sealpool_guard_get_shm(struct sealpool_guard *guard);

#ifdef __cplusplus
}
#endif

#endif
