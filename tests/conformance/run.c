/* SPDX-License-Identifier: MIT */
/*
 * Runs one case.
 *
 * There are three processes: the compositor, a bystander and the case's client. The
 * reported result is the worst of these, in this order: the compositor died; it hung; the
 * bystander was harmed; the case saw something wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bystander.h"
#include "clock.h"
#include "compositor.h"
#include "run.h"
#include "test.h"

/* The time limit of a bystander until the case can begin, in milliseconds. */
#define BEGIN_MS 20000
/* How long a compositor may take to exit after it has closed its sockets. */
#define DEATH_MS 200
/* The bystander's rounds after the case has ended: what a client leaves behind may do
 * harm later. */
#define ROUNDS_AFTER 8

volatile sig_atomic_t run_interrupted;

const char *case_kind_name(enum case_kind kind) {
	static const char *const names[] = { "required", "robustness",
		"quality" };
	return names[kind];
}

const char *case_outcome_name(enum case_outcome outcome) {
	static const char *const names[] = { "conforms", "wrong",
		"client killed", "compositor died", "compositor hung",
		"bystander harmed", "skipped" };
	return names[outcome];
}

static _Noreturn void run_client(const struct test_case *test_case,
		const struct run_options *options,
		const struct compositor *compositor,
		struct test_result *result) {
	static struct test test;
	/* Its own children are in its group, and are ended with it. */
	setpgid(0, 0);
	signal(SIGTERM, SIG_DFL);
	test_begin(result);
	client_clock_follow(compositor->pid);
	test = (struct test){
		.compositor = compositor->pid,
		.display = compositor->display,
		.argument = test_case->argument,
	};
	must(&test, client_connect(&test.client, compositor->display));
	/* At least as long as the compositor may take for an answer. */
	if (options->hang > test.client.patience) {
		test.client.patience = options->hang;
	}
	test_case->run(&test);
	test_conform();
}

/* Waits until the case has ended, its time is over, or the compositor has died or hung.
 * Returns false if it has not ended. */
static bool wait_for_client(pid_t client, const struct compositor *compositor,
		struct bystander *bystander, const struct run_options *options,
		int *status) {
	int64_t deadline = test_now_ms() + options->timeout;
	while (waitpid(client, status, WNOHANG) == 0) {
		if (run_interrupted || !compositor_is_alive(compositor) ||
				bystander_get_wait(bystander) > options->hang ||
				test_now_ms() > deadline) {
			return false;
		}
		poll(NULL, 0, 1);
	}
	return true;
}

static void judge_client(bool ended, int status,
		const struct test_result *told, const struct run_options *options,
		struct run_result *result) {
	result->outcome = OUTCOME_WRONG;
	if (told->told) {
		result->outcome = told->outcome;
		result->lacking = told->lacking;
		snprintf(result->detail, sizeof(result->detail), "%s",
			told->detail);
	} else if (!ended) {
		snprintf(result->detail, sizeof(result->detail),
			"the case has not ended after %d ms", options->timeout);
	} else {
		snprintf(result->detail, sizeof(result->detail),
			"the case's own process ended with %s %d",
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) :
			WEXITSTATUS(status));
	}
}

/* What happened to the others outweighs the case's own result. */
static bool judge_others(struct compositor *compositor,
		const struct bystander *bystander, int64_t wait,
		const struct run_options *options, struct run_result *result) {
	const struct bystander_state *state = bystander->state;
	/* A dying process closes its sockets a moment before it is dead. */
	int64_t deadline = test_now_ms() + DEATH_MS;
	while (state->harmed && compositor_is_alive(compositor) &&
			test_now_ms() < deadline) {
		poll(NULL, 0, 2);
	}
	if (!compositor_is_alive(compositor)) {
		result->outcome = OUTCOME_COMPOSITOR_DIED;
		compositor_describe_death(compositor, result->detail,
			sizeof(result->detail));
		return true;
	}
	if (wait > options->hang) {
		result->outcome = OUTCOME_COMPOSITOR_HUNG;
		snprintf(result->detail, sizeof(result->detail),
			"the bystander had no answer for %lld ms",
			(long long)wait);
		return true;
	}
	if (state->harmed || !state->finished) {
		result->outcome = OUTCOME_BYSTANDER_HARMED;
		snprintf(result->detail, sizeof(result->detail), "%s",
			state->harmed ? state->text : "it ended by itself");
		return true;
	}
	return false;
}

