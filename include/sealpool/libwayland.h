/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_LIBWAYLAND_H
#define SEALPOOL_LIBWAYLAND_H

/**
 * @file
 *
 * Sealpool behind libwayland-server's own functions for wl_shm: wl_display_init_shm(),
 * wl_display_add_shm_format(), wl_shm_buffer_get() and the others. A compositor that uses
 * them is linked with libsealpool-libwayland before libwayland-server, or has it
 * preloaded, and needs no change.
 *
 * The functions follow libwayland's documentation, with these differences:
 *
 * - Call wl_shm_buffer_begin_access() before each read. Memory that is not sealed is
 *   copied then, and what was read before is an older frame.
 * - wl_shm_buffer_get_data() returns the same address as long as the buffer exists, also
 *   after wl_shm_pool.resize. (It may change once: if the buffer is captured into after
 *   it was shown, or if there was no memory for a copy. After a capture, the bytes at the
 *   earlier address are current as well.)
 * - What is written to a buffer that is on a surface may be lost. What is written to any
 *   other reaches its client when the access ends, unless its memory cannot be written
 *   (a read-only fd, a seal).
 * - A buffer is accessed by one thread at a time.
 * - Formats whose memory layout is not known are not offered.
 */

#include <sealpool/shm.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Sets the options of each wl_shm that wl_display_init_shm() creates from now on, in any
 * display. They must not be NULL, and are copied. Call it before other threads use
 * libwayland-server.
 */
void sealpool_libwayland_set_options(const struct sealpool_options *options);

#ifdef __cplusplus
}
#endif

#endif
