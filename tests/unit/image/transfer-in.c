/* SPDX-License-Identifier: MIT */
/* Copies from a client's file: which rectangles are copied, and what happens at the end
 * of the file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "between.h"
#include "bytes.h"
#include "memory/file.h"

/* The file and the target of most tests. */
static struct {
	int fd;
	uint8_t *to;
} the;

/* Creates the file with this size. */
static void begin(off_t size) {
	the.fd = create_pattern_file(size);
	the.to = create_bytes(SIZE);
}

static int setup(void **state) {
	the.fd = -1;
	return traces_setup(state);
}

static int teardown(void **state) {
	if (the.fd >= 0) {
		close(the.fd);
		free(the.to);
	}
	return traces_teardown(state);
}

static void whole_buffer_is_copied_and_nothing_around_it(void **state) {
	begin(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 101, 50, 20,
		200);
	expect_copied(copy_all_in(the.fd, &layout, the.to), 50 * 20 * 4, 0);
	expect_parts(the.to, SIZE, { 101, 101 + 50 * 20 * 4, FROM_FILE });
}

static void rectangle_is_copied_and_nothing_around_it(void **state) {
	begin(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 8, 1000, 10,
		STRIDE);
	pixman_box32_t box = { 20, 3, 31, 6 };
	expect_copied(copy_in(the.fd, &layout, box, the.to), 11 * 3 * 4, 0);
	uint64_t start = 8 + 3 * STRIDE + 20 * 4;
	expect_parts(the.to, SIZE,
		{ start, start + 44, FROM_FILE },
		{ start + STRIDE, start + STRIDE + 44, FROM_FILE },
		{ start + 2 * STRIDE, start + 2 * STRIDE + 44, FROM_FILE });
}

static void all_rectangles_of_a_region_are_copied(void **state) {
	begin(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000, 10,
		STRIDE);
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 1, 1, 2, 1);
	/* In the same row, far to the right. */
	pixman_region32_union_rect(&region, &region, 900, 1, 1, 1);
	pixman_region32_union_rect(&region, &region, 999, 9, 1, 1);
	expect_copied(copy_region_in(from_file(the.fd), &layout, &region,
		the.to), 16, 0);
	pixman_region32_fini(&region);
	expect_parts(the.to, SIZE,
		{ STRIDE + 4, STRIDE + 12, FROM_FILE },
		{ STRIDE + 3600, STRIDE + 3604, FROM_FILE },
		{ 9 * STRIDE + 3996, 9 * STRIDE + 4000, FROM_FILE });
}

/* The bytes between the rectangles belong to the buffer, so they may be copied too. */
static void rectangles_side_by_side_are_copied(void **state) {
	begin(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000, 10,
		STRIDE);
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 10, 1, 2, 2);
	pixman_region32_union_rect(&region, &region, 15, 1, 2, 2);
	pixman_region32_union_rect(&region, &region, 20, 1, 2, 2);
	/* In a lower row, which must not be merged with the row above. */
	pixman_region32_union_rect(&region, &region, 25, 5, 2, 1);
	struct sp_transferred copied = copy_region_in(from_file(the.fd),
		&layout, &region, the.to);
	pixman_region32_fini(&region);
	assert_int_equal(copied.missing, 0);
	expect_between(copied.bytes, 4 * (3 * 4 + 2), 4 * (2 * 12 + 2));
	for (uint64_t row = 1; row <= 2; row++) {
		for (uint64_t i = 48; i < 80; i++) {
			uint64_t at = row * STRIDE + i;
			if (the.to[at] == UNTOUCHED) {
				the.to[at] = pattern(at);
			}
		}
	}
	expect_parts(the.to, SIZE,
		{ STRIDE + 40, STRIDE + 88, FROM_FILE },
		{ 2 * STRIDE + 40, 2 * STRIDE + 88, FROM_FILE },
		{ 5 * STRIDE + 100, 5 * STRIDE + 108, FROM_FILE });
}

static void empty_region_copies_nothing(void **state) {
	begin(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000, 10,
		STRIDE);
	pixman_region32_t region;
	pixman_region32_init(&region);
	expect_copied(copy_region_in(from_file(the.fd), &layout, &region,
		the.to), 0, 0);
	pixman_region32_fini(&region);
	expect_bytes(the.to, SIZE, NULL, 0);
}

