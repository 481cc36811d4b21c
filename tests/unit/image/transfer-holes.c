/* SPDX-License-Identifier: MIT */
/* Holes of large files. The files are 8 MiB large, with data in the fourth MiB. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "between.h"
#include "bytes.h"

#define LARGE ((size_t)8 << 20)
#define DATA ((size_t)3 << 20)
#define DATA_SIZE ((size_t)1 << 20)

struct sparse {
	int fd;
	struct sp_chunks written;
	struct sp_transfer_target target;
};

static void sparse_create(struct sparse *sparse) {
	*sparse = (struct sparse){
		.fd = memfd_create("sealpool-test", MFD_CLOEXEC),
		.target.written = &sparse->written,
	};
	assert_true(sparse->fd >= 0);
	assert_int_equal(ftruncate(sparse->fd, LARGE), 0);
	uint8_t *bytes = malloc(DATA_SIZE);
	assert_non_null(bytes);
	for (size_t i = 0; i < DATA_SIZE; i++) {
		bytes[i] = pattern(DATA + i);
	}
	assert_int_equal(pwrite(sparse->fd, bytes, DATA_SIZE, DATA), DATA_SIZE);
	free(bytes);
	sparse->target.data = mmap(NULL, LARGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(sparse->target.data != MAP_FAILED);
	/* A huge page would take more memory than what was written. */
	madvise(sparse->target.data, LARGE, MADV_NOHUGEPAGE);
}

static void sparse_destroy(struct sparse *sparse) {
	munmap(sparse->target.data, LARGE);
	close(sparse->fd);
}

static struct sp_transferred sparse_copy(struct sparse *sparse, int32_t width,
		int32_t stride) {
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, width,
		(int32_t)LARGE / stride, stride);
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 0, 0, (unsigned)width,
		(unsigned)layout.height);
	struct sp_transferred copied = sp_transfer_in(from_file(sparse->fd), &layout,
		&region, &sparse->target);
	pixman_region32_fini(&region);
	return copied;
}

/* Returns the memory of the target, in bytes. */
static uint64_t get_touched(const struct sparse *sparse) {
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned char resident[LARGE / 4096];
	assert_int_equal(mincore(sparse->target.data, LARGE, resident), 0);
	uint64_t touched = 0;
	for (size_t i = 0; i < LARGE / page_size; i++) {
		touched += (resident[i] & 1) * page_size;
	}
	return touched;
}

/* Rows without gaps, rows with small gaps, and long rows. */
static const struct {
	int32_t width, stride;
} shapes[] = { { 1024, 4096 }, { 1000, 4096 }, { 8000, 32768 } };

static bool is_pixel(size_t shape, size_t at) {
	return at % (size_t)shapes[shape].stride <
		(size_t)shapes[shape].width * 4;
}

static bool is_data(size_t at) {
	return at >= DATA && at < DATA + DATA_SIZE;
}

static uint64_t count_pixel_bytes(size_t shape) {
	return (uint64_t)shapes[shape].width * 4 *
		(LARGE / (uint64_t)shapes[shape].stride);
}

static void expect_byte(const struct sparse *sparse, size_t at,
		int expected) {
	if (sparse->target.data[at] != expected) {
		fail_msg("byte %zu is 0x%02x, not 0x%02x", at,
			sparse->target.data[at], (unsigned)expected);
	}
}

static void holes_of_a_large_file_are_not_copied(void **state) {
	for (size_t i = 0; i < 3; i++) {
		struct sparse sparse;
		sparse_create(&sparse);
		lseek(sparse.fd, 77, SEEK_SET);
		uint64_t pixels = count_pixel_bytes(i);
		struct sp_transferred copied = sparse_copy(&sparse, shapes[i].width,
			shapes[i].stride);
		expect_between(copied.bytes, pixels / 8, pixels / 8 +
			2 * 256 * 1024);
		assert_int_equal(copied.missing, 0);
		assert_int_equal(lseek(sparse.fd, 0, SEEK_CUR), 77);
		expect_between(get_touched(&sparse), DATA_SIZE / 2,
			DATA_SIZE + 4 * 256 * 1024);
		for (size_t j = 0; j < LARGE; j++) {
			bool row = is_pixel(i, j);
			bool data = is_data(j);
			expect_byte(&sparse, j, row && data ? pattern(j) : 0);
		}
		sparse_destroy(&sparse);
	}
}

