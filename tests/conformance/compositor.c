/* SPDX-License-Identifier: MIT */
/*
 * The compositor under test: its socket, whether it lives, and how it died.
 *
 * Other programs may have started it, for example dbus-run-session. The process that
 * matters is the one that listens; the kernel says which that is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "clock.h"
#include "compositor.h"
#include "directory.h"
#include "run.h"

/* The limit for starting or stopping a compositor, in milliseconds. */
#define START_MS 30000
#define STOP_MS 3000

/* Connects to a socket, and gets the pid of the listening process. */
static bool find_listener(const char *path, pid_t *pid) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path)) {
		return false;
	}
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return false;
	}
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);
	bool ok = connect(fd, (struct sockaddr *)&address,
			sizeof(address)) == 0 &&
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0;
	close(fd);
	/* A process in another PID namespace has no pid here. */
	*pid = peer.pid;
	return ok;
}

static void watch(struct compositor *compositor) {
	client_clock_follow(compositor->pid);
	compositor->pidfd = compositor->pid > 0 ?
		(int)syscall(SYS_pidfd_open, compositor->pid, 0) : -1;
}

bool compositor_find(struct compositor *compositor, char *error,
		size_t error_size) {
	*compositor = (struct compositor){ .pidfd = -1 };
	const char *name = getenv("WAYLAND_DISPLAY");
	const char *dir = getenv("XDG_RUNTIME_DIR");
	if (name == NULL) {
		snprintf(error, error_size, "$WAYLAND_DISPLAY is not set");
		return false;
	}
	if (name[0] == '/') {
		snprintf(compositor->display, sizeof(compositor->display), "%s",
			name);
	} else {
		snprintf(compositor->display, sizeof(compositor->display),
			"%s/%s", dir != NULL ? dir : "", name);
	}
	if (!find_listener(compositor->display, &compositor->pid)) {
		snprintf(error, error_size, "no compositor listens at %s",
			compositor->display);
		return false;
	}
	watch(compositor);
	return true;
}

/* Looks for a socket named wayland-*, or any other that has a lock beside it. */
static bool find_socket(struct compositor *compositor) {
	DIR *dir = opendir(compositor->runtime_dir);
	if (dir == NULL) {
		return false;
	}
	bool found = false;
	struct dirent *entry;
	while (!found && (entry = readdir(dir)) != NULL) {
		char lock[400];
		snprintf(compositor->display, sizeof(compositor->display),
			"%s/%.80s", compositor->runtime_dir, entry->d_name);
		snprintf(lock, sizeof(lock), "%s.lock", compositor->display);
		struct stat st;
		found = stat(compositor->display, &st) == 0 &&
			S_ISSOCK(st.st_mode) && access(lock, F_OK) == 0 &&
			find_listener(compositor->display, &compositor->pid);
	}
	closedir(dir);
	return found;
}

