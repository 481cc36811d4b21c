/* SPDX-License-Identifier: MIT */
/*
 * A FUSE file system that does not respond to requests.
 *
 * Its server is a process of its own. When that exits, its end of the connection is
 * closed, and the kernel wakes all processes that wait for the file system. A case may
 * kill its whole process group, so another process, in a group of its own, waits for that
 * and unmounts the file system.
 */
#define FUSE_USE_VERSION 34

#include "silent-files.h"

#if HAVE_FUSE3

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory.h"

#define LIFE_SECONDS 40
#define NAME "memory"
#define INODE 2
#define FILE_SIZE (1 << 20)

/* The end of the pipe that reports the requests. */
static int asked_fd;
/* The requests without a response. */
static unsigned silences;
/* The delay of each response to a read, in milliseconds. */
static unsigned delay;
/* The process whose flushes get a response, or 0. */
static pid_t owner;
/* The lifetime of this process is over. */
static volatile sig_atomic_t expired;

static void note(char what) {
	if (write(asked_fd, &what, 1) != 1) {
		/* The test has ended, so this process ends too. */
		raise(SIGTERM);
	}
}

static void handle_lookup(fuse_req_t request, fuse_ino_t parent,
		const char *name) {
	if (parent != FUSE_ROOT_ID || strcmp(name, NAME) != 0) {
		fuse_reply_err(request, ENOENT);
		return;
	}
	/* The kernel must not cache the attributes, or it would answer by itself. */
	struct fuse_entry_param entry = {
		.ino = INODE,
		.attr = {
			.st_ino = INODE,
			.st_mode = S_IFREG | 0666,
			.st_nlink = 1,
			.st_size = FILE_SIZE,
		},
		.entry_timeout = LIFE_SECONDS,
	};
	fuse_reply_entry(request, &entry);
}

static void handle_getattr(fuse_req_t request, fuse_ino_t inode,
		struct fuse_file_info *info) {
	if (inode == FUSE_ROOT_ID) {
		struct stat st = {
			.st_ino = FUSE_ROOT_ID,
			.st_mode = S_IFDIR | 0777,
			.st_nlink = 2,
		};
		fuse_reply_attr(request, &st, LIFE_SECONDS);
		return;
	}
	if (silences & SILENT_FILES_GETATTR) {
		note('g');
		return;
	}
	struct stat st = {
		.st_ino = INODE,
		.st_mode = S_IFREG | 0666,
		.st_nlink = 1,
		.st_size = FILE_SIZE,
	};
	fuse_reply_attr(request, &st, LIFE_SECONDS);
}

static void handle_open(fuse_req_t request, fuse_ino_t inode,
		struct fuse_file_info *info) {
	fuse_reply_open(request, info);
}

static void handle_read(fuse_req_t request, fuse_ino_t inode, size_t size,
		off_t offset, struct fuse_file_info *info) {
	static const char zeroes[4096];
	if (silences & SILENT_FILES_READ) {
		note('r');
		return;
	}
	if (offset >= FILE_SIZE) {
		size = 0;
	}
	if (delay > 0) {
		static char bytes[FILE_SIZE];
		memset(bytes, SILENT_FILES_LATE_BYTE, sizeof(bytes));
		poll(NULL, 0, (int)delay);
		fuse_reply_buf(request, bytes,
			size < sizeof(bytes) ? size : sizeof(bytes));
		return;
	}
	/* The kernel takes missing bytes for the end of the file, and fills its page with
	 * zeroes. */
	fuse_reply_buf(request, zeroes,
		size < sizeof(zeroes) ? size : sizeof(zeroes));
}

static void handle_flush(fuse_req_t request, fuse_ino_t inode,
		struct fuse_file_info *info) {
	/* From now on, other processes' close() blocks. */
	if (!(silences & SILENT_FILES_FLUSH) ||
			fuse_req_ctx(request)->pid == owner) {
		fuse_reply_err(request, 0);
	}
}

static void handle_statfs(fuse_req_t request, fuse_ino_t inode) {
	if (silences & SILENT_FILES_STATFS) {
		note('s');
		return;
	}
	struct statvfs fs = { .f_bsize = 4096, .f_namemax = 255 };
	fuse_reply_statfs(request, &fs);
}

static void handle_poll(fuse_req_t request, fuse_ino_t inode,
		struct fuse_file_info *info, struct fuse_pollhandle *handle) {
	if (handle != NULL) {
		fuse_pollhandle_destroy(handle);
	}
	if (silences & SILENT_FILES_POLL) {
		note('p');
		return;
	}
	fuse_reply_poll(request, POLLIN | POLLOUT);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = handle_lookup,
	.getattr = handle_getattr,
	.open = handle_open,
	.read = handle_read,
	.flush = handle_flush,
	.statfs = handle_statfs,
	.poll = handle_poll,
};

/* If the signal arrives just before read(), that blocks until the next one. */
static void handle_alarm(int signal) {
	expired = 1;
	raise(SIGTERM);
	alarm(1);
}

/* Exits with 0 if it was told to end, or with 1 if its lifetime was over first, or if it
 * could not mount. */
