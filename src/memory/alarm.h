/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_ALARM_H
#define SEALPOOL_MEMORY_ALARM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** Wakes an event loop: its fd becomes readable when any thread rings, or at a set
 * time. */
struct sp_alarm {
	int fd;
	/* A thread has rung, and sp_alarm_clear() was not called since. */
	atomic_bool ringing;
};

/** Returns 0 or a negative errno. */
int sp_alarm_init(struct sp_alarm *alarm);
void sp_alarm_finish(struct sp_alarm *alarm);

/** Makes the fd readable. Any thread. */
void sp_alarm_ring(struct sp_alarm *alarm);

/** Makes the fd unreadable. Call it before handling what other threads rang for. On the
 * event loop's thread, as the next one. */
void sp_alarm_clear(struct sp_alarm *alarm);
/** Makes the fd readable in "ms" milliseconds; UINT64_MAX: never. Call it after
 * sp_alarm_clear(). */
void sp_alarm_set(struct sp_alarm *alarm, uint64_t ms);

#endif
