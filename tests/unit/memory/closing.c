/* SPDX-License-Identifier: MIT */
/*
 * Discarded files of any kind are closed, and the caller does not wait for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "memfd.h"
#include "memory/file.h"
#include "process.h"
#include "traces.h"

#define SIZE 12345

static void memory_that_is_discarded_is_closed_at_once(void **state) {
	int fd = create_memfd(SIZE, 0);
	sp_file_discard_fd(fd);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void wait_for_hangup(int fd) {
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&pollfd, 1, -1), 1);
	if (!(pollfd.revents & POLLHUP)) {
		fail_msg("the pipe is in state 0x%x", pollfd.revents);
	}
}

/* Opens both ends of a named pipe on tmpfs, which is no local disk. */
static bool open_named_pipe(int fds[2]) {
	char directory[] = "/dev/shm/sealpool-test-XXXXXX", path[64];
	struct statfs fs;
	if (statfs("/dev/shm", &fs) < 0 || fs.f_type != TMPFS_MAGIC ||
			mkdtemp(directory) == NULL) {
		return false;
	}
	snprintf(path, sizeof(path), "%s/pipe", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	fds[0] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	fds[1] = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fds[0] >= 0 && fds[1] >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
	return true;
}

/* More files than there may be threads. */
static void anything_else_that_is_discarded_is_closed(void **state) {
	for (int i = 0; i < 1100; i++) {
		int fds[2];
		if (!open_named_pipe(fds)) {
			skip();
		}
		sp_file_discard_fd(fds[1]);
		wait_for_hangup(fds[0]);
		close(fds[0]);
	}
}

/* The threads that close files are detached. Valgrind reports the memory of one that has
 * not exited yet as leaked. A sanitizer's own thread never exits. */
static int wait_for_threads(void **state) {
	for (int i = 0; i < 1000 && count_threads() > 1; i++) {
		usleep(1000);
	}
	return 0;
}

/* Waits until a thread has closed the fd. */
static void wait_until_closed(int fd) {
	while (fcntl(fd, F_GETFD) >= 0) {
		usleep(1000);
	}
	wait_for_threads(NULL);
}

/* Opens both ends of a connection. close() of the first waits until all that was sent is
 * read, for at most an hour. */
static void open_lingering(int fds[2]) {
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address,
				sizeof(address)) < 0) {
		/* There is no loopback interface. */
		skip();
	}
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address,
		&length), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&address,
		sizeof(address)), 0);
	fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fds[1] >= 0);
	close(listener);
	struct linger linger = { .l_onoff = 1, .l_linger = 3600 };
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger,
		sizeof(linger)), 0);
	static const char data[65536];
	while (send(fds[0], data, sizeof(data), MSG_DONTWAIT) > 0) {
	}
	assert_int_equal(errno, EAGAIN);
}

/* Under valgrind, no thread runs while one is in close(). */
static bool is_in_valgrind(void) {
	const char *preload = getenv("LD_PRELOAD");
	return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

static void what_lingers_is_discarded_without_waiting(void **state) {
	if (is_in_valgrind()) {
		skip();
	}
	int fds[2];
	open_lingering(fds);
	sp_file_discard_fd(fds[0]);
	/* close() of the other end returns only now. */
	close(fds[1]);
	wait_until_closed(fds[0]);
}

static void discarding_leaves_the_signal_mask_as_it_was(void **state) {
	int fds[2];
	if (!open_named_pipe(fds)) {
		skip();
	}
	sigset_t before, after, old;
	sigemptyset(&before);
	sigaddset(&before, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &before, &old);
	sp_file_discard_fd(fds[1]);
	pthread_sigmask(SIG_SETMASK, &old, &after);
	wait_for_hangup(fds[0]);
	close(fds[0]);
	assert_int_equal(sigismember(&after, SIGUSR1), 1);
	assert_int_equal(sigismember(&after, SIGUSR2), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(memory_that_is_discarded_is_closed_at_once),
		TEST(anything_else_that_is_discarded_is_closed),
		TEST(what_lingers_is_discarded_without_waiting),
		TEST(discarding_leaves_the_signal_mask_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, wait_for_threads);
}
