/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of other things than memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <wayland-client.h>

#include "attacker.h"

enum not_memory {
	NOT_PIPE,
	NOT_SOCKET,
	NOT_DIRECTORY,
	NOT_NULL,
	NOT_ZERO,
	NOT_FULL,
	NOT_RANDOM,
	NOT_EVENTFD,
	NOT_EPOLL,
	NOT_TIMERFD,
	NOT_SIGNALFD,
	NOT_INOTIFY,
	NOT_PIDFD,
	NOT_PTY,
	NOT_SECRET,
	NOT_PROC_MEM,
	NOT_PROC_FILE,
	NOT_WRITE_ONLY,
	NOT_PATH_ONLY,
	NOT_OWN_SOCKET,
	NOT_DIRECT_IO,
};

static int open_pipe(void) {
	int fds[2];
	/* The other end stays open, so read() blocks. */
	return pipe2(fds, O_CLOEXEC) == 0 ? fds[0] : -1;
}

static int open_socket(void) {
	int fds[2];
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0 ?
		fds[0] : -1;
}

static int open_secret(void) {
#ifdef SYS_memfd_secret
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	if (fd >= 0 && ftruncate(fd, BYTES) < 0) {
		return -1;
	}
	return fd;
#else
	errno = ENOSYS;
	return -1;
#endif
}

static int open_memory(struct attacker *a, enum client_memory_kind kind,
		int flags) {
	char path[64];
	attacker_create_memory(a, kind, BYTES);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", a->memory.fd);
	return open(path, flags | O_CLOEXEC);
}

static int open_signalfd(void) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int open_not_memory(struct attacker *a, enum not_memory what) {
	switch (what) {
	case NOT_PIPE:
		return open_pipe();
	case NOT_SOCKET:
		return open_socket();
	case NOT_DIRECTORY:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case NOT_NULL:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case NOT_ZERO:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	case NOT_FULL:
		return open("/dev/full", O_RDWR | O_CLOEXEC);
	case NOT_RANDOM:
		return open("/dev/random", O_RDONLY | O_CLOEXEC);
	case NOT_EVENTFD:
		return eventfd(0, EFD_CLOEXEC);
	case NOT_EPOLL:
		return epoll_create1(EPOLL_CLOEXEC);
	case NOT_TIMERFD:
		return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	case NOT_SIGNALFD:
		return open_signalfd();
	case NOT_INOTIFY:
		return inotify_init1(IN_CLOEXEC);
	case NOT_PIDFD:
		return (int)syscall(SYS_pidfd_open, getpid(), 0);
	case NOT_PTY:
		return posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	case NOT_SECRET:
		return open_secret();
	case NOT_PROC_MEM:
		return open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	case NOT_PROC_FILE:
		return open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	case NOT_WRITE_ONLY:
		return open_memory(a, CLIENT_MEMORY_SEALED, O_WRONLY);
	case NOT_PATH_ONLY:
		return open_memory(a, CLIENT_MEMORY_SEALED, O_PATH);
	case NOT_OWN_SOCKET:
		return wl_display_get_fd(a->client->display);
	case NOT_DIRECT_IO:
		return open_memory(a, CLIENT_MEMORY_FILE, O_RDWR | O_DIRECT);
	}
	return -1;
}

static void not_memory(struct test *test) {
	struct attacker *a = attacker_begin(test);
	int fd = open_not_memory(a, (enum not_memory)test->argument);
	if (fd < 0) {
		test_skip(test, "there is none here: %s", strerror(errno));
	}
	attacker_create_pool_of_fd(a, fd, BYTES);
	attacker_create_buffer(a);
	if (attacker_keep_committing(a, &a->buffer, ATTACK_MS)) {
		client_buffer_destroy(&a->buffer);
		client_pool_destroy(&a->pool);
		client_roundtrip(a->client);
	}
}

#define not_memory_case(variant, argument) \
	{ "hostile/not-memory:" variant, CASE_ROBUSTNESS, \
		"A file descriptor can refer to anything, also to a file " \
		"that cannot be mapped, or that blocks when it is read.", \
		not_memory, argument }

const struct test_case hostile_not_memory_cases[] = {
	not_memory_case("pipe", NOT_PIPE),
	not_memory_case("socket", NOT_SOCKET),
	not_memory_case("directory", NOT_DIRECTORY),
	not_memory_case("dev-null", NOT_NULL),
	not_memory_case("dev-zero", NOT_ZERO),
	not_memory_case("dev-full", NOT_FULL),
	not_memory_case("dev-random", NOT_RANDOM),
	not_memory_case("eventfd", NOT_EVENTFD),
	not_memory_case("epoll", NOT_EPOLL),
	not_memory_case("timerfd", NOT_TIMERFD),
	not_memory_case("signalfd", NOT_SIGNALFD),
	not_memory_case("inotify", NOT_INOTIFY),
	not_memory_case("pidfd", NOT_PIDFD),
	not_memory_case("pty", NOT_PTY),
	not_memory_case("memfd-secret", NOT_SECRET),
	not_memory_case("proc-mem", NOT_PROC_MEM),
	not_memory_case("proc-file", NOT_PROC_FILE),
	not_memory_case("write-only", NOT_WRITE_ONLY),
	not_memory_case("path-only", NOT_PATH_ONLY),
	not_memory_case("own-connection", NOT_OWN_SOCKET),
	not_memory_case("direct-io", NOT_DIRECT_IO),
	{ 0 },
};
