/* SPDX-License-Identifier: MIT */
/*
 * Files that the client itself serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attacker.h"
#include "silent-files.h"

static void silent(struct test *test) {
	int fd = open_silent_file(test, (unsigned)test->argument);
	struct attacker *a = attacker_begin(test);
	attacker_create_pool_of_fd(a, fd, BYTES);
	attacker_create_buffer(a);
	if (attacker_keep_committing(a, &a->buffer, ATTACK_MS)) {
		client_buffer_destroy(&a->buffer);
		client_pool_destroy(&a->pool);
		client_roundtrip(a->client);
	}
	client_disconnect(a->client);
	/* Something waits for the file now, which must not be the compositor. */
	poll(NULL, 0, ATTACK_MS);
	probe(test);
	silent_files_unmount(&silent_files);
}

/* A process that adds a silent file to an epoll instance holds the instance's lock until
 * the file answers. A process that asks the kernel about the instance waits for that
 * lock. */
static void held_epoll(struct test *test) {
	int silent_fd = open_silent_file(test, SILENT_FILES_POLL);
	int fd = epoll_create1(EPOLL_CLOEXEC);
	fflush(NULL);
	pid_t pid = fd >= 0 ? fork() : -1;
	if (pid == 0) {
		struct epoll_event event = { .events = EPOLLIN };
		epoll_ctl(fd, EPOLL_CTL_ADD, silent_fd, &event);
		_exit(0);
	}
	if (pid < 0) {
		silent_files_unmount(&silent_files);
		test_fail(test, "epoll, or fork: %s", strerror(errno));
	}
	while (!silent_files_were_asked(&silent_files)) {
		poll(NULL, 0, 1);
	}
	struct attacker *a = attacker_begin(test);
	attacker_create_pool_of_fd(a, fd, BYTES);
	attacker_create_buffer(a);
	attacker_keep_committing(a, &a->buffer, ATTACK_MS);
	client_disconnect(a->client);
	probe(test);
	silent_files_unmount(&silent_files);
	waitpid(pid, NULL, 0);
}

/* A large file with a hole, which its client writes to without end: the data is in a
 * silent file. Meanwhile, the client holds the lock of the file. */
static void write_without_end(struct test *test) {
	int silent_fd = open_silent_file(test, SILENT_FILES_READ);
	struct attacker *a = attacker_begin(test);
	int32_t rows = 1024, stride = 4096;
	size_t size = (size_t)rows * (size_t)stride;
	void *silence = mmap(NULL, 4096, PROT_READ, MAP_SHARED, silent_fd, 0);
	if (silence == MAP_FAILED || !client_memory_create(a->client,
			&a->memory, (enum client_memory_kind)test->argument,
			size)) {
		silent_files_unmount(&silent_files);
		test_fail(test, "no such file: %s", strerror(errno));
	}
	memset(a->memory.data, 0x55, size / 2);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		/* Shares the open file description, as the compositor will. */
		fcntl(a->memory.fd, F_SETFL, O_DIRECT);
		_exit(pwrite(a->memory.fd, silence, 4096, 0) == 4096);
	}
	while (pid > 0 && !silent_files_were_asked(&silent_files)) {
		poll(NULL, 0, 1);
	}
	attacker_create_pool_of_fd(a, a->memory.fd, (int32_t)size);
	client_buffer_create(&a->pool, &a->buffer, 0, stride / 4, rows, stride);
	attacker_keep_committing(a, &a->buffer, ATTACK_MS);
	client_disconnect(a->client);
	probe(test);
	silent_files_unmount(&silent_files);
	waitpid(pid, NULL, 0);
}

/* More than the descriptors and threads that a compositor is likely to have. */
#define SILENT_CLIENTS 1100

static void silent_many(struct test *test) {
	int fd = open_silent_file(test, (unsigned)test->argument);
	struct attacker *a = &attacker;
	for (int i = 0; i < SILENT_CLIENTS; i++) {
		*a = (struct attacker){ .test = test, .client = &test->client };
		attacker_create_pool_of_fd(a, fd, BYTES);
		client_roundtrip(a->client);
		client_disconnect(a->client);
		if (!client_connect(a->client, test->display)) {
			silent_files_unmount(&silent_files);
			test_fail(test, "after %d pools on such a file: %.400s",
				i + 1, a->client->error);
		}
	}
	attacker_begin_with_good(test, CLIENT_MEMORY_SEALED);
	silent_files_unmount(&silent_files);
	probe(test);
}

enum unmounted {
	UNMOUNTED_BEFORE,
	UNMOUNTED_AFTER,
};

/* Any access to it then is an error. */
static void unmounted(struct test *test) {
	int fd = open_silent_file(test, 0);
	struct attacker *a = attacker_begin(test);
	if (test->argument == UNMOUNTED_BEFORE) {
		silent_files_unmount(&silent_files);
	}
	attacker_create_pool_of_fd(a, fd, BYTES);
	attacker_create_buffer(a);
	if (test->argument == UNMOUNTED_AFTER) {
		attacker_keep_committing(a, &a->buffer, ATTACK_MS / 2);
		silent_files_unmount(&silent_files);
	}
	attacker_keep_committing(a, &a->buffer, ATTACK_MS);
}

#define silent_file_case(variant, argument) \
	{ "hostile/silent-file:" variant, CASE_ROBUSTNESS, \
		"The client serves its file itself (FUSE), and never " \
		"answers.", \
		silent, argument }

#define silent_writer_case(variant, argument) \
	{ "hostile/silent-writer:" variant, CASE_ROBUSTNESS, \
		"The client holds its file's lock for ever, by a write that " \
		"never ends.", \
		write_without_end, argument }

const struct test_case hostile_silent_cases[] = {
	silent_file_case("read", SILENT_FILES_READ),
	silent_file_case("getattr", SILENT_FILES_GETATTR),
	silent_file_case("statfs", SILENT_FILES_STATFS),
	silent_file_case("flush", SILENT_FILES_FLUSH),
	silent_file_case("all", ~0),
	{ "hostile/silent-file:epoll", CASE_ROBUSTNESS,
		"The client sends an epoll instance that watches its silent file "
		"(FUSE); asking the kernel about it blocks.",
		held_epoll, 0 },
	silent_writer_case("unsealed", CLIENT_MEMORY_UNSEALED),
	silent_writer_case("sealed", CLIENT_MEMORY_SEALED),
	silent_writer_case("file", CLIENT_MEMORY_FILE),
	{ "hostile/silent-files-many:flush", CASE_ROBUSTNESS,
		"Each of many connections leaves a file whose close blocks.",
		silent_many, SILENT_FILES_FLUSH },
	{ "hostile/silent-files-many:all", CASE_ROBUSTNESS,
		"Each of many connections leaves a file that answers no request.",
		silent_many, ~0 },
	{ "hostile/unmounted-file:before", CASE_ROBUSTNESS,
		"A file's file system is unmounted before the pool is created.",
		unmounted, UNMOUNTED_BEFORE },
	{ "hostile/unmounted-file:after", CASE_ROBUSTNESS,
		"A file's file system is unmounted while the file is shown.",
		unmounted, UNMOUNTED_AFTER },
	{ 0 },
};
