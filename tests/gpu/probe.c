/* SPDX-License-Identifier: MIT */
/*
 * The program that tries a device, in other programs' place: what it is given, and what
 * becomes of it. This runs on any machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <wayland-server-core.h>

#include "probe.h"

/* Not one that the program would have anyway. */
#define LEAKED_FD 77

struct told {
	struct sp_probe *probe;
	bool is_done, works;
	char message[256];
};

static void handle_done(bool works, const char *message, void *data) {
	struct told *told = data;
	told->is_done = true;
	told->works = works;
	snprintf(told->message, sizeof(told->message), "%s", message);
	sp_probe_destroy(told->probe);
}

/* Has a shell run this text, and waits for the end. Where the kernel reaps it, it must not
 * have ended before it is watched. */
static struct told run(const char *text) {
	char path[] = "/tmp/probe.XXXXXX", go[sizeof(path) + 3];
	int fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "#!/bin/sh\n"
		"while [ ! -e \"$0.go\" ]; do sleep 0.01; done\n%s\n",
		text) > 0);
	fchmod(fd, 0755);
	close(fd);
	setenv("SEALPOOL_GPU_PROBE", path, true);

	struct told told = { .is_done = false };
	struct wl_event_loop *loop = wl_event_loop_create();
	assert_non_null(loop);
	told.probe = sp_probe_start(loop, "a device", "a driver", handle_done,
		&told);
	assert_non_null(told.probe);
	snprintf(go, sizeof(go), "%s.go", path);
	fd = open(go, O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	while (!told.is_done) {
		assert_int_equal(wl_event_loop_dispatch(loop, -1), 0);
	}
	wl_event_loop_destroy(loop);
	unlink(path);
	unlink(go);
	/* It was reaped. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return told;
}

static void its_last_line_is_the_message(void **state) {
	struct told told = run("echo works: not yet\necho works: \"$1, $2\"");
	assert_true(told.works);
	assert_string_equal(told.message, "works: a device, a driver");
	told = run("echo works: not yet\necho does not work: at all\nexit 1");
	assert_false(told.works);
	assert_string_equal(told.message, "does not work: at all");
}

static void a_crash_is_told(void **state) {
	struct told told = run("kill -SEGV $$");
	assert_false(told.works);
	assert_non_null(strstr(told.message, "crashed"));
}

static void a_missing_program_is_not_started(void **state) {
	struct wl_event_loop *loop = wl_event_loop_create();
	struct told told = { .is_done = false };
	setenv("SEALPOOL_GPU_PROBE", "/nowhere/probe", true);
	assert_null(sp_probe_start(loop, "", "", handle_done, &told));
	wl_event_loop_destroy(loop);
	assert_false(told.is_done);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* There are descriptors for the pipe to it, but not for watching its end. */
static void one_that_cannot_be_watched_is_ended(void **state) {
	struct wl_event_loop *loop = wl_event_loop_create();
	struct told told = { .is_done = false };
	struct rlimit old, few;
	int free_fd = dup(STDERR_FILENO);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)free_fd + 2;
	close(free_fd);
	setenv("SEALPOOL_GPU_PROBE", "/bin/cat", true);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	struct sp_probe *probe = sp_probe_start(loop, "/dev/zero", NULL,
		handle_done, &told);
	setrlimit(RLIMIT_NOFILE, &old);
	wl_event_loop_destroy(loop);
	assert_null(probe);
	assert_false(told.is_done);
	/* It was reaped. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* A compositor that takes no interest in its children: the kernel reaps them. */
static void a_compositor_may_ignore_its_children(void **state) {
	signal(SIGCHLD, SIG_IGN);
	struct told told = run("echo works");
	signal(SIGCHLD, SIG_DFL);
	assert_true(told.works);
}

static void it_has_no_signals_of_the_compositor(void **state) {
	sigset_t term, before;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	signal(SIGUSR1, SIG_IGN);
	struct told told = run("while read -r name value; do\n"
		"case $name in SigBlk:|SigIgn:) all=\"$all $value\" ;; esac\n"
		"done </proc/$$/status\n"
		"echo \"works$all\"");
	signal(SIGUSR1, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	unsigned long long blocked, ignored;
	assert_int_equal(sscanf(told.message, "works %llx %llx", &blocked,
		&ignored), 2);
	assert_int_equal(blocked, 0);
	/* Bit 0 is signal 1. libc has it ignore two of its own, from 32 on. */
	assert_int_equal(ignored & 0x7fffffff, 0);
}

/* A compositor may run before all others, and a driver may hang. */
static void it_is_scheduled_like_any_program(void **state) {
	const struct sched_param param = { .sched_priority = 0 };
	assert_int_equal(sched_setscheduler(0, SCHED_BATCH, &param), 0);
	struct told told = run("read -r all </proc/$$/stat\nset -- $all\n"
		"echo works ${41}");
	sched_setscheduler(0, SCHED_OTHER, &param);
	assert_string_equal(told.message, "works 0");
}

static void it_has_no_descriptors_of_the_compositor(void **state) {
	assert_int_equal(dup2(STDERR_FILENO, LEAKED_FD), LEAKED_FD);
	struct told told = run("[ -e /proc/$$/fd/77 ] || echo works");
	close(LEAKED_FD);
	assert_true(told.works);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_last_line_is_the_message),
		cmocka_unit_test(a_crash_is_told),
		cmocka_unit_test(a_missing_program_is_not_started),
		cmocka_unit_test(one_that_cannot_be_watched_is_ended),
		cmocka_unit_test(a_compositor_may_ignore_its_children),
		cmocka_unit_test(it_has_no_signals_of_the_compositor),
		cmocka_unit_test(it_is_scheduled_like_any_program),
		cmocka_unit_test(it_has_no_descriptors_of_the_compositor),
	};
	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
