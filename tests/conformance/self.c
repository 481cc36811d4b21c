/* SPDX-License-Identifier: MIT */
/*
 * Cases with a known outcome: does the suite see what it is there to see? Each
 * is named after the outcome it must have.
 */
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <wayland-client.h>

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

static void crash(struct test *test) {
	raise(SIGKILL);
}

/* What is an error, believed to be none. */
static void be_killed(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, 4096));
	must(test, client_pool_create(&test->client, &pool, &memory, -1));
	test_expect_alive(test);
}

static void signal_compositor(struct test *test) {
	if (test->compositor <= 0) {
		test_skip(test, "the compositor's process is not known");
	}
	kill(test->compositor, (int)test->argument);
	/* Long enough for anyone to notice. */
	poll(NULL, 0, 5000);
}

const struct test_case self_cases[] = {
	{ "conforms", CASE_REQUIRED, "nothing happens", do_nothing },
	{ "wrong", CASE_REQUIRED, "the case says so", fail },
	{ "wrong:crash", CASE_REQUIRED, "the case's own process dies", crash },
	{ "skipped", CASE_REQUIRED, "the case says so", skip },
	{ "client killed", CASE_REQUIRED, "an error that was not expected",
		be_killed },
	{ "compositor died:SIGBUS", CASE_ROBUSTNESS,
		"the compositor is sent a signal", signal_compositor, SIGBUS },
	{ "compositor died:SIGKILL", CASE_ROBUSTNESS,
		"the compositor is sent a signal", signal_compositor, SIGKILL },
	{ "compositor hung", CASE_ROBUSTNESS, "the compositor is stopped",
		signal_compositor, SIGSTOP },
	{ 0 },
};