/* The padding may belong to another buffer, which is in use. */
static void expect_rows_without_padding(int32_t width, int32_t height,
		int32_t stride, uint64_t file_size) {
	int fd = create_pattern_file((off_t)file_size);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_R8, 16, width, height,
		stride);
	struct sp_transferred copied = copy_all_in(fd, &layout, to);
	uint64_t bytes = 0;
	for (uint64_t i = 0; i < SIZE; i++) {
		bool pixel = i >= 16 && (i - 16) % (uint64_t)stride <
				(uint64_t)width &&
			(i - 16) / (uint64_t)stride < (uint64_t)height;
		uint8_t expected = !pixel ? UNTOUCHED :
			i < file_size ? pattern(i) : 0;
		bytes += pixel && i < file_size;
		if (to[i] != expected) {
			fail_msg("at a stride of %d: byte %llu is 0x%02x, not "
				"0x%02x", stride, (unsigned long long)i, to[i],
				expected);
		}
	}
	expect_copied(copied, bytes,
		(uint64_t)width * (uint64_t)height - bytes);
	free(to);
	close(fd);
}

static void padding_is_not_copied(void **state) {
	expect_rows_without_padding(100, 10, 100, SIZE);
	expect_rows_without_padding(100, 10, 101, SIZE);
	expect_rows_without_padding(100, 10, 116, SIZE);
	expect_rows_without_padding(100, 40, 1500, SIZE);
	expect_rows_without_padding(1000, 60, 1001, SIZE);
	expect_rows_without_padding(1, 500, 128, SIZE);
	expect_rows_without_padding(8000, 8, 8000 + 100, SIZE);
	expect_rows_without_padding(8000, 7, 8000 + 1000, SIZE);
	/* Rows longer than one call reads. */
	expect_rows_without_padding(33000, 3, 33000 + 50, SIZE);
	/* The rows of one call have exactly its maximum size. */
	expect_rows_without_padding(1024, 32, 1025, SIZE);
	expect_rows_without_padding(4000, 16, 4096 - 1, SIZE);
}

static void file_that_ends_between_rows_reads_as_zero_below(void **state) {
	/* The file ends at each byte around a row's end, in the first call and in a later
	 * one. */
	for (uint64_t row = 3; row < 60; row += 50) {
		for (uint64_t i = 0; i < 4; i++) {
			expect_rows_without_padding(1000, 60, 1003,
				16 + row * 1003 + 998 + i);
			expect_rows_without_padding(1000, 60, 1003,
				16 + row * 1003 + i);
		}
	}
	expect_rows_without_padding(1000, 60, 1003, 10);
	expect_rows_without_padding(1000, 60, 1003, 0);
}

static void rows_far_apart_are_copied_without_what_is_between(void **state) {
	begin(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_R8, 0, 100, 2,
		100 + 20000);
	expect_copied(copy_all_in(the.fd, &layout, the.to), 200, 0);
	expect_parts(the.to, SIZE, { 0, 100, FROM_FILE },
		{ 20100, 20200, FROM_FILE });
}

static void both_planes_of_nv12_are_copied(void **state) {
	begin(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_NV12, 33, 64, 7, 64);
	/* Seven rows of luma, and four rows of pairs of colour samples. */
	expect_copied(copy_all_in(the.fd, &layout, the.to), 64 * 11, 0);
	expect_parts(the.to, SIZE, { 33, 33 + 64 * 11, FROM_FILE });
}

static void rectangle_of_nv12_has_the_colours_of_its_edges(void **state) {
	begin(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_NV12, 0, 1000, 8,
		STRIDE);
	pixman_box32_t box = { 3, 3, 6, 4 };
	/* Pixels 3 to 5 of row 3, and pairs 1 to 2 of the second row of pairs. */
	expect_copied(copy_in(the.fd, &layout, box, the.to), 3 + 4, 0);
	expect_parts(the.to, SIZE,
		{ 3 * STRIDE + 3, 3 * STRIDE + 6, FROM_FILE },
		{ 9 * STRIDE + 2, 9 * STRIDE + 6, FROM_FILE });
}

