/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_OBSERVE_MONITOR_H
#define SEALPOOL_OBSERVE_MONITOR_H

struct sp_context;
struct sp_monitor;

/**
 * Listens at $XDG_RUNTIME_DIR/sealpool-PID, or with -1, -2 and so on behind that
 * if it is taken. Returns NULL, with errno set, where that cannot be.
 */
struct sp_monitor *sp_monitor_create(struct sp_context *context);

/** While the display is still there. */
void sp_monitor_destroy(struct sp_monitor *monitor);

#endif