/* A few pages have data, and the target has not been written. */
static void holes_between_pages_take_no_memory(void **state) {
	enum { STEP = 64 * 1024 };
	for (size_t i = 0; i < 3; i++) {
		struct sparse sparse;
		sparse_create(&sparse);
		for (size_t at = 0; at < LARGE; at += STEP) {
			if (at < DATA || at >= DATA + DATA_SIZE) {
				assert_int_equal(pwrite(sparse.fd, "+", 1,
					(off_t)at), 1);
			}
		}
		sparse_copy(&sparse, shapes[i].width, shapes[i].stride);
		expect_between(get_touched(&sparse), DATA_SIZE / 2,
			LARGE / 2 + DATA_SIZE);
		for (size_t j = 0; j < LARGE; j++) {
			bool row = is_pixel(i, j);
			bool data = is_data(j);
			uint8_t byte = data ? pattern(j) :
				j % STEP == 0 ? '+' : 0;
			expect_byte(&sparse, j, row ? byte : 0);
		}
		sparse_destroy(&sparse);
	}
}

/* Before Linux 6.5, there is no cachestat(). */
static bool forbid_cachestat(void) {
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 451, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* The last test, since the filter stays. */
static void holes_are_found_without_cachestat(void **state) {
	if (!forbid_cachestat()) {
		skip();
	}
	holes_of_a_large_file_are_not_copied(state);
}

/* The client has punched the holes after the first copy. */
static void holes_over_what_was_copied_before_read_as_zero(void **state) {
	for (size_t i = 0; i < 3; i++) {
		struct sparse sparse;
		sparse_create(&sparse);
		memset(sparse.target.data, UNTOUCHED, LARGE);
		sp_chunks_set_all(&sparse.written);
		sparse_copy(&sparse, shapes[i].width, shapes[i].stride);
		for (size_t j = 0; j < LARGE; j++) {
			bool row = is_pixel(i, j);
			bool data = is_data(j);
			expect_byte(&sparse, j, !row ? UNTOUCHED : data ? pattern(j) : 0);
		}
		sparse_destroy(&sparse);
	}
}

static void large_file_that_ends_early_lacks_the_rest(void **state) {
	for (size_t i = 0; i < 3; i++) {
		struct sparse sparse;
		sparse_create(&sparse);
		assert_int_equal(ftruncate(sparse.fd, DATA), 0);
		uint64_t pixels = count_pixel_bytes(i);
		struct sp_transferred copied = sparse_copy(&sparse, shapes[i].width,
			shapes[i].stride);
		assert_int_equal(copied.missing, pixels / 8 * 5);
		assert_int_equal(copied.error, 0);
		assert_int_equal(get_touched(&sparse), 0);
		sparse_destroy(&sparse);
	}
}

/* Fills the whole file. */
static void sparse_fill(struct sparse *sparse) {
	close(sparse->fd);
	sparse->fd = create_pattern_file(LARGE);
}

static void expect_pattern(const struct sparse *sparse, size_t shape) {
	for (size_t i = 0; i < LARGE; i++) {
		bool row = is_pixel(shape, i);
		expect_byte(sparse, i, row ? pattern(i) : 0);
	}
}

static void first_copy_of_a_large_buffer_is_exact(void **state) {
	for (size_t i = 0; i < 3; i++) {
		struct sparse sparse;
		sparse_create(&sparse);
		sparse_fill(&sparse);
		struct sp_transferred copied = sparse_copy(&sparse, shapes[i].width,
			shapes[i].stride);
		expect_copied(copied, count_pixel_bytes(i), 0);
		expect_pattern(&sparse, i);
		sparse_destroy(&sparse);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(holes_of_a_large_file_are_not_copied),
		TEST(holes_between_pages_take_no_memory),
		TEST(holes_over_what_was_copied_before_read_as_zero),
		TEST(large_file_that_ends_early_lacks_the_rest),
		TEST(first_copy_of_a_large_buffer_is_exact),
		TEST(holes_are_found_without_cachestat),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