static _Noreturn void serve(const char *directory, int ready_fd, pid_t parent) {
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) {
		_exit(1);
	}
	char *argv[] = { (char *)"silent-files", NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *session = fuse_session_new(&args, &operations,
		sizeof(operations), NULL);
	if (session == NULL || fuse_set_signal_handlers(session) != 0 ||
			fuse_session_mount(session, directory) != 0) {
		_exit(1);
	}
	/* read() must not be restarted. */
	struct sigaction action = { .sa_handler = handle_alarm };
	sigaction(SIGALRM, &action, NULL);
	alarm(LIFE_SECONDS);
	if (write(ready_fd, "m", 1) == 1) {
		fuse_session_loop(session);
	}
	bool in_time = !expired;
	fuse_session_unmount(session);
	_exit(in_time ? 0 : 1);
}

/* Waits until the server, which has the other end of the pipe, has exited. Then removes
 * the mount and the folder. */
static _Noreturn void clean_up(const char *directory, int served_fd) {
	setpgid(0, 0);
	dup2(served_fd, STDIN_FILENO);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	char none;
	while (read(STDIN_FILENO, &none, 1) < 0 && errno == EINTR) {
	}
	/* The server has unmounted it, if it could. */
	if (umount2(directory, MNT_DETACH) < 0 && errno == EPERM) {
		pid_t pid = fork();
		if (pid == 0) {
			execlp("fusermount3", "fusermount3", "-u", "-q", "-z",
				directory, (char *)NULL);
			_exit(1);
		}
		waitpid(pid, NULL, 0);
	}
	rmdir(directory);
	_exit(0);
}

/* Starts the two processes. Returns the end of a pipe that reports the mount and then the
 * requests, or -1. */
static int start(struct silent_files *files, unsigned requests, bool owned,
		unsigned ms) {
	int asked[2], served[2];
	pid_t parent = getpid();
	if (pipe2(asked, O_CLOEXEC) < 0) {
		return -1;
	}
	if (pipe2(served, O_CLOEXEC) < 0) {
		close(asked[0]);
		close(asked[1]);
		return -1;
	}
	fflush(NULL);
	files->cleaner = fork();
	if (files->cleaner == 0) {
		clean_up(files->directory, served[0]);
	}
	files->pid = files->cleaner > 0 ? fork() : -1;
	if (files->pid == 0) {
		/* Closes all fds of the test. */
		dup2(served[1], STDIN_FILENO);
		asked_fd = dup2(asked[1], STDOUT_FILENO);
		close_range(STDERR_FILENO + 1, ~0u, 0);
		silences = requests;
		delay = ms;
		owner = owned ? parent : 0;
		serve(files->directory, asked_fd, parent);
	}
	close(asked[1]);
	close(served[0]);
	close(served[1]);
	return asked[0];
}

/* Waits for both processes. Returns the exit status of the server. */
static int reap(const struct silent_files *files) {
	int status = -1;
	if (files->pid > 0) {
		waitpid(files->pid, &status, 0);
	}
	if (files->cleaner > 0) {
		waitpid(files->cleaner, NULL, 0);
	}
	return status;
}

static bool mount_about(struct silent_files *files, unsigned requests,
		bool owned, unsigned ms) {
	*files = (struct silent_files){ .pid = -1, .cleaner = -1 };
	if (!client_directory_create(files->directory,
			sizeof(files->directory), "sealpool-silent")) {
		snprintf(files->error, sizeof(files->error),
			"cannot create a directory: %s", strerror(errno));
		return false;
	}
	snprintf(files->file, sizeof(files->file), "%s/" NAME,
		files->directory);
	files->asked = start(files, requests, owned, ms);
	char mounted;
	if (files->asked < 0 || read(files->asked, &mounted, 1) != 1) {
		snprintf(files->error, sizeof(files->error),
			"a FUSE file system cannot be mounted here");
		reap(files);
		if (files->asked >= 0) {
			close(files->asked);
		}
		/* Done here if there was no process to do it. */
		rmdir(files->directory);
		return false;
	}
	fcntl(files->asked, F_SETFL, O_NONBLOCK);
	return true;
}

bool silent_files_are_built(void) {
	return true;
}

bool silent_files_mount(struct silent_files *files) {
	return mount_about(files, ~0u, false, 0);
}

bool silent_files_mount_about(struct silent_files *files, unsigned requests) {
	return mount_about(files, requests, true, 0);
}

bool silent_files_mount_late(struct silent_files *files, unsigned ms) {
	return mount_about(files, 0, false, ms);
}

bool silent_files_were_asked(const struct silent_files *files) {
	char what;
	return read(files->asked, &what, 1) == 1;
}

bool silent_files_unmount(struct silent_files *files) {
	/* If the signal arrives just before read(), that blocks until the next one. */
	siginfo_t info = { 0 };
	do {
		kill(files->pid, SIGTERM);
		poll(NULL, 0, 1);
	} while (waitid(P_PID, (id_t)files->pid, &info,
			WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0);
	int status = reap(files);
	close(files->asked);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#else

#include <stdio.h>

bool silent_files_are_built(void) {
	return false;
}

bool silent_files_mount(struct silent_files *files) {
	*files = (struct silent_files){ .pid = -1 };
	snprintf(files->error, sizeof(files->error),
		"built without libfuse 3");
	return false;
}

bool silent_files_mount_about(struct silent_files *files, unsigned requests) {
	return silent_files_mount(files);
}

bool silent_files_mount_late(struct silent_files *files, unsigned ms) {
	return silent_files_mount(files);
}

bool silent_files_were_asked(const struct silent_files *files) {
	return false;
}

bool silent_files_unmount(struct silent_files *files) {
	return false;
}

#endif
