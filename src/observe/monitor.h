/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_OBSERVE_MONITOR_H
#define SEALPOOL_OBSERVE_MONITOR_H

struct sp_context;
struct sp_monitor;

/**
 * Listens at $XDG_RUNTIME_DIR/sealpool-PID, or at that name with -1, -2 and so on
 * appended if it is taken. On failure, returns NULL and sets errno.
 */
struct sp_monitor *sp_monitor_create(struct sp_context *context);

/** Call it before the display is destroyed. */
void sp_monitor_destroy(struct sp_monitor *monitor);

#endif
