/* SPDX-License-Identifier: MIT */
/*
 * The compositor under test, in a process of its own: the tests check that it survives.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "compositor.h"
#include "directory.h"

/* The limit of any order, also under valgrind. */
#define PATIENCE_MS 60000

static bool fail(struct compositor *compositor, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool fail(struct compositor *compositor, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(compositor->error, sizeof(compositor->error), format, args);
	va_end(args);
	return false;
}

/* Takes the next line that was read. Returns false if there is none yet. */
static bool take_line(struct compositor *compositor, char *line, size_t size) {
	char *end = memchr(compositor->line, '\n', compositor->line_length);
	if (end == NULL) {
		return false;
	}
	*end = '\0';
	snprintf(line, size, "%s", compositor->line);
	size_t taken = (size_t)(end + 1 - compositor->line);
	compositor->line_length -= taken;
	memmove(compositor->line, end + 1, compositor->line_length);
	return true;
}

static bool read_line(struct compositor *compositor, char *line, size_t size) {
	int64_t deadline = client_now_ms() + PATIENCE_MS;
	while (!take_line(compositor, line, size)) {
		size_t room = sizeof(compositor->line) - compositor->line_length;
		struct pollfd pollfd = { .fd = compositor->out, .events = POLLIN };
		int64_t left = deadline - client_now_ms();
		if (room == 0 || left <= 0) {
			return fail(compositor,
				"the compositor printed an unexpected line");
		}
		int n = poll(&pollfd, 1, (int)left);
		if (n == 0 || (n < 0 && errno == EINTR)) {
			continue;
		}
		ssize_t got = read(compositor->out,
			compositor->line + compositor->line_length, room);
		if (got <= 0) {
			return fail(compositor, "the compositor has ended");
		}
		compositor->line_length += (size_t)got;
	}
	return true;
}

static _Noreturn void run(const char *runtime_dir, int out, pid_t parent,
		char *const command[]) {
	/* The compositor never outlives its test. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(127);
	}
	dup2(out, STDOUT_FILENO);
	setenv("XDG_RUNTIME_DIR", runtime_dir, true);
	setenv("WLR_RENDERER", "pixman", true);
	unsetenv("WLR_BACKENDS");
	unsetenv("WAYLAND_DISPLAY");
	unsetenv("WAYLAND_DEBUG");
	execv(command[0], command);
	fprintf(stderr, "cannot start %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

bool compositor_start(struct compositor *compositor, char *const command[]) {
	*compositor = (struct compositor){ .pid = -1, .counts = true };
	for (size_t i = 1; command[i] != NULL; i++) {
		if (strcmp(command[i], "--stock") == 0) {
			compositor->counts = false;
		}
	}
	if (!client_directory_create(compositor->runtime_dir,
			sizeof(compositor->runtime_dir), "sealpool-content")) {
		return fail(compositor, "mkdtemp: %s", strerror(errno));
	}
	int out[2];
	if (pipe(out) != 0) {
		rmdir(compositor->runtime_dir);
		return fail(compositor, "pipe: %s", strerror(errno));
	}
	/* sealpool-tiny prints a line for each pool. */
	fcntl(out[1], F_SETPIPE_SZ, 1 << 20);
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		close(out[0]);
		run(compositor->runtime_dir, out[1], parent, command);
	}
	close(out[1]);
	compositor->out = out[0];
	if (pid < 0) {
		close(out[0]);
		rmdir(compositor->runtime_dir);
		return fail(compositor, "fork: %s", strerror(errno));
	}
	compositor->pid = pid;
	client_clock_follow(pid);

	char line[sizeof(compositor->line)], name[64];
	do {
		if (!read_line(compositor, line, sizeof(line))) {
			return false;
		}
	} while (sscanf(line, "WAYLAND_DISPLAY=%63s", name) != 1);
	snprintf(compositor->display, sizeof(compositor->display), "%s/%s",
		compositor->runtime_dir, name);
	return true;
}

static bool reap(struct compositor *compositor, int *status) {
	/* waitpid() has no time limit, but the pipe's other end is closed when the
	 * process ends. */
	char line[1024];
	while (read_line(compositor, line, sizeof(line))) {
		/* messages about its last clients */
	}
	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		if (waitpid(compositor->pid, status, WNOHANG) != 0) {
			return true;
		}
		poll(NULL, 0, 10);
	}
	return false;
}

bool compositor_stop(struct compositor *compositor) {
	if (compositor->pid < 0) {
		return true;
	}
	bool was_alive = compositor->told_to_end ||
		compositor_is_alive(compositor);
	bool ok = true;
	int status = 0;
	if (was_alive) {
		kill(compositor->pid, SIGTERM);
		if (!reap(compositor, &status)) {
			kill(compositor->pid, SIGKILL);
			waitpid(compositor->pid, &status, 0);
			ok = fail(compositor, "the compositor does not exit");
		} else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			ok = fail(compositor,
				"the compositor ended with %s %d",
				WIFEXITED(status) ? "status" : "signal",
				WIFEXITED(status) ? WEXITSTATUS(status) :
				WTERMSIG(status));
		}
	} else {
		ok = fail(compositor, "the compositor had ended before");
	}
	compositor->pid = -1;
	close(compositor->out);
	if (rmdir(compositor->runtime_dir) != 0) {
		/* A compositor that died leaves its socket and lock. */
		char path[160];
		unlink(compositor->display);
		snprintf(path, sizeof(path), "%s.lock", compositor->display);
		unlink(path);
		rmdir(compositor->runtime_dir);
	}
	return ok;
}

void compositor_tell_to_end(struct compositor *compositor) {
	compositor->told_to_end = true;
	kill(compositor->pid, SIGTERM);
}

bool compositor_is_alive(struct compositor *compositor) {
	siginfo_t info = { 0 };
	/* Leaves the process to be waited for. */
	return compositor->pid >= 0 &&
		waitid(P_PID, (id_t)compositor->pid, &info,
			WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid == 0;
}

/* Returns the value of " key=" in a line of such pairs. */
static uint64_t value_of(const char *line, const char *key) {
	const char *found = strstr(line, key);
	return found != NULL ? strtoull(found + strlen(key), NULL, 10) : 0;
}

bool compositor_count(struct compositor *compositor,
		struct compositor_counts *counts) {
	*counts = (struct compositor_counts){ 0 };
	if (!compositor->counts) {
		return fail(compositor, "the compositor prints no counters");
	}
	if (kill(compositor->pid, SIGUSR1) != 0) {
		return fail(compositor, "kill: %s", strerror(errno));
	}
	for (;;) {
		char line[1024];
		if (!read_line(compositor, line, sizeof(line))) {
			return false;
		}
		if (strcmp(line, "stats end") == 0) {
			return true;
		}
		if (strstr(line, " event=signal ") == NULL) {
			continue;
		}
		if (strncmp(line, "pool ", 5) == 0) {
			counts->direct += value_of(line, " direct=");
			counts->nofault += value_of(line, " nofault=");
			counts->shadow += value_of(line, " shadow=");
		} else if (strncmp(line, "client ", 7) == 0) {
			counts->copied_in += value_of(line, " copied_in=");
			counts->copied_out += value_of(line, " copied_out=");
		}
	}
}
