/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_WLROOTS_BUFFER_H
#define SEALPOOL_WLROOTS_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

struct sealpool_shm;
struct wl_display;

/** wlroots finds the buffers of this wl_shm from now on. With "delays", it can delay their
 * commits, which requires the commit tracker. */
void sp_wlr_use_buffers(struct sealpool_shm *shm, bool delays);

/** Imports buffers of this display, if that is wanted here or by the environment: see
 * sealpool_options.gpu_import, and .shadow_idle_ms for "idle_ms". */
void sp_wlr_use_gpu(struct wl_display *display, bool wanted, uint32_t idle_ms);

#endif
