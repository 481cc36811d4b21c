/* SPDX-License-Identifier: MIT */
/*
 * Which thread closes a client's fd, and how many stay open until then. The clock stands
 * still in these tests, and creating a thread can fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "memfd.h"
#include "memory/discard.h"
#include "memory/file.h"
#include "process.h"
#include "traces.h"

#define MIB ((off_t)1 << 20)
/* More memory than is freed at once, a part of that, and memory that costs less to free
 * than a thread. */
#define LARGE (64 * MIB)
#define SMALL (2 * MIB)
#define LITTLE MIB

static pthread_t main_thread;
static atomic_bool no_threads, no_memory, no_fds;
static time_t seconds;
/* The number of closed fds of shared memory, by thread. */
static atomic_size_t closed_here, closed_elsewhere;
/* How often a thread began to read which files are mapped. */
static atomic_size_t looks;

int __real_close(int fd);
int __wrap_close(int fd);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
	void *(*run)(void *data), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
	void *(*run)(void *data), void *data);
int __wrap_clock_gettime(clockid_t id, struct timespec *now);

int __wrap_close(int fd) {
	if (fcntl(fd, F_GET_SEALS) < 0) {
		return __real_close(fd);
	}
	/* The number of the fd is free before the fd is counted. */
	bool here = pthread_equal(pthread_self(), main_thread);
	int ret = __real_close(fd);
	*(here ? &closed_here : &closed_elsewhere) += 1;
	return ret;
}

void *__wrap_calloc(size_t n, size_t size) {
	return no_memory ? NULL : __real_calloc(n, size);
}

FILE *__wrap_fopen(const char *path, const char *mode) {
	if (no_fds) {
		errno = EMFILE;
		return NULL;
	}
	looks += strcmp(path, "/proc/self/maps") == 0;
	return __real_fopen(path, mode);
}

FILE *__wrap_fopen64(const char *path, const char *mode) {
	return __wrap_fopen(path, mode);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
		void *(*run)(void *data), void *data) {
	return no_threads ? EAGAIN :
		__real_pthread_create(thread, attr, run, data);
}

int __wrap_clock_gettime(clockid_t id, struct timespec *now) {
	*now = (struct timespec){ .tv_sec = seconds };
	return 0;
}

/* Each test begins in a new period. */
static int setup(void **state) {
	main_thread = pthread_self();
	no_threads = no_memory = no_fds = false;
	closed_here = closed_elsewhere = looks = 0;
	seconds++;
	return traces_setup(state);
}

/* A sanitizer's own thread never exits. */
static void wait_for_threads(void) {
	for (int i = 0; i < 1000 && count_threads() > 1; i++) {
		usleep(1000);
	}
}

/* Valgrind reports the memory of a thread that has not quite exited as lost. */
static int teardown(void **state) {
	wait_for_threads();
	return traces_teardown(state);
}

static int create_file(off_t size, off_t memory) {
	int fd = create_memfd(size, 0);
	if (memory > 0) {
		assert_int_equal(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, memory),
			0);
	}
	return fd;
}

/* Waits until this many are closed in total. */
static void expect_closed(size_t here, size_t elsewhere) {
	while (closed_here + closed_elsewhere < here + elsewhere) {
		usleep(1000);
	}
	if (closed_here != here || closed_elsewhere != elsewhere) {
		fail_msg("%zu files were closed at once, and %zu by threads, "
			"instead of %zu and %zu", closed_here, closed_elsewhere,
			here, elsewhere);
	}
}

/* Memory */

static void little_memory_is_closed_at_once(void **state) {
	sp_discard_memory(create_file(SMALL, SMALL), false);
	expect_closed(1, 0);
	/* The length of the file does not matter, only its memory. */
	sp_discard_memory(create_file(1024 * MIB, 0), false);
	expect_closed(2, 0);
}

static void much_memory_is_closed_by_a_thread(void **state) {
	sp_discard_memory(create_file(LARGE, LARGE), false);
	expect_closed(0, 1);
	/* The length of the file does not matter, only its memory. */
	sp_discard_memory(create_file(4096, LARGE), false);
	expect_closed(0, 2);
}

static void so_it_is_by_a_file_that_ends_or_is_refused(void **state) {
	struct sp_file file;
	const char *reason;
	assert_int_equal(sp_file_init(&file, create_file(LARGE, LARGE),
		&reason), 0);
	sp_file_finish(&file);
	expect_closed(0, 1);
	sp_file_discard_fd(create_file(LARGE, LARGE));
	expect_closed(0, 2);
}

#define FILES 40

static void discard_files(off_t size) {
	for (size_t i = 0; i < FILES; i++) {
		sp_discard_memory(create_file(size, size), false);
	}
}

static void little_memory_of_many_files_is_much(void **state) {
	discard_files(SMALL);
	expect_closed(16, FILES - 16);
	/* The allowance is per second. */
	seconds++;
	sp_discard_memory(create_file(SMALL, SMALL), false);
	expect_closed(17, FILES - 16);
}

