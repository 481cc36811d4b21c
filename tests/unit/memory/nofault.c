/* SPDX-License-Identifier: MIT */
/*
 * The probe for MAP_NOFAULT, on kernels that exist and on others.
 *
 * The linker wraps the probe's system calls (see meson.build), so that a mapping with the
 * flag can behave as on any kernel. The probe reads only with process_vm_readv(). Where
 * that reads a page past the file's end, the test maps a page of zeroes there. In a
 * shared mapping, it removes that page before each read.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "memory/mapping.h"
#include "memory/nofault.h"
#include "process.h"
#include "traces.h"

#define FLAG SEALPOOL_MAP_NOFAULT

void *__real_mmap(void *address, size_t size, int protection, int flags, int fd,
	off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd,
	off_t offset);
/* What mmap() is where off_t has 64 bits. */
void *__wrap_mmap64(void *address, size_t size, int protection, int flags,
	int fd, off_t offset) __attribute__((alias("__wrap_mmap")));
ssize_t __real_process_vm_readv(pid_t pid, const struct iovec *local,
	unsigned long local_len, const struct iovec *remote,
	unsigned long remote_len, unsigned long flags);
ssize_t __wrap_process_vm_readv(pid_t pid, const struct iovec *local,
	unsigned long local_len, const struct iovec *remote,
	unsigned long remote_len, unsigned long flags);
int __real_madvise(void *address, size_t size, int advice);
int __wrap_madvise(void *address, size_t size, int advice);

/* How a kernel treats the flag. */
static struct kernel {
	/* 0: the system's kernel answers. */
	bool is_another;
	/* It refuses the flag, or the flag cannot be tried. */
	bool refuses, blocks;
	/* The mapping is anonymous memory, or a copy of the file as it was when it was
	 * mapped. */
	bool is_anonymous, is_snapshot;
	/* The file grows to the size of the mapping: at once, or when a page is
	 * touched. */
	bool lengthens, lengthens_late;
	/* Pages past the file's end appear: when the file is mapped, or when they are
	 * touched. They have this byte. */
	bool fills_early, fills;
	uint8_t filling;
	/* Only the first bytes of these pages can be read. */
	bool fills_badly;
	/* madvise() does not remove these pages. */
	bool is_sticky;
	/* Until then, pages that were read stay mapped, at least the first one. */
	bool freezes;
	/* It has the flag for shared mappings: the zeroes that these show stay, or
	 * reading a hole fills it. */
	bool has_shared, keeps_zeroes, fills_holes;
} kernel;

/* The mapping with the flag. */
static uint8_t *mapped;
static size_t mapped_size;
static int mapped_fd;
static bool mapped_shared;

static void put_page(uint8_t *page, size_t page_size) {
	uint8_t *data = __real_mmap(page, page_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_ptr_equal(data, page);
	memset(data, kernel.filling, page_size);
	if (kernel.fills_badly) {
		data[page_size - 1] = 1;
	}
}

static void freeze_page(uint8_t *page) {
	static uint8_t bytes[65536];
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	assert_true(page_size <= sizeof(bytes));
	memcpy(bytes, page, page_size);
	put_page(page, page_size);
	memcpy(page, bytes, page_size);
}

static void *map_shared(size_t size, int protection, int flags, int fd) {
	if (!kernel.has_shared) {
		errno = EOPNOTSUPP;
		return MAP_FAILED;
	}
	assert_int_equal(flags, MAP_SHARED_VALIDATE | SP_MAP_ZEROHOLES);
	assert_int_equal(protection, PROT_READ);
	mapped = __real_mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(mapped != MAP_FAILED);
	mapped_size = size;
	mapped_fd = fd;
	mapped_shared = true;
	return mapped;
}

/* Keeps the zeroes while the file has no page there. */
static void update_shared(size_t offset, size_t page_size) {
	if (!kernel.keeps_zeroes) {
		void *data = __real_mmap(mapped, mapped_size, PROT_READ,
			MAP_SHARED | MAP_FIXED, mapped_fd, 0);
		assert_ptr_equal(data, mapped);
	}
	bool past = (off_t)offset >= lseek(mapped_fd, 0, SEEK_END);
	if ((past || !kernel.fills_holes) && lseek(mapped_fd, (off_t)offset,
			SEEK_DATA) != (off_t)offset) {
		put_page(mapped + offset, page_size);
	}
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd,
		off_t offset) {
	if (kernel.is_another && (flags & SP_MAP_ZEROHOLES)) {
		return map_shared(size, protection, flags, fd);
	}
	if (!kernel.is_another || !(flags & FLAG)) {
		return __real_mmap(address, size, protection, flags, fd,
			offset);
	}
	if (kernel.refuses) {
		errno = EOPNOTSUPP;
		return MAP_FAILED;
	}
	assert_int_equal(flags, MAP_PRIVATE | FLAG);
	assert_int_equal(protection, PROT_READ);
	off_t end = lseek(fd, 0, SEEK_END);
	if (kernel.lengthens) {
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
	}
	uint8_t *data = kernel.is_anonymous || kernel.is_snapshot ?
		__real_mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) :
		__real_mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(data != MAP_FAILED);
	if (kernel.is_snapshot) {
		assert_int_equal(pread(fd, data, size, 0), end);
	}
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	for (size_t i = (size_t)end; kernel.fills_early && i < size;
			i += page_size) {
		put_page(data + i, page_size);
	}
	mapped = data;
	mapped_size = size;
	mapped_fd = fd;
	mapped_shared = false;
	return data;
}