static void three_planes_are_copied(void **state) {
	begin(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_YUV420, 5, 64, 6, 64);
	expect_copied(copy_all_in(the.fd, &layout, the.to), 64 * 9, 0);
	expect_parts(the.to, SIZE, { 5, 5 + 64 * 9, FROM_FILE });
}

static void file_that_ends_within_a_row_reads_as_zero_there(void **state) {
	begin(2 * STRIDE + 10);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 4,
		STRIDE);
	expect_copied(copy_all_in(the.fd, &layout, the.to), 400 + 400 + 10,
		390 + 400);
	expect_parts(the.to, SIZE,
		{ 0, 400, FROM_FILE },
		{ STRIDE, STRIDE + 400, FROM_FILE },
		{ 2 * STRIDE, 2 * STRIDE + 10, FROM_FILE },
		{ 2 * STRIDE + 10, 2 * STRIDE + 400, ZERO },
		{ 3 * STRIDE, 3 * STRIDE + 400, ZERO });
}

static void file_that_ends_within_joined_rows_reads_as_zero(void **state) {
	begin(1234);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 10,
		400);
	expect_copied(copy_all_in(the.fd, &layout, the.to), 1234, 4000 - 1234);
	expect_parts(the.to, SIZE, { 0, 1234, FROM_FILE }, { 1234, 4000, ZERO });
}

static void file_that_ends_within_the_rectangle_reads_as_zero(void **state) {
	begin(3 * STRIDE + 20 * 4 + 1);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000, 10,
		STRIDE);
	pixman_box32_t box = { 20, 3, 30, 5 };
	expect_copied(copy_in(the.fd, &layout, box, the.to), 1, 79);
	uint64_t start = 3 * STRIDE + 20 * 4;
	expect_parts(the.to, SIZE,
		{ start, start + 1, FROM_FILE },
		{ start + 1, start + 40, ZERO },
		{ start + STRIDE, start + STRIDE + 40, ZERO });
}

static void file_that_ends_behind_the_rectangle_lacks_nothing(void **state) {
	begin(3 * STRIDE + 30 * 4);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000, 10,
		STRIDE);
	pixman_box32_t box = { 20, 3, 30, 4 };
	expect_copied(copy_in(the.fd, &layout, box, the.to), 40, 0);
}

static void empty_file_reads_as_zero(void **state) {
	begin(0);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 4, 100, 10,
		400);
	expect_copied(copy_all_in(the.fd, &layout, the.to), 0, 4000);
	expect_parts(the.to, SIZE, { 4, 4004, ZERO });
}

static void second_plane_past_the_end_reads_as_zero(void **state) {
	begin(64 * 8);
	struct sp_layout layout = make_layout(DRM_FORMAT_NV12, 0, 64, 8, 64);
	expect_copied(copy_all_in(the.fd, &layout, the.to), 64 * 8, 64 * 4);
	expect_parts(the.to, SIZE, { 0, 64 * 8, FROM_FILE },
		{ 64 * 8, 64 * 12, ZERO });
}

static void file_that_cannot_be_read_reads_as_zero(void **state) {
	int fd = create_pattern_file(SIZE);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int write_only = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(write_only >= 0);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 10,
		400);
	expect_error(copy_all_in(write_only, &layout, to), 0, 4000, EBADF);
	expect_parts(to, SIZE, { 0, 4000, ZERO });
	free(to);
	close(write_only);
	close(fd);
}

static void holes_read_as_zero_and_stay_holes(void **state) {
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 10,
		400);
	expect_copied(copy_all_in(fd, &layout, to), 4000, 0);
	expect_parts(to, SIZE, { 0, 4000, ZERO });
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_blocks, 0);
	free(to);
	close(fd);
}

/* The client uses the offset as well. */
static void file_offset_stays_where_it_was(void **state) {
	int fd = create_pattern_file(SIZE);
	assert_int_equal(lseek(fd, 77, SEEK_SET), 77);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 10,
		400);
	copy_all_in(fd, &layout, to);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 77);
	free(to);
	close(fd);
}

