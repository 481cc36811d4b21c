/* SPDX-License-Identifier: MIT */
/*
 * A library of guard-display. Its constructor is called before those of preloaded
 * libraries. If the environment variable GUARD_START is set, it starts a program in that
 * way.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "start.h"

static void set_own_limit(void) {
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 500;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void fail_to_exec(char *argv[], char *envp[]) {
	struct rlimit limit = { 0 };
	execve("/nonexistent", argv, envp);
	int error = errno;
	getrlimit(RLIMIT_NOFILE, &limit);
	printf("%s, %llu\n", error == ENOENT ? "not there" : "wrong",
		(unsigned long long)limit.rlim_cur);
	fflush(stdout);
	_exit(0);
}

void exec_shell(const char *how, char *command, char *envp[]) {
	char *argv[] = { (char *)"sh", (char *)"-c", command, NULL };
	if (strcmp(how, "execl") == 0) {
		execl("/bin/sh", argv[0], argv[1], argv[2], NULL);
	} else if (strcmp(how, "execlp") == 0) {
		execlp("sh", argv[0], argv[1], argv[2], NULL);
	} else if (strcmp(how, "execle") == 0) {
		execle("/bin/sh", argv[0], argv[1], argv[2], NULL, envp);
	} else if (strcmp(how, "execv") == 0) {
		execv("/bin/sh", argv);
	} else if (strcmp(how, "execvp") == 0) {
		execvp("sh", argv);
	} else if (strcmp(how, "closing") == 0) {
		close_range(STDERR_FILENO + 1, ~0u, 0);
		execv("/bin/sh", argv);
	} else if (strcmp(how, "limited") == 0) {
		set_own_limit();
		execve("/bin/sh", argv, envp);
	} else if (strcmp(how, "failing") == 0) {
		fail_to_exec(argv, envp);
	} else if (strcmp(how, "execve") == 0) {
		execve("/bin/sh", argv, envp);
	} else if (strcmp(how, "execvpe") == 0) {
		execvpe("sh", argv, envp);
	} else if (strcmp(how, "fexecve") == 0) {
		fexecve(open("/bin/sh", O_RDONLY | O_CLOEXEC), argv, envp);
	}
	_exit(96);
}

int start_shell(const char *how, char *command, char *envp[]) {
	char *argv[] = { (char *)"sh", (char *)"-c", command, NULL };
	pid_t pid;
	int status = -1;
	if (strcmp(how, "posix_spawn") == 0) {
		errno = posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, envp);
	} else if (strcmp(how, "posix_spawnp") == 0) {
		errno = posix_spawnp(&pid, "sh", NULL, NULL, argv, envp);
	} else {
		errno = 0;
		pid = fork();
		if (pid == 0) {
			exec_shell(how, command, envp);
		}
	}
	if (errno != 0 || waitpid(pid, &status, 0) < 0) {
		return -1;
	}
	return status;
}

__attribute__((constructor))
static void start(void) {
	const char *how = getenv("GUARD_START");
	if (how == NULL) {
		return;
	}
	char command[] = "echo started", copy[32];
	snprintf(copy, sizeof(copy), "%s", how);
	unsetenv("GUARD_START");
	if (start_shell(copy, command, environ) != 0) {
		_exit(95);
	}
}
