/* SPDX-License-Identifier: MIT */
/*
 * The clock by which tests wait.
 *
 * The time of a compositor's answer consists of its work and its sleep. On a busy
 * machine, the compositor also waits for a processor, which says nothing about the
 * compositor. For each thread, the kernel counts this wait when it ends: the second
 * number of schedstat, in nanoseconds. So a wait may become known only after the clock
 * has counted it. The clock then stands still for as long.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* The calling process, and several others. */
#define FOLLOWED_MAX 8
/* How often schedstat is read. */
#define LOOK_NS INT64_C(10000000)
/* Several threads may wait for processors at the same time. The sum of their waits must
 * not stop the clock for long. */
#define OWED_MAX_NS INT64_C(10000000000)
#define SLOWEST 50

struct client_clock {
	/* The process that the clock belongs to. */
	pid_t self;
	struct {
		pid_t pid;
		/* The sum at the last reading. */
		int64_t waited;
	} followed[FOLLOWED_MAX];
	size_t followed_len;
	int64_t looked;
	/* How long the clock has still to stand still. */
	int64_t owed;
	/* The time of the clock. */
	int64_t ns;
};

static _Thread_local struct client_clock own;

static int64_t get_wall_ns(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Sums up how long the current threads of a process have waited for a processor. Returns
 * false, with errno set, if that is unknown. */
static bool get_waited(pid_t pid, int64_t *waited) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	if (dir == NULL) {
		return false;
	}
	*waited = 0;
	bool ok = true;
	struct dirent *entry;
	while (ok && (entry = readdir(dir)) != NULL) {
		char name[100];
		int64_t more;
		if (entry->d_name[0] == '.') {
			continue;
		}
		snprintf(name, sizeof(name), "%s/%.20s/schedstat", path,
			entry->d_name);
		FILE *file = fopen(name, "re");
		if (file == NULL) {
			/* A thread may have exited. */
			ok = errno == ENOENT;
			continue;
		}
		if (fscanf(file, "%*d %" SCNd64, &more) == 1) {
			*waited += more;
		}
		fclose(file);
	}
	closedir(dir);
	return ok;
}

static void look(int64_t now) {
	struct client_clock *clock = &own;
	for (size_t i = 0; i < clock->followed_len;) {
		int64_t waited, before = clock->followed[i].waited;
		if (get_waited(clock->followed[i].pid, &waited)) {
			/* The sum is less when a thread has exited. */
			clock->owed += waited > before ? waited - before : 0;
			clock->followed[i++].waited = waited;
		} else if (errno == ENOENT) {
			clock->followed[i] =
				clock->followed[--clock->followed_len];
		} else {
			i++;
		}
	}
	int64_t elapsed = now - clock->looked;
	int64_t still = elapsed - elapsed / SLOWEST;
	if (still > clock->owed) {
		still = clock->owed;
	}
	clock->owed -= still;
	if (clock->owed > OWED_MAX_NS) {
		clock->owed = OWED_MAX_NS;
	}
	clock->ns += elapsed - still;
	clock->looked = now;
}

static void follow(pid_t pid) {
	struct client_clock *clock = &own;
	for (size_t i = 0; i < clock->followed_len; i++) {
		if (clock->followed[i].pid == pid) {
			return;
		}
	}
	int64_t waited;
	if (clock->followed_len < FOLLOWED_MAX && get_waited(pid, &waited)) {
		clock->followed[clock->followed_len].pid = pid;
		clock->followed[clock->followed_len].waited = waited;
		clock->followed_len++;
	}
}

/* Keeps the time of the clock. */
static void begin(pid_t self) {
	struct client_clock *clock = &own;
	clock->self = self;
	clock->followed_len = 0;
	clock->owed = 0;
	clock->looked = get_wall_ns();
	follow(self);
}

static void begin_after_fork(void) {
	pid_t self = getpid();
	if (own.self != self) {
		begin(self);
	}
}

int64_t client_now_ms(void) {
	begin_after_fork();
	int64_t now = get_wall_ns();
	if (now - own.looked >= LOOK_NS) {
		look(now);
	}
	return own.ns / 1000000;
}

void client_clock_follow(pid_t pid) {
	begin_after_fork();
	if (pid > 0) {
		follow(pid);
	}
}
