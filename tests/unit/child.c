/* SPDX-License-Identifier: MIT */
/*
 * Runs tests that exhaust a resource in a process of their own.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "traces.h"

static char sentence[512];

const char *child_wrong(const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return sentence;
}

void child_set_limit(int resource, rlim_t limit) {
	struct rlimit limits;
	if (getrlimit(resource, &limits) < 0) {
		_exit(1);
	}
	limits.rlim_cur = limit < limits.rlim_max ? limit : limits.rlim_max;
	if (setrlimit(resource, &limits) < 0) {
		_exit(1);
	}
}

void child_limit_addresses(rlim_t more) {
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;
	if (file == NULL || fscanf(file, "%llu", &pages) != 1) {
		_exit(1);
	}
	fclose(file);
	child_set_limit(RLIMIT_AS,
		(rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more);
}

void child_run(child_func func) {
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* Otherwise, writing beyond RLIMIT_FSIZE is fatal. */
		signal(SIGXFSZ, SIG_IGN);
		close(fds[0]);
		const char *wrong = func();
		if (wrong != NULL && write(fds[1], wrong, strlen(wrong)) < 0) {
			_exit(1);
		}
		_exit(wrong != NULL);
	}
	close(fds[1]);
	char text[sizeof(sentence)];
	size_t length = 0;
	ssize_t n;
	while ((n = read(fds[0], text + length,
			sizeof(text) - 1 - length)) > 0) {
		length += (size_t)n;
	}
	text[length] = '\0';
	close(fds[0]);
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (WIFSIGNALED(status)) {
		fail_msg("the process was killed by signal %d",
			WTERMSIG(status));
	}
	if (length > 0 || WEXITSTATUS(status) != 0) {
		fail_msg("exit status %d: %s", WEXITSTATUS(status), text);
	}
}