static void last_rows_of_the_largest_pool_are_exact(void **state) {
	if (sizeof(void *) < 8) {
		skip();
	}
	size_t size = (size_t)2 << 30;
	int32_t offset = INT32_MAX - (1 << 30);
	struct sp_layout layout = make_layout(DRM_FORMAT_R8, offset, 100, 2,
		1 << 29);
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	uint64_t last = (uint64_t)offset + ((uint64_t)1 << 29);
	assert_int_equal(layout.end, INT32_MAX);
	uint8_t bytes[100];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = pattern(last + i);
	}
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), (off_t)last), 100);
	uint8_t *to = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(to != MAP_FAILED);
	/* The byte before is in a hole. */
	expect_copied(copy_all_in(fd, &layout, to), 100, 0);
	assert_memory_equal(to + last, bytes, sizeof(bytes));
	munmap(to, size + 4096);
	close(fd);
}

/* Copies that do not wait */

static struct sp_transferred copy_at_once(int fd, uint8_t *to) {
	struct sp_layout layout =
		make_layout(DRM_FORMAT_XRGB8888, 0, 64, 64, 256);
	const struct sp_transfer_source source = {
		.fd = fd, .counts_as_full = true, .at_once = true,
	};
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 0, 0, 64, 64);
	struct sp_transferred copied = copy_region_in(&source, &layout, &region, to);
	pixman_region32_fini(&region);
	return copied;
}

static void what_is_at_hand_is_copied_at_once(void **state) {
	enum { BYTES = 64 * 256 };
	/* Nearly all file systems on disks support RWF_NOWAIT. */
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	uint8_t *to = create_bytes(BYTES), bytes[BYTES];
	memset(bytes, 7, BYTES);
	if (fd < 0 || write(fd, bytes, BYTES) != BYTES ||
			sp_file_read_at_once(fd, to, 1, 0) < 0) {
		print_message("skipped: RWF_NOWAIT is not supported in /var/tmp\n");
		if (fd >= 0) {
			close(fd);
		}
		free(to);
		skip();
	}
	expect_copied(copy_at_once(fd, to), BYTES, 0);
	assert_memory_equal(to, bytes, BYTES);
	/* Missing bytes are left as they are; a reader thread finds out why they are
	 * missing. */
	assert_int_equal(ftruncate(fd, BYTES / 2), 0);
	memset(to, 9, BYTES);
	struct sp_transferred copied = copy_at_once(fd, to);
	assert_int_equal(copied.error, EAGAIN);
	assert_int_equal(copied.missing, BYTES / 2);
	assert_int_equal(to[BYTES - 1], 9);
	close(fd);
	free(to);
}

static void who_cannot_tell_is_not_asked(void **state) {
	enum { BYTES = 64 * 256 };
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	uint8_t *to = create_bytes(BYTES);
	struct sp_transferred copied = copy_at_once(fds[0], to);
	assert_int_not_equal(copied.error, 0);
	assert_int_equal(copied.bytes, 0);
	close(fds[0]);
	close(fds[1]);
	free(to);
}

#define TEST_IN(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_IN(whole_buffer_is_copied_and_nothing_around_it),
		TEST_IN(rectangle_is_copied_and_nothing_around_it),
		TEST_IN(all_rectangles_of_a_region_are_copied),
		TEST_IN(empty_region_copies_nothing),
		TEST_IN(rectangles_side_by_side_are_copied),
		TEST_IN(padding_is_not_copied),
		TEST_IN(file_that_ends_between_rows_reads_as_zero_below),
		TEST_IN(rows_far_apart_are_copied_without_what_is_between),
		TEST_IN(both_planes_of_nv12_are_copied),
		TEST_IN(rectangle_of_nv12_has_the_colours_of_its_edges),
		TEST_IN(three_planes_are_copied),
		TEST_IN(file_that_ends_within_a_row_reads_as_zero_there),
		TEST_IN(file_that_ends_within_joined_rows_reads_as_zero),
		TEST_IN(file_that_ends_within_the_rectangle_reads_as_zero),
		TEST_IN(file_that_ends_behind_the_rectangle_lacks_nothing),
		TEST_IN(empty_file_reads_as_zero),
		TEST_IN(second_plane_past_the_end_reads_as_zero),
		TEST_IN(file_that_cannot_be_read_reads_as_zero),
		TEST_IN(holes_read_as_zero_and_stay_holes),
		TEST_IN(file_offset_stays_where_it_was),
		TEST_IN(last_rows_of_the_largest_pool_are_exact),
		TEST_IN(what_is_at_hand_is_copied_at_once),
		TEST_IN(who_cannot_tell_is_not_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
