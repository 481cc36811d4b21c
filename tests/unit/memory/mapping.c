/* SPDX-License-Identifier: MIT */
/*
 * Mappings of files: their size and lifetime, that they do not change the file, and
 * errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "memfd.h"
#include "memory/mapping.h"
#include "memory/nofault.h"
#include "process.h"
#include "traces.h"

/* For a file that is expected to grow. */
#define ROOMY_SIZE ((size_t)1 << 31)

static void write_byte(int fd, size_t offset, uint8_t byte) {
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
}

static uint8_t read_byte(int fd, size_t offset) {
	uint8_t byte;
	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	return byte;
}

static void expect_file_size(int fd, size_t size) {
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, size);
}

static const struct sp_mapping_mode *const modes[] = {
	&sp_mapping_read, &sp_mapping_write, &sp_nofault_mode,
};

static struct sp_mapping *map(int fd, const struct sp_mapping_mode *mode, size_t size,
		bool roomy) {
	struct sp_mapping *mapping = sp_mapping_create(fd, mode, size,
		page_size(), roomy);
	if (mapping == NULL) {
		fail_msg("cannot map %zu bytes: %s", size, strerror(errno));
	}
	return mapping;
}

static void expect_not_mapped(int fd, const struct sp_mapping_mode *mode, int error) {
	errno = 0;
	struct sp_mapping *mapping = sp_mapping_create(fd, mode, page_size(),
		page_size(), false);
	int seen = errno;
	assert_null(mapping);
	assert_int_equal(seen, error);
}

/* Returns whether an address is mapped. */
static bool is_mapped(void *address) {
	unsigned char resident;
	return mincore(address, page_size(), &resident) == 0;
}

/* Size */

static void size_is_rounded_up_to_whole_pages(void **state) {
	int fd = create_memfd(10, 0);
	static const size_t sizes[] = { 1, 4095, 4096, 4097 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct sp_mapping *mapping = sp_mapping_create(fd,
			&sp_mapping_read, sizes[i], 4096, false);
		assert_non_null(mapping);
		assert_int_equal(mapping->size,
			sizes[i] > 4096 ? 2 * 4096 : 4096);
		sp_mapping_unref(mapping);
	}
	close(fd);
}

static void size_is_rounded_up_to_the_pages_of_the_file(void **state) {
	int fd = create_memfd(10, 0);
	struct sp_mapping *mapping = sp_mapping_create(fd, &sp_mapping_read, 10,
		1 << 21, false);
	assert_non_null(mapping);
	assert_int_equal(mapping->size, 1 << 21);
	sp_mapping_unref(mapping);
	close(fd);
}

static void mapping_has_the_bytes_of_the_file(void **state) {
	int fd = create_memfd(3 * page_size(), 0);
	write_byte(fd, 0, 7);
	write_byte(fd, 3 * page_size() - 1, 9);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct sp_mapping *mapping = map(fd, modes[i],
			3 * page_size(), false);
		assert_int_equal(mapping->data[0], 7);
		assert_int_equal(mapping->data[3 * page_size() - 1], 9);
		sp_mapping_unref(mapping);
	}
	close(fd);
}

static void roomy_mapping_shows_a_file_that_grows(void **state) {
	if (sizeof(void *) < 8) {
		skip();
	}
	int fd = create_memfd(1, 0);
	struct sp_mapping *mapping = map(fd, &sp_mapping_read, 1, true);
	assert_int_equal(mapping->size, ROOMY_SIZE);
	assert_int_equal(ftruncate(fd, INT32_MAX), 0);
	write_byte(fd, INT32_MAX - 1, 5);
	assert_int_equal(mapping->data[INT32_MAX - 1], 5);
	sp_mapping_unref(mapping);
	close(fd);
}

static void mapping_without_room_is_as_large_as_asked_for(void **state) {
	int fd = create_memfd(1, 0);
	struct sp_mapping *mapping = map(fd, &sp_mapping_read, 1, false);
	assert_int_equal(mapping->size, page_size());
	sp_mapping_unref(mapping);
	close(fd);
}

