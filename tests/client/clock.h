/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CLOCK_H
#define CLIENT_CLOCK_H

#include <stdint.h>
#include <sys/types.h>

/**
 * Returns the milliseconds of a clock that stands still while a busy machine delays the
 * test. It never goes back. The time in which the followed processes work or sleep
 * counts. The time in which one of their threads waits for a processor does not, except
 * for a fiftieth of it, so that each wait of a test ends.
 *
 * Each thread has its own clock. It follows the calling process, and starts anew after a
 * fork. Without /proc/PID/task/TID/schedstat, it is the monotonic clock.
 */
int64_t client_now_ms(void);

/** Makes the clock follow another process. 0 means that the process is unknown, and does
 * nothing. */
void client_clock_follow(pid_t pid);

#endif