/* Opens a file for the compositor's output. A case that is run again appends to it. */
static int open_log(const char *dir, const char *name) {
	char path[1024];
	int length = snprintf(path, sizeof(path), "%s/%s.log", dir, name);
	if (length >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (char *c = path + strlen(dir) + 1; *c != '\0'; c++) {
		if (strchr("/: ", *c) != NULL) {
			*c = '-';
		}
	}
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

static bool start_compositor(const struct test_case *test_case,
		const struct run_options *options,
		struct compositor *compositor, struct run_result *result) {
	int log = -1;
	if (options->log_dir != NULL) {
		log = open_log(options->log_dir, test_case->name);
		if (log < 0) {
			snprintf(result->detail, sizeof(result->detail),
				"cannot write a log in %s: %s", options->log_dir,
				strerror(errno));
			return false;
		}
	}
	bool ok = compositor_start(compositor, options->start, log,
		result->detail, sizeof(result->detail));
	if (log >= 0) {
		close(log);
	}
	return ok;
}

static bool find_compositor(const struct test_case *test_case,
		const struct run_options *options,
		struct compositor *compositor, struct run_result *result) {
	return options->start != NULL ?
		start_compositor(test_case, options, compositor, result) :
		compositor_find(compositor, result->detail,
			sizeof(result->detail));
}

static double get_seconds(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool run_case(const struct test_case *test_case,
		const struct run_options *options, struct run_result *result) {
	double start = get_seconds();
	*result = (struct run_result){ .outcome = OUTCOME_WRONG };
	struct compositor compositor;
	if (!find_compositor(test_case, options, &compositor, result)) {
		return false;
	}
	struct test_result *told = mmap(NULL, sizeof(*told),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct bystander bystander;
	if (told == MAP_FAILED ||
			!bystander_start(&bystander, &compositor, BEGIN_MS)) {
		snprintf(result->detail, sizeof(result->detail),
			"cannot start the bystander: %s", strerror(errno));
		compositor_stop(&compositor);
		return false;
	}

	fflush(NULL);
	pid_t client = fork();
	if (client == 0) {
		run_client(test_case, options, &compositor, told);
	}
	client_clock_follow(bystander.pid);
	client_clock_follow(client);
	setpgid(client, client);
	int status = 0;
	bool ended = client < 0 || wait_for_client(client, &compositor,
		&bystander, options, &status);
	int64_t wait = bystander_get_wait(&bystander);
	if (wait <= options->hang && !run_interrupted) {
		bystander_watch(&bystander, ROUNDS_AFTER, options->hang);
		wait = bystander_get_wait(&bystander);
	}
	/* And the processes that it has left behind. This also frees processes that wait
	 * for its file system. */
	if (client > 0) {
		kill(-client, SIGKILL);
		if (!ended) {
			waitpid(client, &status, 0);
		}
	}
	if (wait <= options->hang && !run_interrupted) {
		bystander_watch(&bystander, ROUNDS_AFTER, options->hang);
		bystander_stop(&bystander, options->hang);
		int64_t now = bystander_get_wait(&bystander);
		wait = now > wait ? now : wait;
	} else {
		bystander_stop(&bystander, 0);
	}

	/* This process's clock also stands still while the case waits for a processor; the
	 * bystander's does not. */
	int64_t longest = bystander.state->longest_wait;
	wait = longest > wait ? longest : wait;
	judge_client(ended, status, told, options, result);
	judge_others(&compositor, &bystander, wait, options, result);
	result->longest_wait = (double)wait / 1000;
	munmap(told, sizeof(*told));
	munmap(bystander.state, sizeof(*bystander.state));
	compositor_stop(&compositor);
	result->seconds = get_seconds() - start;
	if (run_interrupted) {
		snprintf(result->detail, sizeof(result->detail), "interrupted");
		return false;
	}
	return true;
}
