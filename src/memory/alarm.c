/* SPDX-License-Identifier: MIT */
/*
 * One fd that wakes an event loop.
 *
 * It is a timerfd, so that the event loop needs neither another timer nor an eventfd:
 * ringing sets the timer to the shortest possible time.
 */
#include <errno.h>
#include <limits.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "alarm.h"

int sp_alarm_init(struct sp_alarm *alarm) {
	atomic_init(&alarm->ringing, false);
	alarm->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return alarm->fd < 0 ? -errno : 0;
}

void sp_alarm_finish(struct sp_alarm *alarm) {
	close(alarm->fd);
}

/* Zero stops the timer. */
static void set(struct sp_alarm *alarm, uint64_t ms, long ns) {
	const struct itimerspec in = {
		.it_value = {
			.tv_sec = (time_t)(ms / 1000),
			.tv_nsec = (long)(ms % 1000) * 1000000 + ns,
		},
	};
	timerfd_settime(alarm->fd, 0, &in, NULL);
}

void sp_alarm_ring(struct sp_alarm *alarm) {
	if (!atomic_exchange(&alarm->ringing, true)) {
		set(alarm, 0, 1);
	}
}

void sp_alarm_clear(struct sp_alarm *alarm) {
	/* This also makes it unreadable. */
	set(alarm, 0, 0);
	/* A thread that rings from here on sets the timer again. What the earlier ones
	 * rang for is visible to this thread. */
	atomic_exchange(&alarm->ringing, false);
}

void sp_alarm_set(struct sp_alarm *alarm, uint64_t ms) {
	if (ms == UINT64_MAX) {
		return;
	}
	set(alarm, ms < INT_MAX ? ms : INT_MAX, 1);
	/* That may have overwritten the time of a thread that rang just now. */
	if (atomic_load(&alarm->ringing)) {
		set(alarm, 0, 1);
	}
}
