/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_OBSERVE_MONITOR_H
#define SEALPOOL_OBSERVE_MONITOR_H

#include <sealpool/shm.h>

struct sp_context;
struct wl_signal;

/**
 * Listens at $XDG_RUNTIME_DIR/sealpool-PID, or at that name with -1, -2 and so on
 * appended if it is taken, until "destroy" is emitted. Returns the one that was created
 * before, if there is one. On failure, returns NULL and sets errno.
 */
struct sealpool_monitor *sp_monitor_create(struct sp_context *context,
	struct wl_signal *destroy);

#endif
