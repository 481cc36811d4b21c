/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CLOCK_H
#define CLIENT_CLOCK_H

#include <stdint.h>
#include <sys/types.h>

/**
 * Milliseconds of a clock that a busy machine does not advance. It never goes
 * back. Time in which the processes that it follows work or sleep counts; time in
 * which a thread of theirs waits for a processor does not, except for a fiftieth
 * of it, so that each wait ends some day.
 *
 * Each thread has one. It follows the calling process, and begins to do so anew
 * after a fork. Where the kernel does not tell how long a process has waited
 * (/proc/PID/task/TID/schedstat), it is the monotonic clock.
 */
int64_t client_now_ms(void);

/** Makes the clock follow another process, unless it is 0: not known. */
void client_clock_follow(pid_t pid);

#endif
