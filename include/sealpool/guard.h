/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GUARD_H
#define SEALPOOL_GUARD_H

/**
 * @file
 *
 * Sealpool in front of another wl_shm: libwayland's or a compositor's own.
 *
 * The guard listens to the requests of a wl_display before they are dispatched.
 * A pool whose file is sealed and large enough passes as it is. In all others'
 * place, the wl_shm behind gets a shadow: a file of the compositor's own that
 * nobody can make shorter. Its fd, another number, takes the place of the client's
 * in the request. The guard copies into it what the client damages, at each
 * commit, and out of it what the compositor has captured. Pools, buffers and
 * protocol objects remain the other wl_shm's.
 *
 * Nobody has to call anything else: a compositor need not know of it.
 */

#include <sealpool/shm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wl_display;
struct sealpool_guard;

/**
 * Guards a display from now on, until it is destroyed. To be called before the
 * first client connects, on the thread that dispatches the display. "options"
 * may be NULL, and is copied; all of them mean what they mean for
 * sealpool_shm_create(). The memory of a buffer in a shadow that the wl_shm behind
 * has mapped is given back, after "shadow_idle_ms" or when a limit is reached, only
 * while no surface has the buffer, it is handed to no other object, and each commit
 * that attached it was answered by a wl_buffer.release; it is there again before the
 * next request with that buffer is dispatched. A compositor that is found to read a
 * buffer after releasing it is logged, and then all of that memory stays until the
 * pools go. An fd that the wl_shm behind keeps for a pool counts as well, and what
 * a surface shows counts as held until it shows something else.
 * What short_file() leaves alive ends where a sealed file is shorter than a pool is resized to: that
 * cannot be made safe, and its client gets invalid_fd.
 *
 * Returns NULL, after a log message, when a resource is lacking.
 */
struct sealpool_guard *sealpool_guard_create(struct wl_display *display,
	const struct sealpool_options *options);

/**
 * What sealpool_shm_get_client_stats(), sealpool_shm_for_each_pool(),
 * sealpool_feedback_create() and sealpool_monitor_create() are called with for a
 * guard. A buffer of a pool that passes as it is counts as direct. Goes with the guard.
 */
struct sealpool_shm *sealpool_guard_get_shm(struct sealpool_guard *guard);

#ifdef __cplusplus
}
#endif

#endif
