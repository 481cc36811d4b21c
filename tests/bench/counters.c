/* SPDX-License-Identifier: MIT */
/*
 * Counters of a thread.
 *
 * Instructions, system calls, page faults and bytes are the same on any machine and under
 * any load. Callgrind counts instructions, and a tracer (ptrace) counts system calls:
 * under valgrind, reading the clock is a system call, and natively it is not.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef BENCH_CALLGRIND
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS
#define CALLGRIND_STOP_INSTRUMENTATION
#endif

#include "counters.h"

#define FOLDER_VARIABLE "SEALPOOL_BENCH_CALLGRIND"

const char *const metric_names[METRICS_LEN] = {
	[METRIC_INSTRUCTIONS] = "instructions",
	[METRIC_CALLS] = "system calls",
	[METRIC_FAULTS] = "page faults",
	[METRIC_BYTES] = "bytes copied",
	[METRIC_NS] = "CPU time, ns",
};

enum way metric_way(enum metric metric) {
	switch (metric) {
	case METRIC_INSTRUCTIONS:
		return WAY_CALLGRIND;
	case METRIC_NS:
		return WAY_TIMED;
	default:
		return WAY_TRACED;
	}
}

uint64_t cpu_now(void) {
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t faults_now(void) {
	struct rusage usage;
	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)(usage.ru_minflt + usage.ru_majflt);
}

/* Reads the newest dump, which is the main thread's, and deletes it. */
static bool read_dump(uint64_t *instructions) {
	static unsigned serial;
	char path[4096], line[4096];
	snprintf(path, sizeof(path), "%s/%d.%u-01", getenv(FOLDER_VARIABLE),
		(int)getpid(), ++serial);
	FILE *file = fopen(path, "re");
	bool found = false;
	while (file != NULL && !found &&
			fgets(line, sizeof(line), file) != NULL) {
		found = sscanf(line, "totals: %" SCNu64, instructions) == 1;
	}
	if (file != NULL) {
		fclose(file);
	}
	return found;
}

void counters_start(enum way way, struct spent *spent) {
	spent->of[METRIC_FAULTS] = faults_now();
	spent->of[METRIC_NS] = cpu_now();
	if (way == WAY_CALLGRIND) {
		CALLGRIND_START_INSTRUMENTATION;
		CALLGRIND_ZERO_STATS;
	}
}

bool counters_stop(enum way way, struct spent *spent) {
	if (way == WAY_CALLGRIND) {
		CALLGRIND_DUMP_STATS;
		CALLGRIND_STOP_INSTRUMENTATION;
		return read_dump(&spent->of[METRIC_INSTRUCTIONS]);
	}
	spent->of[METRIC_NS] = cpu_now() - spent->of[METRIC_NS];
	spent->of[METRIC_FAULTS] = faults_now() - spent->of[METRIC_FAULTS];
	return true;
}

static void exec_callgrind(const char *folder, char *const *args) {
	char out[4096];
	const char *all[32] = {
		"valgrind", "--tool=callgrind", "--quiet", "--instr-atstart=no",
		"--separate-threads=yes", out,
	};
	snprintf(out, sizeof(out), "--callgrind-out-file=%s/%%p", folder);
	setenv(FOLDER_VARIABLE, folder, 1);
	/* free() keeps this many chunks of each size for malloc(). calloc() then takes
	 * memory from the end of the heap. */
	setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=65535", 1);
	size_t len = 6;
	while (*args != NULL && len < sizeof(all) / sizeof(all[0]) - 1) {
		all[len++] = *args++;
	}
	execvp("valgrind", (char *const *)all);
}

/* Runs until the traced process ends. Follows only its first thread. */
static void trace(pid_t pid, volatile uint64_t *calls) {
	int status, signal = 0;
	bool in_call = false;
	if (waitpid(pid, &status, 0) < 0 || ptrace(PTRACE_SETOPTIONS, pid, NULL,
			PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0) {
		_exit(1);
	}
	while (ptrace(PTRACE_SYSCALL, pid, NULL, signal) == 0 &&
			waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		signal = WSTOPSIG(status);
		if (signal == (SIGTRAP | 0x80)) {
			in_call = !in_call;
			*calls += in_call;
		}
		/* This SIGTRAP is execve()'s. */
		if ((signal & ~0x80) == SIGTRAP) {
			signal = 0;
		}
	}
	_exit(0);
}

static void exec_traced(char *const *args, volatile uint64_t *calls) {
	pid_t pid = fork();
	if (pid > 0) {
		trace(pid, calls);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The number of faults depends on the alignment of mappings. */
	personality(ADDR_NO_RANDOMIZE);
	if (pid == 0 && ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0) {
		raise(SIGSTOP);
		execv(args[0], args);
	}
}

void counters_exec(enum way way, const char *folder, char *const *args,
		volatile uint64_t *calls) {
	switch (way) {
	case WAY_CALLGRIND:
		exec_callgrind(folder, args);
		break;
	case WAY_TRACED:
		exec_traced(args, calls);
		break;
	default:
		execv(args[0], args);
	}
}