static void what_costs_less_than_a_thread_is_closed_at_once(void **state) {
	discard_files(LITTLE);
	expect_closed(FILES, 0);
}

static void memory_never_waits_for_a_thread(void **state) {
	no_threads = true;
	sp_discard_memory(create_file(LARGE, LARGE), false);
	expect_closed(1, 0);
	sp_discard_memory(create_file(LARGE, LARGE), true);
	expect_closed(2, 0);
}

/* Files that another wl_shm may have mapped */

static void *map(int fd) {
	void *data = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(data != MAP_FAILED);
	return data;
}

/* When the second look begins, the first one has closed what it found. */
static void wait_for_a_look(void) {
	size_t looks_before = looks;
	size_t closed_before = closed_here + closed_elsewhere;
	while (looks < looks_before + 2 &&
			closed_here + closed_elsewhere == closed_before) {
		usleep(1000);
	}
}

static void passed_file_is_kept_until_it_is_unmapped(void **state) {
	int fd = create_file(LARGE, LARGE);
	void *data = map(fd);
	sp_discard_memory(fd, true);
	wait_for_a_look();
	expect_closed(0, 0);
	munmap(data, 4096);
	expect_closed(0, 1);
}

static void passed_file_that_is_not_mapped_is_closed_by_a_thread(void **state) {
	sp_discard_memory(create_file(LARGE, LARGE), true);
	expect_closed(0, 1);
}

static void passed_files_do_not_wait_for_each_other(void **state) {
	int fds[3];
	void *data[3];
	for (int i = 0; i < 3; i++) {
		fds[i] = create_file(LARGE, LARGE);
		data[i] = map(fds[i]);
		sp_discard_memory(fds[i], true);
	}
	for (size_t i = 0; i < 3; i++) {
		wait_for_a_look();
		expect_closed(0, i);
		/* The middle one first. */
		munmap(data[(i + 1) % 3], 4096);
		expect_closed(0, i + 1);
	}
}

static void little_memory_that_was_passed_is_closed_at_once(void **state) {
	int fd = create_file(SMALL, SMALL);
	void *data = map(fd);
	sp_discard_memory(fd, true);
	expect_closed(1, 0);
	munmap(data, 4096);
}

static void one_fd_of_a_passed_file_is_kept(void **state) {
	int fd = create_file(LARGE, LARGE);
	int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	void *data = map(fd);
	sp_discard_memory(fd, true);
	sp_discard_memory(other, true);
	expect_closed(1, 0);
	munmap(data, 4096);
	expect_closed(1, 1);
}

/* Calls a function when the process has so few fds that four files may stay open. */
static void with_few_fds(void (*func)(void)) {
	struct rlimit limit, few;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = 128;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	func();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void pass_five(void) {
	void *data[5];
	for (size_t i = 0; i < 5; i++) {
		int fd = create_file(LARGE, LARGE);
		data[i] = map(fd);
		sp_discard_memory(fd, true);
		expect_closed(i == 4, 0);
	}
	for (size_t i = 0; i < 5; i++) {
		munmap(data[i], 4096);
	}
	expect_closed(1, 4);
}

static void few_passed_files_are_kept(void **state) {
	with_few_fds(pass_five);
}

static void passed_file_is_closed_where_there_is_no_fd_to_look_with(
		void **state) {
	int fd = create_file(LARGE, LARGE);
	void *data = map(fd);
	no_fds = true;
	sp_discard_memory(fd, true);
	expect_closed(0, 1);
	no_fds = false;
	munmap(data, 4096);
}

/* Files whose close() could block */

static void fd_is_closed_by_a_thread_also_without_memory(void **state) {
	no_memory = true;
	for (size_t i = 0; i < 200; i++) {
		sp_discard_fd(create_file(SMALL, 0));
		expect_closed(0, i + 1);
	}
	/* A thread that has closed a file would close the next ones too. */
	wait_for_threads();
	no_threads = true;
	for (size_t i = 0; i < 40; i++) {
		sp_discard_fd(create_file(SMALL, 0));
	}
	expect_closed(0, 200);
	no_threads = false;
	sp_discard_fd(create_file(SMALL, 0));
	expect_closed(0, 241);
}

int main(void) {
#define discard_test(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		discard_test(little_memory_is_closed_at_once),
		discard_test(much_memory_is_closed_by_a_thread),
		discard_test(so_it_is_by_a_file_that_ends_or_is_refused),
		discard_test(little_memory_of_many_files_is_much),
		discard_test(what_costs_less_than_a_thread_is_closed_at_once),
		discard_test(memory_never_waits_for_a_thread),

		discard_test(passed_file_is_kept_until_it_is_unmapped),
		discard_test(passed_file_that_is_not_mapped_is_closed_by_a_thread),
		discard_test(passed_files_do_not_wait_for_each_other),
		discard_test(little_memory_that_was_passed_is_closed_at_once),
		discard_test(one_fd_of_a_passed_file_is_kept),
		discard_test(few_passed_files_are_kept),
		discard_test(passed_file_is_closed_where_there_is_no_fd_to_look_with),

		discard_test(fd_is_closed_by_a_thread_also_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
