/* SPDX-License-Identifier: MIT */
/*
 * Runs several cases at a time.
 *
 * What the compositor of a case starts and leaves behind becomes a child of the process
 * that runs the case, so that it is clear what belongs to which case. When the suite is
 * to end, it asks these processes to end; each of them stops its compositor.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"

struct job {
	pid_t pid;
	bool ended;
	/* Set by the process that runs the case. */
	bool ran;
	struct run_result result;
};

static void interrupt(int signal) {
	run_interrupted = 1;
}

/* System calls are not restarted. */
static void handle_signals(void) {
	struct sigaction action = { .sa_handler = interrupt };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	/* Writing to a dead compositor must not end the suite. */
	signal(SIGPIPE, SIG_IGN);
}

static void run_repeatedly(struct job *job, const struct test_case *test_case,
		const struct run_options *options) {
	unsigned failures = 0;
	while ((job->ran = run_case(test_case, options, &job->result))) {
		job->result.failures = failures;
		if (job->result.outcome == OUTCOME_CONFORMS ||
				job->result.outcome == OUTCOME_SKIPPED ||
				failures == options->retries) {
			return;
		}
		failures++;
	}
}

static bool start(struct job *job, const struct test_case *test_case,
		const struct run_options *options) {
	pid_t parent = getpid();
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		/* It gets signals from the suite, not from the terminal. */
		setpgid(0, 0);
		if (getppid() == parent) {
			run_repeatedly(job, test_case, options);
		}
		_exit(0);
	}
	/* Set only by the parent, since both processes share the job. */
	job->pid = pid;
	return pid > 0;
}

/* Waits until a job has ended. Returns false if a signal came first. */
static bool wait_for_one(struct job *jobs, size_t jobs_len) {
	int status;
	pid_t pid = waitpid(-1, &status, 0);
	for (size_t i = 0; i < jobs_len && pid > 0; i++) {
		if (jobs[i].pid != pid) {
			continue;
		}
		jobs[i].ended = true;
		if (!jobs[i].ran && jobs[i].result.detail[0] == '\0') {
			snprintf(jobs[i].result.detail,
				sizeof(jobs[i].result.detail),
				"the process that ran a case has ended "
				"with %s %d",
				WIFSIGNALED(status) ? "signal" : "status",
				WIFSIGNALED(status) ? WTERMSIG(status) :
				WEXITSTATUS(status));
		}
	}
	return !run_interrupted;
}

static void stop(struct job *jobs, size_t jobs_len) {
	for (size_t i = 0; i < jobs_len; i++) {
		if (jobs[i].pid > 0 && !jobs[i].ended) {
			kill(jobs[i].pid, SIGTERM);
		}
	}
	for (size_t i = 0; i < jobs_len; i++) {
		while (jobs[i].pid > 0 && !jobs[i].ended &&
				waitpid(jobs[i].pid, NULL, 0) < 0 &&
				errno == EINTR) {
		}
	}
}

static bool run_all(struct job *jobs, const struct test_case *const *cases,
		size_t cases_len, size_t at_a_time,
		const struct run_options *options, jobs_told_func told,
		void *data, char *error, size_t error_size) {
	size_t started = 0, ended = 0, next = 0;
	while (next < cases_len) {
		while (started < cases_len && started - ended < at_a_time) {
			if (!start(&jobs[started], cases[started], options)) {
				snprintf(error, error_size, "fork: %s",
					strerror(errno));
				return false;
			}
			started++;
		}
		if (!wait_for_one(jobs, started)) {
			snprintf(error, error_size, "interrupted");
			return false;
		}
		ended = 0;
		for (size_t i = 0; i < started; i++) {
			ended += jobs[i].ended;
		}
		for (; next < started && jobs[next].ended; next++) {
			if (!jobs[next].ran) {
				snprintf(error, error_size, "%s",
					jobs[next].result.detail);
				return false;
			}
			told(cases[next], &jobs[next].result, data);
		}
	}
	return true;
}

bool jobs_run(const struct test_case *const *cases, size_t cases_len,
		size_t at_a_time, const struct run_options *options,
		jobs_told_func told, void *data, char *error,
		size_t error_size) {
	size_t size = cases_len * sizeof(struct job);
	struct job *jobs = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (jobs == MAP_FAILED) {
		snprintf(error, error_size, "no memory: %s", strerror(errno));
		return false;
	}
	handle_signals();
	bool ok = run_all(jobs, cases, cases_len, at_a_time, options, told,
		data, error, error_size);
	stop(jobs, cases_len);
	munmap(jobs, size);
	return ok;
}