static void largest_pool_can_be_mapped(void **state) {
	if (sizeof(void *) < 8) {
		skip();
	}
	int fd = create_memfd(1, 0);
	for (int roomy = 0; roomy < 2; roomy++) {
		struct sp_mapping *mapping = map(fd, &sp_mapping_write,
			INT32_MAX, roomy != 0);
		assert_int_equal(mapping->size, ROOMY_SIZE);
		sp_mapping_unref(mapping);
	}
	expect_file_size(fd, 1);
	close(fd);
}

static void mapping_never_makes_the_file_longer(void **state) {
	int fd = create_memfd(10, 0);
	for (int mode = 0; mode < 3; mode++) {
		for (int roomy = 0; roomy < 2; roomy++) {
			sp_mapping_unref(map(fd, modes[mode],
				100 * page_size(), roomy != 0));
			expect_file_size(fd, 10);
		}
	}
	close(fd);
}

/* On hugetlbfs, mmap() itself can make a file longer. */
static void mapping_never_makes_a_file_of_huge_pages_longer(void **state) {
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC | MFD_HUGETLB);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0) {
		skip();
	}
	/* If the system has no huge pages, the mapping may fail. */
	sp_mapping_unref(sp_mapping_create(fd, &sp_mapping_write, 1,
		(size_t)st.st_blksize, false));
	expect_file_size(fd, 0);
	close(fd);
}

/* Reading and writing */

static void written_bytes_reach_the_file(void **state) {
	int fd = create_memfd(100, 0);
	struct sp_mapping *mapping = map(fd, &sp_mapping_write, 100, false);
	mapping->data[99] = 3;
	assert_int_equal(read_byte(fd, 99), 3);
	sp_mapping_unref(mapping);
	close(fd);
}

static void later_writes_of_the_client_are_seen(void **state) {
	int fd = create_memfd(100, 0);
	struct sp_mapping *mapping = map(fd, &sp_mapping_read, 100, false);
	assert_int_equal(mapping->data[99], 0);
	write_byte(fd, 99, 3);
	assert_int_equal(mapping->data[99], 3);
	sp_mapping_unref(mapping);
	close(fd);
}

/* The kernel returns an error where a store would fault. */
static void mappings_for_reading_cannot_be_written(void **state) {
	static const struct sp_mapping_mode *const reading[] = {
		&sp_mapping_read, &sp_nofault_mode,
	};
	int fd = create_memfd(100, 0);
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	assert_true(zero >= 0);
	for (size_t i = 0; i < sizeof(reading) / sizeof(reading[0]); i++) {
		struct sp_mapping *mapping = map(fd, reading[i], 100, false);
		errno = 0;
		ssize_t n = read(zero, mapping->data, 1);
		assert_int_equal(errno, EFAULT);
		assert_int_equal(n, -1);
		sp_mapping_unref(mapping);
	}
	close(zero);
	close(fd);
}

static void read_only_fd_is_mapped_for_reading_only(void **state) {
	int fd = create_memfd(100, 0);
	write_byte(fd, 0, 7);
	int read_only = reopen(fd, O_RDONLY);
	struct sp_mapping *mapping = map(read_only, &sp_mapping_read, 100,
		false);
	assert_int_equal(mapping->data[0], 7);
	sp_mapping_unref(mapping);
	expect_not_mapped(read_only, &sp_mapping_write, EACCES);
	close(read_only);
	close(fd);
}

/* Before Linux 6.7, shared mappings of such a file were refused. */
static void file_sealed_against_writing_can_be_read(void **state) {
	int fd = create_memfd(100, 0);
	write_byte(fd, 0, 7);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	struct sp_mapping *mapping = map(fd, &sp_mapping_read, 100, false);
	assert_int_equal(mapping->data[0], 7);
	sp_mapping_unref(mapping);
	close(fd);
}

static void file_sealed_against_writing_cannot_be_written(void **state) {
	static const int seals[] = { F_SEAL_WRITE, F_SEAL_FUTURE_WRITE };
	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		int fd = create_memfd(100, 0);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
		errno = 0;
		struct sp_mapping *mapping = sp_mapping_create(fd,
			&sp_mapping_write, 100, page_size(), false);
		if (mapping != NULL || (errno != EACCES && errno != EPERM)) {
			fail_msg("seal 0x%x: mapping %p, error %d", seals[i],
				(void *)mapping, errno);
		}
		close(fd);
	}
}