ssize_t __wrap_process_vm_readv(pid_t pid, const struct iovec *local,
		unsigned long local_len, const struct iovec *remote,
		unsigned long remote_len, unsigned long flags) {
	if (kernel.is_another && kernel.blocks) {
		errno = EPERM;
		return -1;
	}
	uint8_t *at = remote->iov_base;
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	size_t offset = (size_t)(at - mapped) & ~(page_size - 1);
	if (kernel.is_another && mapped_shared && at >= mapped &&
			at < mapped + mapped_size) {
		update_shared(offset, page_size);
	}
	ssize_t n = __real_process_vm_readv(pid, local, local_len, remote,
		remote_len, flags);
	if (n >= 0 && kernel.is_another && kernel.freezes && at == mapped) {
		freeze_page(mapped);
	}
	if (n >= 0 || errno != EFAULT || !kernel.is_another || at < mapped ||
			at >= mapped + mapped_size) {
		return n;
	}
	if (kernel.lengthens_late) {
		assert_int_equal(ftruncate(mapped_fd,
			(off_t)(offset + page_size)), 0);
	} else if (kernel.fills) {
		put_page(mapped + offset, page_size);
	}
	return __real_process_vm_readv(pid, local, local_len, remote,
		remote_len, flags);
}

int __wrap_madvise(void *address, size_t size, int advice) {
	if (!kernel.is_another || address != mapped) {
		return __real_madvise(address, size, advice);
	}
	assert_int_equal(advice, MADV_DONTNEED);
	if (!kernel.is_sticky) {
		void *data = __real_mmap(address, size, PROT_READ,
			MAP_PRIVATE | MAP_FIXED, mapped_fd, 0);
		assert_ptr_equal(data, address);
	}
	return 0;
}

static void expect_mode(struct kernel another,
		const struct sp_mapping_mode *expected) {
	kernel = another;
	kernel.is_another = true;
	size_t fds = count_fds();
	size_t mappings = traces_count_mappings();
	const struct sp_mapping_mode *mode = sp_nofault_probe();
	kernel = (struct kernel){ 0 };
	mapped = NULL;
	assert_ptr_equal(mode, expected);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(traces_count_mappings(), mappings);
}

/* The answer for private mappings. */
static void expect_answer(struct kernel another, bool expected) {
	expect_mode(another, expected ? &sp_nofault_mode : NULL);
}

static void nofault_is_found_where_it_is(void **state) {
	expect_answer((struct kernel){ .fills = true }, true);
}

static void flag_that_is_ignored_is_not_taken_for_it(void **state) {
	expect_answer((struct kernel){ 0 }, false);
}

static void flag_that_is_refused_is_not_taken_for_it(void **state) {
	expect_answer((struct kernel){ .refuses = true }, false);
}

static void flag_that_cannot_be_tried_is_not_taken_for_it(void **state) {
	expect_answer((struct kernel){ .fills = true, .blocks = true }, false);
}

static void memory_of_its_own_is_not_taken_for_it(void **state) {
	expect_answer((struct kernel){ .is_anonymous = true }, false);
}

static void picture_of_the_file_is_not_taken_for_it(void **state) {
	expect_answer((struct kernel){ .is_snapshot = true }, false);
}

