/* SPDX-License-Identifier: MIT */
/*
 * kernel-holes absent|private|shared commit|hugetlb|cgroup: what happens to a compositor
 * that reads holes of its clients' files when there is no memory to fill them.
 *
 * This changes settings of the whole system, and so needs a guest of its own.
 *
 *   commit   strict overcommit, with the limit reached
 *   hugetlb  files of huge pages, while few or no huge pages are free
 *   cgroup   the compositor is in a control group with little memory
 *
 * As in the integration tests, the compositor is in this process. What may kill it is done
 * in a child, which has the same mappings.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holes.h"

bool nofault, coherent;

bool write_setting(const char *path, const char *value) {
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, value, strlen(value)) ==
		(ssize_t)strlen(value);
	if (fd >= 0) {
		close(fd);
	}
	return ok;
}

void set_setting(const char *path, const char *value) {
	if (!write_setting(path, value)) {
		fail_msg("cannot write %s to %s: %s", value, path,
			strerror(errno));
	}
}

int holes_teardown(void **state) {
	write_setting("/proc/sys/vm/overcommit_memory", "0");
	return server_teardown(state);
}

void die_of_signals(void) {
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
}

static void touch_all(struct sealpool_buffer *buffer, uint32_t flags) {
	struct sealpool_access access;
	if (sealpool_buffer_begin_access(buffer, flags, &access) < 0) {
		_exit(GOT_NO_ACCESS);
	}
	size_t zeroes = 0, drawn = 0;
	for (int32_t y = 0; y < HEIGHT; y++) {
		uint32_t *row = (uint32_t *)((uint8_t *)access.data +
			access.stride * (size_t)y);
		for (int32_t x = 0; x < WIDTH; x++) {
			zeroes += (row[x] & 0xffffff) == 0;
			drawn += ((row[x] ^ client_pattern(x, y, 1)) &
				0xffffff) == 0;
			if (flags & SEALPOOL_ACCESS_WRITE) {
				row[x] = client_pattern(x, y, 2);
			}
		}
	}
	sealpool_buffer_end_access(&access);
	_exit(zeroes == (size_t)WIDTH * HEIGHT ? SAW_ZEROES :
		drawn == (size_t)WIDTH * HEIGHT ? SAW_FRAME : SAW_SOMETHING);
}

struct end use_in_child(struct sealpool_buffer *buffer, uint32_t flags,
		void (*prepare)(pid_t child), void (*restore)(void)) {
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		die_of_signals();
		char byte;
		if (read(fds[0], &byte, 1) != 1) {
			_exit(100);
		}
		touch_all(buffer, flags);
	}
	prepare(pid);
	assert_int_equal(write(fds[1], "", 1), 1);
	int status = 0;
	pid_t waited = waitpid(pid, &status, 0);
	restore();
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(waited, pid);
	return (struct end){
		.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	};
}

void expect_end(struct end end, int signal, int status) {
	static const char *const names[] = {
		"saw zeroes", "saw the frame", "saw something else",
		"got no access",
	};
	if (end.signal != signal || (signal == 0 && end.status != status)) {
		fail_msg("the compositor %s (signal %d, status %d)",
			end.signal != 0 ? "died" : end.status >= 0 &&
			end.status <= GOT_NO_ACCESS ? names[end.status] : "?",
			end.signal, end.status);
	}
}

bool punch(struct actor *actor, const struct args *args) {
	const struct client_memory *memory = &actor->memory[args->memory];
	return fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE |
		FALLOC_FL_KEEP_SIZE, 0, (off_t)memory->size) == 0 ||
		client_fail(&actor->client, "punching a hole: %s",
			strerror(errno));
}

int main(int argc, char *argv[]) {
	static const struct {
		const char *name;
		int (*run)(void);
	} groups[] = {
		{ "commit", run_commit },
		{ "hugetlb", run_hugetlb },
		{ "cgroup", run_cgroup },
	};
	static const char *const kinds[] = { "absent", "private", "shared" };
	for (size_t i = 0; argc == 3 && i < 3; i++) {
		for (size_t k = 0; k < 3; k++) {
			if (strcmp(argv[2], groups[i].name) == 0 &&
					strcmp(argv[1], kinds[k]) == 0) {
				nofault = k > 0;
				coherent = k == 2;
				return groups[i].run();
			}
		}
	}
	fputs("usage: kernel-holes absent|private|shared "
		"commit|hugetlb|cgroup\n", stderr);
	return 2;
}