static void what_is_not_a_file_is_not_mapped(void **state) {
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	expect_not_mapped(fds[0], &sp_mapping_read, ENODEV);
	close(fds[0]);
	close(fds[1]);
	expect_not_mapped(-1, &sp_mapping_read, EBADF);
	expect_not_mapped(-1, &sp_mapping_write, EBADF);
	expect_not_mapped(-1, &sp_nofault_mode, EBADF);
}

static void write_only_fd_is_not_mapped(void **state) {
	int fd = create_memfd(100, 0);
	int write_only = reopen(fd, O_WRONLY);
	expect_not_mapped(write_only, &sp_mapping_read, EACCES);
	expect_not_mapped(write_only, &sp_mapping_write, EACCES);
	close(write_only);
	close(fd);
}

/* Addresses */

static const char *map_with_few_addresses(void) {
	int fd = create_memfd(100, 0);
	child_limit_addresses(ROOMY_SIZE / 2);
	struct sp_mapping *mapping = sp_mapping_create(fd, &sp_mapping_write,
		100, page_size(), true);
	if (mapping == NULL) {
		close(fd);
		return child_wrong("not mapped: %s", strerror(errno));
	}
	size_t size = mapping->size;
	mapping->data[99] = 1;
	sp_mapping_unref(mapping);
	close(fd);
	return size == page_size() ? NULL :
		child_wrong("%zu bytes were mapped", size);
}

static void where_addresses_are_few_there_is_less_room(void **state) {
	child_run(map_with_few_addresses);
}

static const char *map_without_addresses(void) {
	size_t fds = count_fds();
	int fd = create_memfd(100, 0);
	size_t mappings = traces_count_mappings();
	child_limit_addresses(16 << 20);
	for (int mode = 0; mode < 3; mode++) {
		errno = 0;
		struct sp_mapping *mapping = sp_mapping_create(fd,
			modes[mode], 256 << 20, page_size(),
			true);
		if (mapping != NULL || errno != ENOMEM) {
			return child_wrong("mode %d: mapping %p, error %d",
				mode, (void *)mapping, errno);
		}
	}
	close(fd);
	if (count_fds() != fds ||
			traces_count_mappings() != mappings) {
		return "something was left behind";
	}
	return NULL;
}

static void where_there_are_no_addresses_nothing_is_mapped(void **state) {
	child_run(map_without_addresses);
}

/* Lifetime */

static void mapping_lives_as_long_as_its_last_user(void **state) {
	int fd = create_memfd(page_size(), 0);
	write_byte(fd, 0, 7);
	struct sp_mapping *mapping = map(fd, &sp_mapping_read, page_size(),
		false);
	close(fd);
	assert_ptr_equal(sp_mapping_ref(mapping), mapping);
	uint8_t *data = mapping->data;
	sp_mapping_unref(mapping);
	assert_int_equal(is_mapped(data), true);
	assert_int_equal(data[0], 7);
	sp_mapping_unref(mapping);
	assert_int_equal(is_mapped(data), false);
}

static void all_of_a_roomy_mapping_goes(void **state) {
	int fd = create_memfd(1, 0);
	struct sp_mapping *mapping = map(fd, &sp_mapping_read, 1, true);
	uint8_t *last = mapping->data + mapping->size - page_size();
	sp_mapping_unref(mapping);
	assert_int_equal(is_mapped(last), false);
	close(fd);
}

static void no_mapping_needs_no_care(void **state) {
	sp_mapping_unref(NULL);
}

static void *use_often(void *data) {
	struct sp_mapping *mapping = data;
	uintptr_t sum = 0;
	for (int i = 0; i < 20000; i++) {
		struct sp_mapping *mine = sp_mapping_ref(mapping);
		sum += mine->data[0];
		sp_mapping_unref(mine);
	}
	sp_mapping_unref(mapping);
	return (void *)sum;
}

static void threads_can_share_a_mapping(void **state) {
	int fd = create_memfd(page_size(), 0);
	write_byte(fd, 0, 1);
	struct sp_mapping *mapping = map(fd, &sp_mapping_read, page_size(),
		false);
	uint8_t *data = mapping->data;
	pthread_t threads[4];
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, use_often,
			sp_mapping_ref(mapping)), 0);
	}
	assert_int_equal(mapping->refs >= 1, true);
	sp_mapping_unref(mapping);
	for (int i = 0; i < 4; i++) {
		void *sum;
		pthread_join(threads[i], &sum);
		assert_int_equal((uintptr_t)sum, 20000);
	}
	assert_int_equal(is_mapped(data), false);
	close(fd);
}

