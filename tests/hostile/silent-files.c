/* SPDX-License-Identifier: MIT */
/*
 * A FUSE file system that leaves requests unanswered.
 *
 * It is a process of its own: the kernel lets go of all who wait for it when
 * that process closes its end, that is, when it dies.
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
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_SECONDS 40
#define NAME "memory"
#define INODE 2
#define FILE_SIZE (1 << 20)

/* The end of the pipe that tells what was asked. */
static int asked_fd;
/* What is left unanswered. */
static unsigned silences;
/* Whose flushes are answered, or 0. */
static pid_t owner;
/* The time of this process is over. */
static volatile sig_atomic_t expired;

static void note(char what) {
	if (write(asked_fd, &what, 1) != 1) {
		/* The test is gone, and so are we soon. */
		raise(SIGTERM);
	}
}

static void handle_lookup(fuse_req_t request, fuse_ino_t parent,
		const char *name) {
	if (parent != FUSE_ROOT_ID || strcmp(name, NAME) != 0) {
		fuse_reply_err(request, ENOENT);
		return;
	}
	/* What the kernel knows of the file grows old at once, or it would
	 * answer in our place. */
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
	/* The kernel takes what is missing for the file's end, and fills up
	 * with zeroes what it holds of the file. */
	fuse_reply_buf(request, zeroes,
		size < sizeof(zeroes) ? size : sizeof(zeroes));
}

static void handle_flush(fuse_req_t request, fuse_ino_t inode,
		struct fuse_file_info *info) {
	/* Some close() waits from now on. */
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

/* A signal may come just before read(), which then waits for the next. */
static void handle_alarm(int signal) {
	expired = 1;
	raise(SIGTERM);
	alarm(1);
}

/* Exits with 0 if it was told to end, with 1 if its time was over first, or if
 * it never began. */
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
	/* Not to be restarted: read(). */
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

static bool mount_about(struct silent_files *files, unsigned requests,
		bool owned) {
	*files = (struct silent_files){ .pid = -1 };
	int pipe_fds[2];
	snprintf(files->directory, sizeof(files->directory),
		"/tmp/sealpool-silent-XXXXXX");
	if (mkdtemp(files->directory) == NULL) {
		snprintf(files->error, sizeof(files->error),
			"cannot create a directory in /tmp");
		return false;
	}
	snprintf(files->file, sizeof(files->file), "%s/" NAME,
		files->directory);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		snprintf(files->error, sizeof(files->error), "pipe: %s",
			strerror(errno));
		rmdir(files->directory);
		return false;
	}
	pid_t parent = getpid();
	fflush(NULL);
	files->pid = fork();
	if (files->pid == 0) {
		/* Nothing of the test's is to stay open in here. */
		asked_fd = dup2(pipe_fds[1], STDOUT_FILENO);
		close_range(STDERR_FILENO + 1, ~0u, 0);
		silences = requests;
		owner = owned ? parent : 0;
		serve(files->directory, asked_fd, parent);
	}
	close(pipe_fds[1]);
	char mounted;
	if (files->pid < 0 || read(pipe_fds[0], &mounted, 1) != 1) {
		snprintf(files->error, sizeof(files->error),
			"a FUSE file system cannot be mounted here");
		if (files->pid > 0) {
			waitpid(files->pid, NULL, 0);
		}
		close(pipe_fds[0]);
		rmdir(files->directory);
		return false;
	}
	fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
	files->asked = pipe_fds[0];
	return true;
}

bool silent_files_mount(struct silent_files *files) {
	return mount_about(files, ~0u, false);
}

bool silent_files_mount_about(struct silent_files *files, unsigned requests) {
	return mount_about(files, requests, true);
}

bool silent_files_were_asked(const struct silent_files *files) {
	char what;
	return read(files->asked, &what, 1) == 1;
}

bool silent_files_unmount(struct silent_files *files) {
	int status = -1;
	do {
		kill(files->pid, SIGTERM);
		poll(NULL, 0, 1);
	} while (waitpid(files->pid, &status, WNOHANG) == 0);
	close(files->asked);
	rmdir(files->directory);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#else

#include <stdio.h>

bool silent_files_mount(struct silent_files *files) {
	*files = (struct silent_files){ .pid = -1 };
	snprintf(files->error, sizeof(files->error),
		"built without libfuse 3");
	return false;
}

bool silent_files_mount_about(struct silent_files *files, unsigned requests) {
	return silent_files_mount(files);
}

bool silent_files_were_asked(const struct silent_files *files) {
	return false;
}

bool silent_files_unmount(struct silent_files *files) {
	return false;
}

#endif
