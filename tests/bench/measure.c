/* SPDX-License-Identifier: MIT */
/*
 * CPU time rather than time: what else runs on the machine then counts for
 * little, though not for nothing, as it shares caches and memory.
 */
#include <dirent.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef BENCH_CALLGRIND
#include <valgrind/callgrind.h>
#endif

#include "measure.h"

#define FOLDER_VARIABLE "SEALPOOL_BENCH_CALLGRIND"

static int counter = -1;

uint64_t cpu_now(void) {
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* callgrind */

const char *callgrind_folder(void) {
	return getenv(FOLDER_VARIABLE);
}

/* Instead of this process's own program, and with its arguments. */
static void exec_valgrind(const char *folder, char **argv) {
	char self[4096], out[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t argc = 0;
	while (argv[argc] != NULL) {
		argc++;
	}
	const char *first[] = {
		"valgrind", "--tool=callgrind", "--quiet",
		"--instr-atstart=no", out, self,
	};
	size_t first_len = sizeof(first) / sizeof(first[0]);
	char **args = calloc(first_len + argc, sizeof(args[0]));
	if (length < 0 || args == NULL) {
		return;
	}
	self[length] = '\0';
	snprintf(out, sizeof(out), "--callgrind-out-file=%s/%%p", folder);
	setenv(FOLDER_VARIABLE, folder, 1);
	memcpy(args, first, sizeof(first));
	memcpy(&args[first_len], &argv[1], argc * sizeof(args[0]));
	execvp("valgrind", args);
}

static void remove_folder(const char *path) {
	DIR *folder = opendir(path);
	struct dirent *entry;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		unlinkat(dirfd(folder), entry->d_name, 0);
	}
	if (folder != NULL) {
		closedir(folder);
	}
	rmdir(path);
}

int callgrind_run(char **argv) {
	char folder[] = "/tmp/sealpool-bench-XXXXXX";
	if (mkdtemp(folder) == NULL) {
		perror("bench: no folder for callgrind");
		return 1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		exec_valgrind(folder, argv);
		perror("bench: callgrind is not to be had");
		_exit(1);
	}
	int status = 1;
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("bench: callgrind cannot be run");
	}
	remove_folder(folder);
	return status != 0;
}

#ifdef BENCH_CALLGRIND
/* The sum of a dump, which is this process's, and then needed no more. */
static uint64_t read_dump(const char *path) {
	FILE *file = fopen(path, "re");
	char line[4096];
	uint64_t sum = 0;
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "totals: %" SCNu64, &sum) == 1) {
			break;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	unlink(path);
	return sum;
}

static void callgrind_start(void) {
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
}

static uint64_t callgrind_stop(void) {
	CALLGRIND_DUMP_STATS;
	CALLGRIND_STOP_INSTRUMENTATION;
	uint64_t sum = 0;
	char path[4096], begins[32];
	int length = snprintf(begins, sizeof(begins), "%d.", (int)getpid());
	DIR *folder = opendir(callgrind_folder());
	struct dirent *entry;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (strncmp(entry->d_name, begins, (size_t)length) == 0) {
			snprintf(path, sizeof(path), "%s/%s",
				callgrind_folder(), entry->d_name);
			sum += read_dump(path);
		}
	}
	if (folder != NULL) {
		closedir(folder);
	}
	return sum;
}
#else
static void callgrind_start(void) {
}

static uint64_t callgrind_stop(void) {
	return 0;
}
#endif

void count_instructions(void) {
	if (callgrind_folder() != NULL) {
		return;
	}
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
	};
	counter = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1,
		PERF_FLAG_FD_CLOEXEC);
}

struct spent spent_now(void) {
	struct spent now = { .ns = cpu_now() };
	if (callgrind_folder() != NULL) {
		callgrind_start();
		return now;
	}
	if (counter >= 0 && read(counter, &now.instructions,
			sizeof(now.instructions)) < 0) {
		now.instructions = 0;
	}
	return now;
}

struct spent spent_since(const struct spent *start) {
	if (callgrind_folder() != NULL) {
		return (struct spent){ .instructions = callgrind_stop() };
	}
	struct spent now = spent_now();
	return (struct spent){
		.ns = now.ns - start->ns,
		.instructions = now.instructions - start->instructions,
	};
}

static int compare(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Between two of them where need be. */
static double at(const double *numbers, size_t len, double part) {
	double place = part * (double)(len - 1);
	size_t i = (size_t)place;
	size_t next = i + 1 < len ? i + 1 : i;
	return numbers[i] + (numbers[next] - numbers[i]) * (place - (double)i);
}

struct spread spread_of(double *numbers, size_t len) {
	qsort(numbers, len, sizeof(numbers[0]), compare);
	return (struct spread){
		.low = at(numbers, len, 0.25),
		.median = at(numbers, len, 0.5),
		.high = at(numbers, len, 0.75),
	};
}
