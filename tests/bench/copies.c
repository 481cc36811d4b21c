/* SPDX-License-Identifier: MIT */
/*
 * How fast a 3840x2160 buffer can be copied from a client's file without a fault, for
 * comparison with Sealpool's own copy.
 *
 * Both ends are warm: the file has its pages, and the destination has been written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "counters.h"
#include "scenario.h"

#define ROW ((size_t)3840 * 4)
#define ROWS ((size_t)2160)
#define SIZE (ROW * ROWS)

struct ends {
	int fd;
	/* The mapping of the client's file. It must not be read by loads. */
	uint8_t *from;
	uint8_t *to;
};

static bool pread_pieces(const struct ends *ends, size_t piece) {
	for (size_t i = 0; i < SIZE; i += piece) {
		size_t length = SIZE - i < piece ? SIZE - i : piece;
		if (pread(ends->fd, ends->to + i, length, (off_t)i) !=
				(ssize_t)length) {
			return false;
		}
	}
	return true;
}

static bool copy_pread(const struct ends *ends) {
	return pread_pieces(ends, SIZE);
}

static bool copy_pread_256k(const struct ends *ends) {
	return pread_pieces(ends, 256 * 1024);
}

static bool copy_process_vm(const struct ends *ends) {
	struct iovec to = { .iov_base = ends->to, .iov_len = SIZE };
	struct iovec from = { .iov_base = ends->from, .iov_len = SIZE };
	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)SIZE;
}

/* For comparison: this one can fault. */
static bool copy_memcpy(const struct ends *ends) {
	memcpy(ends->to, ends->from, SIZE);
	return true;
}

static const struct {
	const char *name;
	bool (*copy)(const struct ends *ends);
} engines[] = {
	{ "pread", copy_pread },
	{ "pread-256k", copy_pread_256k },
	{ "process_vm_readv", copy_process_vm },
	{ "memcpy", copy_memcpy },
};

#define ENGINES_LEN (sizeof(engines) / sizeof(engines[0]))

/* In a process of its own, as the servers are. */
static void run(double *ns) {
	struct memory memory, shadow;
	memory_create(&memory, false, SIZE, true);
	memory_create(&shadow, true, SIZE, true);
	memory_map(&shadow);
	struct ends ends = { .fd = memory.fd, .to = shadow.data };
	ends.from = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, memory.fd, 0);
	if (ends.from == MAP_FAILED) {
		_exit(1);
	}
	for (int round = -1; round < 3; round++) {
		for (size_t i = 0; i < ENGINES_LEN; i++) {
			uint64_t start = cpu_now();
			if (!engines[i].copy(&ends)) {
				_exit(1);
			}
			if (round >= 0) {
				ns[i] += (double)(cpu_now() - start) / 3;
			}
		}
	}
}

void measure_copies(struct results *results, unsigned rounds) {
	double *ns = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ns == MAP_FAILED) {
		return;
	}
	for (unsigned round = 0; round < rounds; round++) {
		memset(ns, 0, 4096);
		fflush(NULL);
		pid_t pid = fork();
		if (pid == 0) {
			run(ns);
			_exit(0);
		}
		int status;
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
			fprintf(stderr, "bench: the copies could not be "
					"measured\n");
			break;
		}
		for (size_t i = 0; i < ENGINES_LEN; i++) {
			char name[64];
			snprintf(name, sizeof(name), "copy/%s",
				engines[i].name);
			series_add(results_get(results, METRIC_NS, name),
				IMPL_CORE, ns[i]);
		}
	}
	munmap(ns, 4096);
}
