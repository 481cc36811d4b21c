/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_WLROOTS_BUFFER_H
#define SEALPOOL_WLROOTS_BUFFER_H

struct sealpool_shm;

/** wlroots finds the buffers of this wl_shm from now on, and can delay their commits. */
void sp_wlr_use_buffers(struct sealpool_shm *shm);

#endif
