/* SPDX-License-Identifier: MIT */
/*
 * The first process of a guest (see scripts/kernel): mounts file systems, runs the steps
 * that are listed in /steps, and shuts the guest down.
 *
 * A line of /steps is NAME, SECONDS and a shell command, separated by tabs. The output of
 * the commands goes to the second serial port, so that it is not mixed with the kernel's
 * messages on the first. Before the output of each step there is a line
 *
 *   @@ begin NAME
 *
 * and after it "@@ end NAME STATUS SECONDS", where STATUS is that of a shell, or "timeout".
 * The last line is "@@ done".
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* By default, a serial port changes line ends and more. */
static void use_port(const char *path) {
	int fd = open(path, O_RDWR | O_NOCTTY);
	if (fd < 0) {
		return;
	}
	struct termios settings;
	if (tcgetattr(fd, &settings) == 0) {
		cfmakeraw(&settings);
		tcsetattr(fd, TCSANOW, &settings);
	}
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO) {
		close(fd);
	}
}

static void mount_on(const char *type, const char *path, const char *options) {
	mkdir(path, 0755);
	if (mount(type, path, type, 0, options) < 0) {
		printf("@@ cannot mount %s on %s: %s\n", type, path,
			strerror(errno));
	}
}

static void write_file(const char *path, const char *text) {
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		printf("@@ cannot write %s: %s\n", path, strerror(errno));
	}
	close(fd);
}

static void run_command(const char *command) {
	setpgid(0, 0);
	int null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static time_t now(void) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Reaps orphans as well. Returns false when the time is over. */
static bool wait_for(pid_t pid, time_t deadline, int *status) {
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		int seen;
		pid_t ended = waitpid(-1, &seen, WNOHANG);
		if (ended == pid) {
			*status = seen;
			return true;
		}
		if (ended > 0) {
			continue;
		}
		time_t left = deadline - now();
		if (left <= 0) {
			return false;
		}
		struct timespec ts = { .tv_sec = left };
		sigtimedwait(&child, NULL, &ts);
	}
}

static void run_step(const char *name, long seconds, const char *command) {
	printf("@@ begin %s\n", name);
	fflush(NULL);
	time_t start = now();
	pid_t pid = fork();
	if (pid == 0) {
		run_command(command);
	}
	int status = 0;
	bool ended = wait_for(pid, start + seconds, &status);
	/* Kills all that it has started. */
	kill(-pid, SIGKILL);
	char text[16] = "timeout";
	if (ended) {
		snprintf(text, sizeof(text), "%d", WIFEXITED(status) ?
			WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
	printf("@@ end %s %s %ld\n", name, text, (long)(now() - start));
	fflush(NULL);
}

static void run_steps(void) {
	FILE *steps = fopen("/steps", "re");
	if (steps == NULL) {
		printf("@@ cannot read /steps: %s\n", strerror(errno));
		return;
	}
	char line[4096];
	while (fgets(line, sizeof(line), steps) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		char *rest = line;
		char *name = strsep(&rest, "\t");
		char *seconds = strsep(&rest, "\t");
		if (rest != NULL) {
			run_step(name, strtol(seconds, NULL, 10), rest);
		}
	}
	fclose(steps);
}

int main(void) {
	if (getpid() != 1) {
		fputs("kernel-init: this must be the first process of a guest\n",
			stderr);
		return 2;
	}
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	use_port("/dev/ttyS1");
	mount_on("proc", "/proc", NULL);
	mount_on("sysfs", "/sys", NULL);
	mount_on("cgroup2", "/sys/fs/cgroup", NULL);
	mount_on("tmpfs", "/dev/shm", NULL);
	mount_on("devpts", "/dev/pts", NULL);
	mount_on("tmpfs", "/tmp", NULL);
	mount_on("tmpfs", "/run", "mode=0700");
	mkdir("/root", 0700);
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	mkdir("/sys/fs/cgroup/small", 0755);
	write_file("/sys/fs/cgroup/small/memory.max", "32M");

	setenv("PATH", "/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("XDG_RUNTIME_DIR", "/run", 1);
	setenv("CMOCKA_MESSAGE_OUTPUT", "TAP", 1);
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);

	run_steps();
	puts("@@ done");
	fflush(NULL);
	tcdrain(STDOUT_FILENO);
	reboot(RB_AUTOBOOT);
	return 1;
}
