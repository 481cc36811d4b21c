/* SPDX-License-Identifier: MIT */
/*
 * The watch: a process that stays behind for some seconds, to say so when nothing
 * was guarded: a compositor that only seems to be safe is worse than one that is
 * not.
 *
 * It is told of a guard (notify.c). That may be lost, so before it says that there
 * is none, it looks at all processes that have come of the command (started.c). If
 * a guard is required, it ends those.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "notify.h"
#include "started.h"
#include "watch.h"

/* How often to look what is left of a command that has ended itself. */
#define LOOK_INTERVAL_MS 1000

/* How long who is told to end may take, before it is killed. */
#define GRACE_MS 5000
#define END_INTERVAL_MS 50

struct watch {
	const char *token, *name;
	int notify_fd;
	/* That becomes the command. */
	struct started_process command;
	/* -1 where the kernel has none. */
	int pidfd;
	/* Or it may have. */
	bool has_ended;
	/* All that has come of it, as far as was looked. */
	struct started started;
	bool require;
};

static int64_t now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* No reason for anybody to wait: nothing of the compositor's is kept open, nor the
 * folder that it was started in. */
static bool leave_files(const struct watch *watch) {
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
			dup2(null, STDOUT_FILENO) < 0 || chdir("/") < 0) {
		return false;
	}
	if (fcntl(STDERR_FILENO, F_GETFD) < 0 && dup2(null, STDERR_FILENO) < 0) {
		return false;
	}
	unsigned low = (unsigned)watch->notify_fd, high = low;
	if (watch->pidfd >= 0 && watch->pidfd < watch->notify_fd) {
		low = (unsigned)watch->pidfd;
	} else if (watch->pidfd >= 0) {
		high = (unsigned)watch->pidfd;
	}
	/* Where there is none between, nothing is done. */
	close_range(STDERR_FILENO + 1, low - 1, 0);
	close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0u, 0);
	return true;
}

/* Waits for so long, or until there may be something new. */
static void wait_for_news(struct watch *watch, int64_t milliseconds) {
	struct pollfd fds[] = {
		{ .fd = watch->notify_fd, .events = POLLIN },
		{ .fd = watch->has_ended ? -1 : watch->pidfd,
			.events = POLLIN },
	};
	if (watch->has_ended && milliseconds > LOOK_INTERVAL_MS) {
		milliseconds = LOOK_INTERVAL_MS;
	}
	if (poll(fds, 2, (int)milliseconds) > 0 && fds[1].revents != 0) {
		watch->has_ended = true;
	}
}

/* Returns whether there is anything of the command. Where it cannot be looked, as
 * little is known as was told. */
static bool look(struct watch *watch) {
	return started_find(&watch->started, watch->token, &watch->command) &&
		(watch->started.len > 0 || watch->started.pending);
}

static bool was_told(const struct watch *watch) {
	return notify_receive(watch->notify_fd, watch->token) !=
		NOTIFY_NOTHING;
}

/* Returns whether nothing is to be said. */
static bool wait_for_guard(struct watch *watch, int64_t until) {
	while (!was_told(watch)) {
		int64_t left = until - now_ms();
		if (watch->has_ended || left <= 0) {
			bool any = look(watch);
			bool guarded = started_has_guard(&watch->started);
			if (guarded || !any || left <= 0) {
				/* It may have told and ended meanwhile. */
				return guarded || was_told(watch);
			}
		}
		wait_for_news(watch, left);
	}
	return true;
}

/* What it is starting meanwhile is ended too. */
static void end_all(struct watch *watch) {
	int64_t patience = now_ms() + GRACE_MS;
	while (look(watch) && now_ms() < patience + GRACE_MS) {
		started_end(&watch->started, now_ms() >= patience);
		poll(NULL, 0, END_INTERVAL_MS);
	}
	for (size_t i = 0; i < watch->started.len; i++) {
		fprintf(stderr, "sealpool: process %ld cannot be ended\n",
			(long)watch->started.processes[i].pid);
	}
}

static _Noreturn void run(struct watch *watch, int patience) {
	prctl(PR_SET_NAME, "sealpool-watch");
	if (!leave_files(watch)) {
		_exit(1);
	}
	int64_t until = now_ms() + (int64_t)patience * 1000;
	if (wait_for_guard(watch, until)) {
		_exit(0);
	}
	if (now_ms() < until) {
		fprintf(stderr, "sealpool: %s has ended and told of no guard\n",
			watch->name);
		_exit(1);
	}
	fprintf(stderr, "sealpool: %s is NOT guarded%s: it has not created a "
		"Wayland display. Either it is no compositor; or it takes "
		"longer than this: --patience; or sealpool-run cannot reach "
		"it: it has libwayland-server in the program itself; or it was "
		"started with an environment that was cleared; or it has "
		"set-user-ID or file capabilities, of which a copy without "
		"them would do\n", watch->name,
		watch->require ? ", and is ended (--require)" : "");
	if (watch->require) {
		end_all(watch);
	}
	_exit(1);
}

/* Not to one of the first three numbers: a new fd has got that of a standard
 * stream if it is closed. */
static bool move_fd(int *fd) {
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (moved < 0) {
		return false;
	}
	close(*fd);
	*fd = moved;
	return true;
}

static bool open_fds(struct watch *watch) {
	watch->notify_fd = notify_listen(watch->token);
	if (watch->notify_fd < 0 || !move_fd(&watch->notify_fd)) {
		return false;
	}
	/* By this process: by the time that another is about to, there may be a
	 * third one of this number. */
	watch->pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (watch->pidfd < 0) {
		watch->has_ended = true;
		/* Nobody can be ended without. */
		return !watch->require;
	}
	return move_fd(&watch->pidfd);
}

/* As a grandchild: the command must not find a child that it does not know. */
static bool fork_twice(struct watch *watch, int patience) {
	pid_t pid = fork();
	if (pid < 0) {
		return false;
	}
	if (pid == 0) {
		pid = fork();
		if (pid == 0) {
			setsid();
			run(watch, patience);
		}
		_exit(pid < 0 ? errno : 0);
	}
	int status;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	errno = WEXITSTATUS(status);
	return errno == 0;
}

bool watch_start(const struct settings *settings, int patience,
		const char *name) {
	struct watch watch = {
		.token = settings->token,
		.name = name,
		.notify_fd = -1,
		.pidfd = -1,
		.require = settings->require,
	};
	bool has_proc = started_process_init(&watch.command, getpid());
	if (watch.require && !has_proc) {
		errno = ENOENT;
		return false;
	}
	bool ok = open_fds(&watch) && fork_twice(&watch, patience);
	int error = errno;
	if (watch.notify_fd >= 0) {
		close(watch.notify_fd);
	}
	if (watch.pidfd >= 0) {
		close(watch.pidfd);
	}
	errno = error;
	return ok;
}