static _Noreturn void run(const char *runtime_dir, const char *command, int log) {
	/* A group of its own, so that all its processes can be ended. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("XDG_RUNTIME_DIR", runtime_dir, true);
	unsetenv("WAYLAND_DISPLAY");
	unsetenv("WAYLAND_DEBUG");
	/* This process ignores it, and a child would inherit that. */
	signal(SIGPIPE, SIG_DFL);
	if (log >= 0) {
		dup2(log, STDERR_FILENO);
	}
	/* Stdout is for the results. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

bool compositor_start(struct compositor *compositor, const char *command,
		int log, char *error, size_t error_size) {
	*compositor = (struct compositor){ .pidfd = -1, .ours = true };
	if (!client_directory_create(compositor->runtime_dir,
			sizeof(compositor->runtime_dir), "conformance")) {
		snprintf(error, error_size, "mkdtemp: %s", strerror(errno));
		return false;
	}
	fflush(NULL);
	compositor->child = fork();
	if (compositor->child == 0) {
		run(compositor->runtime_dir, command, log);
	}
	if (compositor->child < 0) {
		snprintf(error, error_size, "fork: %s", strerror(errno));
		rmdir(compositor->runtime_dir);
		return false;
	}
	setpgid(compositor->child, compositor->child);
	client_clock_follow(compositor->child);
	int64_t deadline = test_now_ms() + START_MS;
	while (!find_socket(compositor)) {
		siginfo_t info = { 0 };
		if (waitid(P_PID, (id_t)compositor->child, &info,
				WEXITED | WNOHANG | WNOWAIT) == 0 &&
				info.si_pid != 0) {
			snprintf(error, error_size, "the command ended "
				"before clients could connect");
			compositor_stop(compositor);
			return false;
		}
		if (run_interrupted) {
			snprintf(error, error_size, "interrupted");
			compositor_stop(compositor);
			return false;
		}
		if (test_now_ms() > deadline) {
			snprintf(error, error_size, "no socket for clients "
				"after %d s", START_MS / 1000);
			compositor_stop(compositor);
			return false;
		}
		poll(NULL, 0, 10);
	}
	watch(compositor);
	return true;
}

bool compositor_is_alive(const struct compositor *compositor) {
	if (compositor->pidfd >= 0) {
		struct pollfd pollfd = {
			.fd = compositor->pidfd,
			.events = POLLIN,
		};
		return poll(&pollfd, 1, 0) == 0;
	}
	pid_t pid;
	return find_listener(compositor->display, &pid);
}

static void describe_status(int code, int status, char *text, size_t size) {
	const char *name = NULL;
	/* As a shell reports its child. */
	int signal = code == CLD_EXITED ? status - 128 : status;
	if (signal > 0) {
		name = sigabbrev_np(signal);
	}
	if (name != NULL) {
		snprintf(text, size, "killed by SIG%s", name);
	} else if (code == CLD_EXITED) {
		snprintf(text, size, "ended with status %d", status);
	} else {
		snprintf(text, size, "killed by signal %d", status);
	}
}

void compositor_describe_death(struct compositor *compositor, char *text,
		size_t size) {
	snprintf(text, size, "it is gone");
	/* The process that started it must reap it first. */
	for (int i = 0; compositor->ours && i < STOP_MS / 10; i++) {
		siginfo_t info = { 0 };
		if (waitid(P_PID, (id_t)compositor->child, &info,
				WEXITED | WNOHANG | WNOWAIT) == 0 &&
				info.si_pid != 0) {
			describe_status(info.si_code, info.si_status, text,
				size);
			return;
		}
		poll(NULL, 0, 10);
	}
}

/* A runtime directory contains files and folders. */
static void remove_tree(int parent, const char *name, int depth) {
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		O_CLOEXEC);
	DIR *dir = fd >= 0 && depth > 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return;
	}
	struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
				strcmp(entry->d_name, "..") != 0 &&
				unlinkat(fd, entry->d_name, 0) != 0) {
			remove_tree(fd, entry->d_name, depth - 1);
		}
	}
	closedir(dir);
	unlinkat(parent, name, AT_REMOVEDIR);
}

static bool wait_for_group(pid_t group, int ms) {
	int64_t deadline = test_now_ms() + ms;
	do {
		/* Own children, and orphans that became children. */
		while (waitpid(-group, NULL, WNOHANG) > 0) {
		}
		if (kill(-group, 0) != 0) {
			return true;
		}
		poll(NULL, 0, 5);
	} while (test_now_ms() < deadline);
	return false;
}

void compositor_stop(struct compositor *compositor) {
	if (compositor->pidfd >= 0) {
		close(compositor->pidfd);
		compositor->pidfd = -1;
	}
	if (!compositor->ours) {
		return;
	}
	pid_t group = compositor->child;
	kill(-group, SIGTERM);
	/* A stopped process cannot exit. */
	kill(-group, SIGCONT);
	if (!wait_for_group(group, STOP_MS)) {
		kill(-group, SIGKILL);
		wait_for_group(group, STOP_MS);
	}
	remove_tree(AT_FDCWD, compositor->runtime_dir, 8);
}
