/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_THREAD_H
#define SEALPOOL_MEMORY_THREAD_H

/** Starts a detached thread with all signals blocked and no real-time policy. Returns 0 or
 * a negative errno. Any thread. */
int sp_thread_start(void *(*run)(void *data), void *data);

#endif