/* Renewal */

/* Replaces the first page by one with another byte, as MAP_NOFAULT replaces missing pages
 * by zeroes. */
static void hide_first_byte(struct sp_mapping *mapping, uint8_t byte) {
	assert_int_equal(mprotect(mapping->data, page_size(),
		PROT_READ | PROT_WRITE), 0);
	mapping->data[0] = byte;
	assert_int_equal(mprotect(mapping->data, page_size(), PROT_READ), 0);
}

static void outdated_mapping_shows_the_file_once_renewed(void **state) {
	int fd = create_memfd(page_size(), 0);
	write_byte(fd, 0, 1);
	/* It may be longer than the file. */
	struct sp_mapping *mapping = map(fd, &sp_nofault_mode,
		10 * page_size(), false);
	uint8_t *data = mapping->data;
	hide_first_byte(mapping, 2);
	mapping->outdated = true;
	sp_nofault_renew(mapping);
	assert_ptr_equal(mapping->data, data);
	assert_int_equal(mapping->size, 10 * page_size());
	assert_int_equal(data[0], 1);
	assert_int_equal(mapping->outdated, false);
	sp_mapping_unref(mapping);
	close(fd);
}

static void mapping_that_is_not_outdated_is_left_alone(void **state) {
	int fd = create_memfd(page_size(), 0);
	write_byte(fd, 0, 1);
	struct sp_mapping *mapping = map(fd, &sp_nofault_mode, page_size(),
		false);
	assert_int_equal(mapping->outdated, false);
	hide_first_byte(mapping, 2);
	sp_nofault_renew(mapping);
	assert_int_equal(mapping->data[0], 2);
	sp_mapping_unref(mapping);
	close(fd);
}

/* MAP_NOFAULT */

static void answer_on_nofault_is_always_the_same(void **state) {
	const struct sp_mapping_mode *mode = sp_nofault_probe();
	for (int i = 0; i < 100; i++) {
		assert_ptr_equal(sp_nofault_probe(), mode);
	}
	print_message("MAP_NOFAULT: %s\n", mode == NULL ? "no" :
		mode->coherent ? "shared" : "private");
}

static const char *probe_without_fds(void) {
	child_set_limit(RLIMIT_NOFILE, 0);
	return sp_nofault_probe() ? "present, without a try" : NULL;
}

static const char *probe_without_file_sizes(void) {
	child_set_limit(RLIMIT_FSIZE, 0);
	return sp_nofault_probe() ? "present, without a try" : NULL;
}

static void nofault_that_cannot_be_tried_is_not_there(void **state) {
	child_run(probe_without_fds);
	child_run(probe_without_file_sizes);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(size_is_rounded_up_to_whole_pages),
		TEST(size_is_rounded_up_to_the_pages_of_the_file),
		TEST(mapping_has_the_bytes_of_the_file),
		TEST(roomy_mapping_shows_a_file_that_grows),
		TEST(mapping_without_room_is_as_large_as_asked_for),
		TEST(largest_pool_can_be_mapped),
		TEST(mapping_never_makes_the_file_longer),
		TEST(mapping_never_makes_a_file_of_huge_pages_longer),

		TEST(written_bytes_reach_the_file),
		TEST(later_writes_of_the_client_are_seen),
		TEST(mappings_for_reading_cannot_be_written),
		TEST(read_only_fd_is_mapped_for_reading_only),
		TEST(file_sealed_against_writing_can_be_read),
		TEST(file_sealed_against_writing_cannot_be_written),
		TEST(what_is_not_a_file_is_not_mapped),
		TEST(write_only_fd_is_not_mapped),

		TEST(where_addresses_are_few_there_is_less_room),
		TEST(where_there_are_no_addresses_nothing_is_mapped),

		TEST(mapping_lives_as_long_as_its_last_user),
		TEST(all_of_a_roomy_mapping_goes),
		TEST(no_mapping_needs_no_care),
		TEST(threads_can_share_a_mapping),

		TEST(outdated_mapping_shows_the_file_once_renewed),
		TEST(mapping_that_is_not_outdated_is_left_alone),

		TEST(answer_on_nofault_is_always_the_same),
		TEST(nofault_that_cannot_be_tried_is_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
