/* SPDX-License-Identifier: MIT */
/*
 * The watch: a process that remains for some seconds, and reports if there is no guard.
 * A compositor that only seems to be safe is worse than one that is known not to be.
 *
 * The preloaded library notifies the watch of a guard (notify.c). That message can be
 * lost, so before the watch reports a missing guard, it examines all descendants of the
 * command (started.c). If a guard is required, it terminates them.
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

/* How often to look for descendants of a command that has ended itself. */
#define LOOK_INTERVAL_MS 1000

/* The time between SIGTERM and SIGKILL. */
#define GRACE_MS 5000
#define END_INTERVAL_MS 50

struct watch {
	const char *token, *name;
	int notify_fd;
	/* The process that becomes the command. */
	struct started_process command;
	/* The command's; -1 if the kernel has no pidfds. */
	int pidfd;
	/* The command may have ended. */
	bool has_ended;
	/* The command and its descendants, as last seen. */
	struct started started;
	bool require;
};

static int64_t now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Closes all files of the compositor's, and leaves the folder that it was started in, so
 * that nobody waits for this process to release them. */
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
	/* close_range() of an empty range fails and does nothing. */
	close_range(STDERR_FILENO + 1, low - 1, 0);
	close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0u, 0);
	return true;
}

/* Waits for this time, or until there may be news. */
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

/* Returns whether the command or a descendant of it is alive; false if /proc cannot be
 * read. */
static bool look(struct watch *watch) {
	return started_find(&watch->started, watch->token, &watch->command) &&
		(watch->started.len > 0 || watch->started.pending);
}

static bool was_told(const struct watch *watch) {
	return notify_receive(watch->notify_fd, watch->token) !=
		NOTIFY_NOTHING;
}

/* Returns whether there is nothing to report. */
static bool wait_for_guard(struct watch *watch, int64_t until) {
	while (!was_told(watch)) {
		int64_t left = until - now_ms();
		if (watch->has_ended || left <= 0) {
			bool any = look(watch);
			bool guarded = started_has_guard(&watch->started);
			if (guarded || !any || left <= 0) {
				/* The message may have come during the look. */
				return guarded || was_told(watch);
			}
		}
		wait_for_news(watch, left);
	}
	return true;
}

/* Also terminates what these processes start during this. */
static void end_all(struct watch *watch) {
	int64_t patience = now_ms() + GRACE_MS;
	while (look(watch) && now_ms() < patience + GRACE_MS) {
		started_end(&watch->started, now_ms() >= patience);
		/* The command may ask whether there was a guard. */
		was_told(watch);
		poll(NULL, 0, END_INTERVAL_MS);
	}
	for (size_t i = 0; i < watch->started.len; i++) {
		fprintf(stderr, "sealpool: process %ld cannot be killed\n",
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
		fprintf(stderr, "sealpool: %s ended before a guard was reported\n",
			watch->name);
		_exit(1);
	}
	fprintf(stderr, "sealpool: %s is NOT guarded%s: it has not created a "
		"Wayland display. Possible causes: it is not a compositor; it "
		"needs more time (--patience); libwayland-server is linked "
		"into the program itself; it was started with a cleared "
		"environment; or it is set-user-ID or has file capabilities "
		"(start a copy without them)\n", watch->name,
		watch->require ? ", and is terminated (--require)" : "");
	if (watch->require) {
		end_all(watch);
	}
	_exit(1);
}

/* Moves an fd above the standard streams: if one of these is closed, a new fd gets its
 * number. */
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
	/* This process opens it, not the watch: by then, the command may have ended and
	 * its pid be another process's. */
	watch->pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (watch->pidfd < 0) {
		watch->has_ended = true;
		/* Terminating a process needs pidfds. */
		return !watch->require;
	}
	return move_fd(&watch->pidfd);
}

/* The watch is a grandchild, so that the command has no child that it does not know. */
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