static void picture_of_what_was_seen_is_not_taken_for_it(void **state) {
	expect_answer((struct kernel){ .fills = true, .freezes = true }, false);
}

static void file_that_is_made_longer_is_not_taken_for_it(void **state) {
	expect_answer((struct kernel){ .lengthens = true }, false);
	expect_answer((struct kernel){ .lengthens = true, .fills = true },
		false);
	expect_answer((struct kernel){ .lengthens_late = true }, false);
}

static void zeroes_that_are_there_from_the_start_are_not_enough(void **state) {
	expect_answer((struct kernel){ .fills_early = true }, false);
}

static void other_bytes_than_zeroes_are_not_enough(void **state) {
	expect_answer((struct kernel){ .fills = true, .filling = 0xff },
		false);
	expect_answer((struct kernel){ .fills = true, .fills_badly = true },
		false);
}

static void zeroes_that_never_go_away_are_not_enough(void **state) {
	expect_answer((struct kernel){ .fills = true, .is_sticky = true },
		false);
}

/* Shared mappings */

static void shared_nofault_is_found_where_it_is(void **state) {
	expect_mode((struct kernel){ .has_shared = true },
		&sp_nofault_shared_mode);
}

static void shared_nofault_is_better_than_private(void **state) {
	expect_mode((struct kernel){ .has_shared = true, .fills = true },
		&sp_nofault_shared_mode);
}

static void shared_zeroes_that_hide_the_file_are_not_enough(void **state) {
	expect_mode((struct kernel){
		.has_shared = true,
		.keeps_zeroes = true,
	}, NULL);
	/* It may have the flag for private ones. */
	expect_mode((struct kernel){
		.has_shared = true,
		.keeps_zeroes = true,
		.fills = true,
	}, &sp_nofault_mode);
}

static void shared_zeroes_that_fill_holes_are_not_enough(void **state) {
	expect_mode((struct kernel){
		.has_shared = true,
		.fills_holes = true,
	}, NULL);
}

static void other_shared_bytes_than_zeroes_are_not_enough(void **state) {
	expect_mode((struct kernel){
		.has_shared = true,
		.filling = 0xff,
	}, NULL);
}

static volatile sig_atomic_t signals;

static void count_signal(int number) {
	signals++;
}

/* A compositor may handle any signal itself, and may wait for any child. */
static void probe_raises_no_signal_and_has_no_child(void **state) {
	static const int numbers[] = { SIGBUS, SIGSEGV, SIGCHLD };
	struct sigaction old[3], action = { .sa_handler = count_signal };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(sigaction(numbers[i], &action, &old[i]), 0);
	}
	signals = 0;
	sp_nofault_probe();
	for (size_t i = 0; i < 3; i++) {
		struct sigaction seen;
		assert_int_equal(sigaction(numbers[i], &old[i], &seen), 0);
		assert_ptr_equal(seen.sa_handler, count_signal);
	}
	assert_int_equal(signals, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nofault_is_found_where_it_is),
		cmocka_unit_test(flag_that_is_ignored_is_not_taken_for_it),
		cmocka_unit_test(flag_that_is_refused_is_not_taken_for_it),
		cmocka_unit_test(
			flag_that_cannot_be_tried_is_not_taken_for_it),
		cmocka_unit_test(memory_of_its_own_is_not_taken_for_it),
		cmocka_unit_test(picture_of_the_file_is_not_taken_for_it),
		cmocka_unit_test(picture_of_what_was_seen_is_not_taken_for_it),
		cmocka_unit_test(file_that_is_made_longer_is_not_taken_for_it),
		cmocka_unit_test(
			zeroes_that_are_there_from_the_start_are_not_enough),
		cmocka_unit_test(other_bytes_than_zeroes_are_not_enough),
		cmocka_unit_test(zeroes_that_never_go_away_are_not_enough),
		cmocka_unit_test(shared_nofault_is_found_where_it_is),
		cmocka_unit_test(shared_nofault_is_better_than_private),
		cmocka_unit_test(
			shared_zeroes_that_hide_the_file_are_not_enough),
		cmocka_unit_test(
			shared_zeroes_that_fill_holes_are_not_enough),
		cmocka_unit_test(
			other_shared_bytes_than_zeroes_are_not_enough),
		cmocka_unit_test(probe_raises_no_signal_and_has_no_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
