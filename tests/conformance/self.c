/* SPDX-License-Identifier: MIT */
/*
 * Cases with a known outcome, which check that the suite detects it. Each is named after
 * the outcome.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "case.h"

static void do_nothing(struct test *test) {
	test_expect_alive(test);
}

static void fail(struct test *test) {
	test_fail(test, "as it should");
}

static void skip(struct test *test) {
	test_skip(test, "as it should be");
}

static void lack(struct test *test) {
	test_lack(test, "what there cannot be");
}

static void crash(struct test *test) {
	raise(SIGKILL);
}

/* An error that the case does not expect. */
static void be_killed(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, 4096));
	must(test, client_pool_create(&test->client, &pool, &memory, -1));
	test_expect_alive(test);
}

static void need_compositor(struct test *test) {
	if (test->compositor <= 0) {
		test_skip(test, "the compositor's process is not known");
	}
}

static void signal_compositor(struct test *test) {
	need_compositor(test);
	kill(test->compositor, (int)test->argument);
	/* Long enough to be noticed. */
	poll(NULL, 0, 5000);
}

#define BUSY 12

/* Starts processes that leave a process a small share of one processor. They end with the
 * case. */
static void share_processor(struct test *test, pid_t with) {
	cpu_set_t allowed, one;
	CPU_ZERO(&one);
	if (sched_getaffinity(with, sizeof(allowed), &allowed) < 0) {
		test_fail(test, "sched_getaffinity: %s", strerror(errno));
	}
	for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++) {
		if (CPU_ISSET(cpu, &allowed)) {
			CPU_SET(cpu, &one);
		}
	}
	if (sched_setaffinity(with, sizeof(one), &one) < 0) {
		test_fail(test, "sched_setaffinity: %s", strerror(errno));
	}
	for (int i = 0; i < BUSY; i++) {
		pid_t parent = getpid();
		pid_t pid = test_fork(test);
		if (pid > 0) {
			continue;
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent ||
				sched_setaffinity(0, sizeof(one), &one) < 0) {
			_exit(1);
		}
		for (volatile unsigned turns = 0;; turns++) {
		}
	}
}

/* In milliseconds. */
#define BUSY_MS 3000

static int64_t get_wall_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The compositor answers, and waits for a processor most of the time: the suite's clock
 * stands still for that. */
static void work_on_a_busy_machine(struct test *test) {
	need_compositor(test);
	share_processor(test, test->compositor);
	int64_t wall = get_wall_ms(), start = test_now_ms();
	while (get_wall_ms() - wall < BUSY_MS) {
		must(test, client_roundtrip(&test->client));
	}
	/* What was waited for is known a little later. */
	int64_t counted = test_now_ms() - start;
	wall = get_wall_ms() - wall;
	if (counted > wall / 2) {
		test_fail(test, "%d of %d ms count", (int)counted, (int)wall);
	}
	test_expect_alive(test);
}

/* The compositor hangs for a while, and the case itself waits for a processor meanwhile. Its
 * time limit stands still for that, but not that of the compositor. */
static void hang_beside_a_busy_case(struct test *test) {
	need_compositor(test);
	share_processor(test, getpid());
	kill(test->compositor, SIGSTOP);
	int64_t wall = get_wall_ms();
	while (get_wall_ms() - wall < 2 * BUSY_MS) {
	}
	kill(test->compositor, SIGCONT);
	test_expect_alive(test);
}

const struct test_case self_cases[] = {
	{ "conforms", CASE_REQUIRED, "nothing happens", do_nothing },
	{ "conforms:busy", CASE_ROBUSTNESS,
		"the compositor waits for a processor", work_on_a_busy_machine },
	{ "wrong", CASE_REQUIRED, "the case says so", fail },
	{ "wrong:crash", CASE_REQUIRED, "the case's own process dies", crash },
	{ "skipped", CASE_REQUIRED, "the case says so", skip },
	{ "skipped:lacking", CASE_REQUIRED, "the suite was built without "
		"what the case needs", lack },
	{ "client killed", CASE_REQUIRED, "an error that was not expected",
		be_killed },
	{ "compositor died:SIGBUS", CASE_ROBUSTNESS,
		"the compositor is sent a signal", signal_compositor, SIGBUS },
	{ "compositor died:SIGKILL", CASE_ROBUSTNESS,
		"the compositor is sent a signal", signal_compositor, SIGKILL },
	{ "compositor hung", CASE_ROBUSTNESS, "the compositor is stopped",
		signal_compositor, SIGSTOP },
	{ "compositor hung:busy", CASE_ROBUSTNESS, "the compositor is stopped for "
		"a while, and the case waits for a processor",
		hang_beside_a_busy_case },
	{ 0 },
};
