/* SPDX-License-Identifier: MIT */
/*
 * Bytes in and out of a client's file: that those asked for are exact, that all
 * others stay as they were, and what happens where the file ends.
 *
 * Both sides are compared byte by byte. Where a file has its own bytes, byte
 * number i is pattern(i), which is never UNTOUCHED nor zero.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "between.h"
#include "image/transfer.h"
#include "layout.h"
#include "memfd.h"
#include "memory/file.h"
#include "traces.h"

#define UNTOUCHED 0xee

/* Rows that lie far enough apart to be copied one by one. */
#define STRIDE 4096
/* Of files and of what they are copied to. */
#define SIZE (128 * 1024)

static uint8_t pattern(uint64_t i) {
	return (uint8_t)(1 + (i * 31 + i / 251) % 200);
}

static int create_file(off_t size) {
	int fd = create_memfd(0, 0);
	uint8_t *bytes = malloc((size_t)size + 1);
	assert_non_null(bytes);
	for (off_t i = 0; i < size; i++) {
		bytes[i] = pattern((uint64_t)i);
	}
	assert_int_equal(pwrite(fd, bytes, (size_t)size, 0), size);
	free(bytes);
	return fd;
}

static off_t get_size(int fd) {
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

/* What a range of bytes should be. */
struct part {
	uint64_t start, end;
	enum { FROM_FILE, ZERO } holds;
};

/* All but the parts should be UNTOUCHED. */
static void expect_bytes(const uint8_t *bytes, size_t size,
		const struct part *parts, size_t parts_len) {
	for (uint64_t i = 0; i < size; i++) {
		int expected = UNTOUCHED;
		for (size_t j = 0; j < parts_len; j++) {
			if (i >= parts[j].start && i < parts[j].end) {
				expected = parts[j].holds == ZERO ?
					0 : pattern(i);
			}
		}
		if (bytes[i] != expected) {
			fail_msg("byte %llu is 0x%02x, not 0x%02x",
				(unsigned long long)i, bytes[i],
				(unsigned)expected);
		}
	}
}

#define expect_parts(bytes, size, ...) do { \
	const struct part parts[] = { __VA_ARGS__ }; \
	expect_bytes(bytes, size, parts, sizeof(parts) / sizeof(parts[0])); \
} while (0)

static void expect_copied(struct sp_transferred copied, uint64_t bytes,
		uint64_t missing) {
	if (copied.bytes != bytes || copied.missing != missing) {
		fail_msg("%llu bytes copied and %llu missing, not %llu and "
			"%llu",
			(unsigned long long)copied.bytes,
			(unsigned long long)copied.missing,
			(unsigned long long)bytes, (unsigned long long)missing);
	}
	assert_int_equal(copied.error, 0);
}

/* The same, where something else than the file's end was in the way. */
static void expect_error(struct sp_transferred copied, uint64_t bytes,
		uint64_t missing, int error) {
	assert_int_equal(copied.error, error);
	copied.error = 0;
	expect_copied(copied, bytes, missing);
}

static uint8_t *create_bytes(size_t size) {
	uint8_t *bytes = malloc(size);
	assert_non_null(bytes);
	memset(bytes, UNTOUCHED, size);
	return bytes;
}

/* In */

/* By calls that read it. */
#define from_file(file) (&(const struct sp_transfer_source){ .fd = (file) })

static struct sp_transferred copy_in(int fd, const struct sp_layout *layout,
		pixman_box32_t box, uint8_t *base) {
	pixman_region32_t region;
	pixman_region32_init_with_extents(&region, &box);
	struct sp_chunks written = { 0 };
	struct sp_transfer_target target = {
		.data = base, .written = &written,
	};
	struct sp_transferred copied = sp_transfer_in(from_file(fd), layout, &region,
		&target);
	pixman_region32_fini(&region);
	return copied;
}

static struct sp_transferred copy_all_in(int fd, const struct sp_layout *layout,
		uint8_t *base) {
	pixman_box32_t box = { 0, 0, layout->width, layout->height };
	return copy_in(fd, layout, box, base);
}

static void whole_buffer_is_copied_and_nothing_around_it(void **state) {
	int fd = create_file(SIZE);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 101, 50, 20,
		200);
	expect_copied(copy_all_in(fd, &layout, to), 50 * 20 * 4, 0);
	expect_parts(to, SIZE, { 101, 101 + 50 * 20 * 4, FROM_FILE });
	free(to);
	close(fd);
}

static void rectangle_is_copied_and_nothing_around_it(void **state) {
	int fd = create_file(SIZE);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 8, 1000, 10,
		STRIDE);
	pixman_box32_t box = { 20, 3, 31, 6 };
	expect_copied(copy_in(fd, &layout, box, to), 11 * 3 * 4, 0);
	uint64_t start = 8 + 3 * STRIDE + 20 * 4;
	expect_parts(to, SIZE,
		{ start, start + 44, FROM_FILE },
		{ start + STRIDE, start + STRIDE + 44, FROM_FILE },
		{ start + 2 * STRIDE, start + 2 * STRIDE + 44, FROM_FILE });
	free(to);
	close(fd);
}

static void all_rectangles_of_a_region_are_copied(void **state) {
	int fd = create_file(SIZE);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000, 10,
		STRIDE);
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 1, 1, 2, 1);
	/* In the same row, but far from it. */
	pixman_region32_union_rect(&region, &region, 900, 1, 1, 1);
	pixman_region32_union_rect(&region, &region, 999, 9, 1, 1);
	struct sp_chunks written = { 0 };
	struct sp_transfer_target target = {
		.data = to, .written = &written,
	};
	expect_copied(sp_transfer_in(from_file(fd), &layout, &region, &target), 16,
		0);
	pixman_region32_fini(&region);
	expect_parts(to, SIZE,
		{ STRIDE + 4, STRIDE + 12, FROM_FILE },
		{ STRIDE + 3600, STRIDE + 3604, FROM_FILE },
		{ 9 * STRIDE + 3996, 9 * STRIDE + 4000, FROM_FILE });
	free(to);
	close(fd);
}

/* What is between them is the buffer's as well, and may be copied along. */
static void rectangles_side_by_side_are_copied(void **state) {
	int fd = create_file(SIZE);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000, 10,
		STRIDE);
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 10, 1, 2, 2);
	pixman_region32_union_rect(&region, &region, 15, 1, 2, 2);
	pixman_region32_union_rect(&region, &region, 20, 1, 2, 2);
	/* Below, and not to be taken for one of the row above. */
	pixman_region32_union_rect(&region, &region, 25, 5, 2, 1);
	struct sp_chunks written = { 0 };
	struct sp_transfer_target target = {
		.data = to, .written = &written,
	};
	struct sp_transferred copied = sp_transfer_in(from_file(fd), &layout, &region,
		&target);
	pixman_region32_fini(&region);
	assert_int_equal(copied.missing, 0);
	expect_between(copied.bytes, 4 * (3 * 4 + 2), 4 * (2 * 12 + 2));
	for (uint64_t row = 1; row <= 2; row++) {
		for (uint64_t i = 48; i < 80; i++) {
			uint64_t at = row * STRIDE + i;
			if (to[at] == UNTOUCHED) {
				to[at] = pattern(at);
			}
		}
	}
	expect_parts(to, SIZE,
		{ STRIDE + 40, STRIDE + 88, FROM_FILE },
		{ 2 * STRIDE + 40, 2 * STRIDE + 88, FROM_FILE },
		{ 5 * STRIDE + 100, 5 * STRIDE + 108, FROM_FILE });
	free(to);
	close(fd);
}

/* Many short rows, by way of a mapping */

#define SHORT_ROWS 400
#define SHORT_SIZE (SHORT_ROWS * STRIDE)

/* A column of pixels at byte 40 of each row, which is so many bytes wide. */
static struct sp_transferred copy_column(int fd, const uint8_t *from, int32_t width,
		uint8_t *to) {
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000,
		SHORT_ROWS, STRIDE);
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 10, 0, (unsigned)width / 4,
		SHORT_ROWS);
	assert_true(sp_transfer_wants_mapping(&layout, &region));
	struct sp_chunks written = { 0 };
	struct sp_transfer_target target = {
		.data = to, .written = &written,
	};
	struct sp_bounce bounce;
	assert_int_equal(sp_bounce_init(&bounce), 0);
	struct sp_transfer_source source = {
		.fd = fd, .base = from, .bounce = &bounce,
	};
	struct sp_transferred copied = sp_transfer_in(&source, &layout, &region,
		&target);
	sp_bounce_finish(&bounce);
	pixman_region32_fini(&region);
	return copied;
}

static struct sp_transferred copy_short_rows(int fd, const uint8_t *from,
		uint8_t *to) {
	return copy_column(fd, from, 12, to);
}

static void expect_column(const uint8_t *to, uint64_t width,
		uint64_t file_size) {
	for (uint64_t i = 0; i < SHORT_SIZE; i++) {
		bool pixel = i % STRIDE >= 40 && i % STRIDE < 40 + width;
		uint8_t expected = !pixel ? UNTOUCHED :
			i < file_size ? pattern(i) : 0;
		if (to[i] != expected) {
			fail_msg("byte %llu is 0x%02x, not 0x%02x",
				(unsigned long long)i, to[i], expected);
		}
	}
}

static void expect_short_rows(const uint8_t *to, uint64_t file_size) {
	expect_column(to, 12, file_size);
}

static uint8_t *map_file(int fd, int protection) {
	uint8_t *data = mmap(NULL, SHORT_SIZE, protection, MAP_SHARED, fd, 0);
	assert_true(data != MAP_FAILED);
	return data;
}

static void many_short_rows_are_exact(void **state) {
	int fd = create_file(SHORT_SIZE);
	uint8_t *from = map_file(fd, PROT_READ);
	uint8_t *to = create_bytes(SHORT_SIZE);
	expect_copied(copy_short_rows(fd, from, to), SHORT_ROWS * 12, 0);
	expect_short_rows(to, SHORT_SIZE);
	munmap(from, SHORT_SIZE);
	free(to);
	close(fd);
}

/* Fewer go with each call than there might be. */
static void rows_that_are_not_so_short_are_exact(void **state) {
	static const int32_t widths[] = { 508, 512, 516, 1000, 2000, 3500, 3960 };
	int fd = create_file(SHORT_SIZE);
	uint8_t *from = map_file(fd, PROT_READ);
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		uint8_t *to = create_bytes(SHORT_SIZE);
		expect_copied(copy_column(fd, from, widths[i], to),
			(uint64_t)(SHORT_ROWS * widths[i]), 0);
		expect_column(to, (uint64_t)widths[i], SHORT_SIZE);
		free(to);
	}
	munmap(from, SHORT_SIZE);
	close(fd);
}

/* Told by what it holds: another file's bytes. */
static void many_short_rows_come_from_the_mapping(void **state) {
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	uint8_t *other = create_bytes(SHORT_SIZE);
	assert_int_equal(pwrite(fd, other, SHORT_SIZE, 0), SHORT_SIZE);
	int mapped = create_file(SHORT_SIZE);
	uint8_t *from = map_file(mapped, PROT_READ);
	uint8_t *to = create_bytes(SHORT_SIZE);
	expect_copied(copy_short_rows(fd, from, to), SHORT_ROWS * 12, 0);
	expect_short_rows(to, SHORT_SIZE);
	munmap(from, SHORT_SIZE);
	free(other);
	free(to);
	close(mapped);
	close(fd);
}

static void short_rows_that_the_mapping_lacks_are_read_anyway(void **state) {
	int fd = create_file(SHORT_SIZE);
	uint8_t *from = map_file(fd, PROT_READ);
	/* In the second call, and for all that follow: as if the file had ended
	 * there for a moment. */
	int other = create_file(100 * STRIDE);
	assert_ptr_not_equal(mmap(from + 200 * STRIDE, 100 * STRIDE, PROT_READ,
		MAP_SHARED | MAP_FIXED, other, 0), MAP_FAILED);
	assert_int_equal(ftruncate(other, 0), 0);
	close(other);
	uint8_t *to = create_bytes(SHORT_SIZE);
	expect_copied(copy_short_rows(fd, from, to), SHORT_ROWS * 12, 0);
	expect_short_rows(to, SHORT_SIZE);
	munmap(from, SHORT_SIZE);
	free(to);
	close(fd);
}

/* Within a page, whose rest a mapping shows as if it were there. */
static void short_rows_past_the_end_are_missing(void **state) {
	uint64_t size = (SHORT_ROWS - 1) * STRIDE + 10;
	int fd = create_file((off_t)size);
	uint8_t *from = map_file(fd, PROT_READ);
	uint8_t *to = create_bytes(SHORT_SIZE);
	expect_copied(copy_short_rows(fd, from, to), (SHORT_ROWS - 1) * 12, 12);
	expect_short_rows(to, size);
	munmap(from, SHORT_SIZE);
	free(to);
	close(fd);
}

static void holes_are_not_filled_for_short_rows(void **state) {
	int fd = create_file(SHORT_SIZE);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
		FALLOC_FL_KEEP_SIZE, 0, SHORT_SIZE / 2), 0);
	struct stat before, after;
	assert_int_equal(fstat(fd, &before), 0);
	uint8_t *from = map_file(fd, PROT_READ);
	uint8_t *to = create_bytes(SHORT_SIZE);
	copy_short_rows(fd, from, to);
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(after.st_blocks, before.st_blocks);
	munmap(from, SHORT_SIZE);
	free(to);
	close(fd);
}

static void few_or_long_rows_want_no_mapping(void **state) {
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000,
		SHORT_ROWS, STRIDE);
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 10, 7, 3, 1);
	assert_false(sp_transfer_wants_mapping(&layout, &region));
	pixman_region32_fini(&region);
	layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000, SHORT_ROWS, 4000);
	pixman_region32_init_rect(&region, 0, 0, 1000, SHORT_ROWS);
	assert_false(sp_transfer_wants_mapping(&layout, &region));
	pixman_region32_fini(&region);
}

static void empty_region_copies_nothing(void **state) {
	int fd = create_file(SIZE);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000, 10,
		STRIDE);
	pixman_region32_t region;
	pixman_region32_init(&region);
	struct sp_chunks written = { 0 };
	struct sp_transfer_target target = {
		.data = to, .written = &written,
	};
	expect_copied(sp_transfer_in(from_file(fd), &layout, &region, &target), 0,
		0);
	pixman_region32_fini(&region);
	expect_bytes(to, SIZE, NULL, 0);
	free(to);
	close(fd);
}

/* Padding may be another buffer's, which is in use. */
static void expect_rows_without_padding(int32_t width, int32_t height,
		int32_t stride, uint64_t file_size) {
	int fd = create_file((off_t)file_size);
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
	/* Rows longer than what is read in one call. */
	expect_rows_without_padding(33000, 3, 33000 + 50, SIZE);
	/* As many rows as fill a call to the last byte. */
	expect_rows_without_padding(1024, 32, 1025, SIZE);
	expect_rows_without_padding(4000, 16, 4096 - 1, SIZE);
}

static void file_that_ends_between_rows_reads_as_zero_below(void **state) {
	/* Each byte around a row's end, in the first call and a later one. */
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
	int fd = create_file(SIZE);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_R8, 0, 100, 2,
		100 + 20000);
	expect_copied(copy_all_in(fd, &layout, to), 200, 0);
	expect_parts(to, SIZE, { 0, 100, FROM_FILE },
		{ 20100, 20200, FROM_FILE });
	free(to);
	close(fd);
}

static void both_planes_of_nv12_are_copied(void **state) {
	int fd = create_file(SIZE);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_NV12, 33, 64, 7, 64);
	/* Seven rows of luma, and four of two colours. */
	expect_copied(copy_all_in(fd, &layout, to), 64 * 11, 0);
	expect_parts(to, SIZE, { 33, 33 + 64 * 11, FROM_FILE });
	free(to);
	close(fd);
}

static void rectangle_of_nv12_has_the_colours_of_its_edges(void **state) {
	int fd = create_file(SIZE);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_NV12, 0, 1000, 8,
		STRIDE);
	pixman_box32_t box = { 3, 3, 6, 4 };
	/* Pixels 3 to 5 of row 3; pairs 1 to 2 of the second row of pairs. */
	expect_copied(copy_in(fd, &layout, box, to), 3 + 4, 0);
	expect_parts(to, SIZE,
		{ 3 * STRIDE + 3, 3 * STRIDE + 6, FROM_FILE },
		{ 9 * STRIDE + 2, 9 * STRIDE + 6, FROM_FILE });
	free(to);
	close(fd);
}

static void three_planes_are_copied(void **state) {
	int fd = create_file(SIZE);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_YUV420, 5, 64, 6, 64);
	expect_copied(copy_all_in(fd, &layout, to), 64 * 9, 0);
	expect_parts(to, SIZE, { 5, 5 + 64 * 9, FROM_FILE });
	free(to);
	close(fd);
}

static void file_that_ends_within_a_row_reads_as_zero_there(void **state) {
	int fd = create_file(2 * STRIDE + 10);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 4,
		STRIDE);
	expect_copied(copy_all_in(fd, &layout, to), 400 + 400 + 10,
		390 + 400);
	expect_parts(to, SIZE,
		{ 0, 400, FROM_FILE },
		{ STRIDE, STRIDE + 400, FROM_FILE },
		{ 2 * STRIDE, 2 * STRIDE + 10, FROM_FILE },
		{ 2 * STRIDE + 10, 2 * STRIDE + 400, ZERO },
		{ 3 * STRIDE, 3 * STRIDE + 400, ZERO });
	free(to);
	close(fd);
}

static void file_that_ends_within_joined_rows_reads_as_zero(void **state) {
	int fd = create_file(1234);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 10,
		400);
	expect_copied(copy_all_in(fd, &layout, to), 1234, 4000 - 1234);
	expect_parts(to, SIZE, { 0, 1234, FROM_FILE }, { 1234, 4000, ZERO });
	free(to);
	close(fd);
}

static void file_that_ends_within_the_rectangle_reads_as_zero(void **state) {
	int fd = create_file(3 * STRIDE + 20 * 4 + 1);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000, 10,
		STRIDE);
	pixman_box32_t box = { 20, 3, 30, 5 };
	expect_copied(copy_in(fd, &layout, box, to), 1, 79);
	uint64_t start = 3 * STRIDE + 20 * 4;
	expect_parts(to, SIZE,
		{ start, start + 1, FROM_FILE },
		{ start + 1, start + 40, ZERO },
		{ start + STRIDE, start + STRIDE + 40, ZERO });
	free(to);
	close(fd);
}

static void file_that_ends_behind_the_rectangle_lacks_nothing(void **state) {
	int fd = create_file(3 * STRIDE + 30 * 4);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000, 10,
		STRIDE);
	pixman_box32_t box = { 20, 3, 30, 4 };
	expect_copied(copy_in(fd, &layout, box, to), 40, 0);
	free(to);
	close(fd);
}

static void empty_file_reads_as_zero(void **state) {
	int fd = create_file(0);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 4, 100, 10,
		400);
	expect_copied(copy_all_in(fd, &layout, to), 0, 4000);
	expect_parts(to, SIZE, { 4, 4004, ZERO });
	free(to);
	close(fd);
}

static void second_plane_past_the_end_reads_as_zero(void **state) {
	int fd = create_file(64 * 8);
	uint8_t *to = create_bytes(SIZE);
	struct sp_layout layout = make_layout(DRM_FORMAT_NV12, 0, 64, 8, 64);
	expect_copied(copy_all_in(fd, &layout, to), 64 * 8, 64 * 4);
	expect_parts(to, SIZE, { 0, 64 * 8, FROM_FILE },
		{ 64 * 8, 64 * 12, ZERO });
	free(to);
	close(fd);
}

static void file_that_cannot_be_read_reads_as_zero(void **state) {
	int fd = create_file(SIZE);
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

/* It is the client's as well. */
static void file_offset_stays_where_it_was(void **state) {
	int fd = create_file(SIZE);
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
	/* The one before is a hole. */
	expect_copied(copy_all_in(fd, &layout, to), 100, 0);
	assert_memory_equal(to + last, bytes, sizeof(bytes));
	munmap(to, size + 4096);
	close(fd);
}

/* What is not waited for */

static struct sp_transferred copy_at_once(int fd, uint8_t *to) {
	struct sp_layout layout =
		make_layout(DRM_FORMAT_XRGB8888, 0, 64, 64, 256);
	const struct sp_transfer_source source = {
		.fd = fd, .counts_as_full = true, .at_once = true,
	};
	struct sp_chunks written = { 0 };
	const struct sp_transfer_target target = {
		.data = to, .written = &written,
	};
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 0, 0, 64, 64);
	struct sp_transferred copied = sp_transfer_in(&source, &layout, &region, &target);
	pixman_region32_fini(&region);
	return copied;
}

static void what_is_at_hand_is_copied_at_once(void **state) {
	enum { BYTES = 64 * 256 };
	/* A file system with files that can tell, as nearly all on disks. */
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	uint8_t *to = create_bytes(BYTES), bytes[BYTES];
	memset(bytes, 7, BYTES);
	if (fd < 0 || write(fd, bytes, BYTES) != BYTES ||
			sp_file_read_at_once(fd, to, 1, 0) < 0) {
		print_message("skipped: /var/tmp is not on such a file system\n");
		skip();
	}
	expect_copied(copy_at_once(fd, to), BYTES, 0);
	assert_memory_equal(to, bytes, BYTES);
	/* What is not there is left as it is: another thread looks why. */
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

/* Holes: of large files, which are 8 MiB here with data in the fourth. */

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
	/* A huge page would be more than what was written. */
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

/* What was touched of the target, in bytes. */
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

/* Rows that follow one another, that have a little between them, and that are
 * long. */
static const struct {
	int32_t width, stride;
} shapes[] = { { 1024, 4096 }, { 1000, 4096 }, { 8000, 32768 } };

static void holes_of_a_large_file_are_not_copied(void **state) {
	for (size_t i = 0; i < 3; i++) {
		struct sparse sparse;
		sparse_create(&sparse);
		lseek(sparse.fd, 77, SEEK_SET);
		uint64_t pixels = (uint64_t)shapes[i].width * 4 *
			(LARGE / (uint64_t)shapes[i].stride);
		struct sp_transferred copied = sparse_copy(&sparse, shapes[i].width,
			shapes[i].stride);
		expect_between(copied.bytes, pixels / 8, pixels / 8 +
			2 * 256 * 1024);
		assert_int_equal(copied.missing, 0);
		assert_int_equal(lseek(sparse.fd, 0, SEEK_CUR), 77);
		expect_between(get_touched(&sparse), DATA_SIZE / 2,
			DATA_SIZE + 4 * 256 * 1024);
		for (size_t j = 0; j < LARGE; j++) {
			bool row = j % (size_t)shapes[i].stride <
				(size_t)shapes[i].width * 4;
			bool data = j >= DATA && j < DATA + DATA_SIZE;
			if (sparse.target.data[j] != (row && data ? pattern(j) : 0)) {
				fail_msg("byte %zu is 0x%02x", j, sparse.target.data[j]);
			}
		}
		sparse_destroy(&sparse);
	}
}

/* A page here and there, in what was never written to. */
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
			bool row = j % (size_t)shapes[i].stride <
				(size_t)shapes[i].width * 4;
			bool data = j >= DATA && j < DATA + DATA_SIZE;
			uint8_t byte = data ? pattern(j) :
				j % STEP == 0 ? '+' : 0;
			if (sparse.target.data[j] != (row ? byte : 0)) {
				fail_msg("byte %zu is 0x%02x", j, sparse.target.data[j]);
			}
		}
		sparse_destroy(&sparse);
	}
}

/* Linux before 6.5 */
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

/* The last test: this lasts. */
static void holes_are_found_without_cachestat(void **state) {
	if (!forbid_cachestat()) {
		skip();
	}
	holes_of_a_large_file_are_not_copied(state);
}

/* The client has punched it since. */
static void holes_over_what_was_copied_before_read_as_zero(void **state) {
	for (size_t i = 0; i < 3; i++) {
		struct sparse sparse;
		sparse_create(&sparse);
		memset(sparse.target.data, UNTOUCHED, LARGE);
		sp_chunks_set_all(&sparse.written);
		sparse_copy(&sparse, shapes[i].width, shapes[i].stride);
		for (size_t j = 0; j < LARGE; j++) {
			bool row = j % (size_t)shapes[i].stride <
				(size_t)shapes[i].width * 4;
			bool data = j >= DATA && j < DATA + DATA_SIZE;
			if (sparse.target.data[j] != (!row ? UNTOUCHED :
					data ? pattern(j) : 0)) {
				fail_msg("byte %zu is 0x%02x", j, sparse.target.data[j]);
			}
		}
		sparse_destroy(&sparse);
	}
}

static void large_file_that_ends_early_lacks_the_rest(void **state) {
	for (size_t i = 0; i < 3; i++) {
		struct sparse sparse;
		sparse_create(&sparse);
		assert_int_equal(ftruncate(sparse.fd, DATA), 0);
		uint64_t pixels = (uint64_t)shapes[i].width * 4 *
			(LARGE / (uint64_t)shapes[i].stride);
		struct sp_transferred copied = sparse_copy(&sparse, shapes[i].width,
			shapes[i].stride);
		assert_int_equal(copied.missing, pixels / 8 * 5);
		assert_int_equal(copied.error, 0);
		assert_int_equal(get_touched(&sparse), 0);
		sparse_destroy(&sparse);
	}
}

/* Instead of a sparse one. */
static void sparse_fill(struct sparse *sparse) {
	close(sparse->fd);
	sparse->fd = create_file(LARGE);
}

static void expect_pattern(const struct sparse *sparse, size_t shape) {
	for (size_t i = 0; i < LARGE; i++) {
		bool row = i % (size_t)shapes[shape].stride <
			(size_t)shapes[shape].width * 4;
		if (sparse->target.data[i] != (row ? pattern(i) : 0)) {
			fail_msg("byte %zu is 0x%02x", i,
				sparse->target.data[i]);
		}
	}
}

static void first_copy_of_a_large_buffer_is_exact(void **state) {
	for (size_t i = 0; i < 3; i++) {
		struct sparse sparse;
		sparse_create(&sparse);
		sparse_fill(&sparse);
		struct sp_transferred copied = sparse_copy(&sparse, shapes[i].width,
			shapes[i].stride);
		expect_copied(copied, (uint64_t)shapes[i].width * 4 *
			(LARGE / (uint64_t)shapes[i].stride), 0);
		expect_pattern(&sparse, i);
		sparse_destroy(&sparse);
	}
}

/* Out */

static struct sp_transferred copy_out(int shadow, const struct sp_layout *layout,
		pixman_box32_t box, uint8_t *base, uint64_t size) {
	pixman_region32_t region;
	pixman_region32_init_with_extents(&region, &box);
	struct sp_transferred copied = sp_transfer_out(shadow, layout, &region, base,
		size);
	pixman_region32_fini(&region);
	return copied;
}

static struct sp_transferred copy_all_out(int shadow, const struct sp_layout *layout,
		uint8_t *base, uint64_t size) {
	pixman_box32_t box = { 0, 0, layout->width, layout->height };
	return copy_out(shadow, layout, box, base, size);
}

/* A client's file, whose bytes are all UNTOUCHED, and a mapping of it. */
struct target {
	int fd;
	size_t mapped;
	uint8_t *data;
};

static struct target create_target(size_t size, size_t mapped, int prot) {
	struct target target = { .mapped = mapped };
	target.fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	assert_true(target.fd >= 0);
	uint8_t *bytes = create_bytes(size + 1);
	assert_int_equal(pwrite(target.fd, bytes, size, 0), size);
	free(bytes);
	target.data = mmap(NULL, mapped, prot, MAP_SHARED, target.fd, 0);
	assert_true(target.data != MAP_FAILED);
	return target;
}

static void destroy_target(struct target *target) {
	munmap(target->data, target->mapped);
	close(target->fd);
}

/* Reads all of the file, up to its end as it is now. */
static uint8_t *read_target(const struct target *target, size_t size) {
	assert_int_equal(get_size(target->fd), size);
	uint8_t *bytes = malloc(size + 1);
	assert_non_null(bytes);
	assert_int_equal(pread(target->fd, bytes, size + 1, 0), size);
	return bytes;
}

#define expect_target(target, size, ...) do { \
	uint8_t *bytes = read_target(target, size); \
	expect_parts(bytes, size, __VA_ARGS__); \
	free(bytes); \
} while (0)

#define READ_WRITE (PROT_READ | PROT_WRITE)

static void all_pixels_are_handed_back_and_nothing_else(void **state) {
	int shadow = create_file(SIZE);
	struct target target = create_target(SIZE, SIZE, READ_WRITE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 101, 50, 20,
		200);
	expect_copied(copy_all_out(shadow, &layout, target.data, SIZE),
		50 * 20 * 4, 0);
	expect_target(&target, SIZE, { 101, 101 + 50 * 20 * 4, FROM_FILE });
	destroy_target(&target);
	close(shadow);
}

/* Padding may be another buffer's pixels. */
static void rectangle_is_handed_back_and_nothing_else(void **state) {
	int shadow = create_file(SIZE);
	struct target target = create_target(SIZE, SIZE, PROT_READ | PROT_WRITE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 4,
		STRIDE);
	pixman_box32_t box = { 10, 1, 20, 3 };
	expect_copied(copy_out(shadow, &layout, box, target.data, SIZE),
		10 * 2 * 4, 0);
	uint8_t *bytes = read_target(&target, SIZE);
	expect_parts(bytes, SIZE,
		{ STRIDE + 40, STRIDE + 80, FROM_FILE },
		{ 2 * STRIDE + 40, 2 * STRIDE + 80, FROM_FILE });
	free(bytes);
	destroy_target(&target);
	close(shadow);
}

static void what_is_between_rows_is_not_handed_back(void **state) {
	int shadow = create_file(SIZE);
	struct target target = create_target(SIZE, SIZE, READ_WRITE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 16, 10, 3,
		44);
	expect_copied(copy_all_out(shadow, &layout, target.data, SIZE),
		10 * 3 * 4, 0);
	expect_target(&target, SIZE, { 16, 56, FROM_FILE },
		{ 60, 100, FROM_FILE }, { 104, 144, FROM_FILE });
	destroy_target(&target);
	close(shadow);
}

static void both_planes_of_nv12_are_handed_back(void **state) {
	int shadow = create_file(SIZE);
	struct target target = create_target(SIZE, SIZE, READ_WRITE);
	struct sp_layout layout = make_layout(DRM_FORMAT_NV12, 7, 10, 4, 16);
	expect_copied(copy_all_out(shadow, &layout, target.data, SIZE),
		10 * 6, 0);
	expect_target(&target, SIZE,
		{ 7, 17, FROM_FILE }, { 23, 33, FROM_FILE },
		{ 39, 49, FROM_FILE }, { 55, 65, FROM_FILE },
		{ 71, 81, FROM_FILE }, { 87, 97, FROM_FILE });
	destroy_target(&target);
	close(shadow);
}

static void file_that_ends_with_the_buffer_gets_all_of_it(void **state) {
	int shadow = create_file(SIZE);
	struct target target = create_target(4004, SIZE, READ_WRITE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 4, 100, 10,
		400);
	expect_copied(copy_all_out(shadow, &layout, target.data, 4004), 4000,
		0);
	expect_target(&target, 4004, { 4, 4004, FROM_FILE });
	destroy_target(&target);
	close(shadow);
}

static void file_that_is_too_short_is_not_made_longer(void **state) {
	int shadow = create_file(SIZE);
	size_t size = STRIDE + 10;
	struct target target = create_target(size, SIZE, READ_WRITE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 4,
		STRIDE);
	expect_copied(copy_all_out(shadow, &layout, target.data, size),
		400 + 10, 390 + 400 + 400);
	expect_target(&target, size, { 0, 400, FROM_FILE },
		{ STRIDE, STRIDE + 10, FROM_FILE });
	destroy_target(&target);
	close(shadow);
}

/* The rest of the last page would come to light if the file grew. */
static void nothing_is_put_behind_the_end_of_the_file(void **state) {
	int shadow = create_file(SIZE);
	struct target target = create_target(10, SIZE, READ_WRITE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 1,
		400);
	expect_copied(copy_all_out(shadow, &layout, target.data, 10), 10, 390);
	for (size_t i = 10; i < 400; i++) {
		assert_int_equal(target.data[i], 0);
	}
	destroy_target(&target);
	close(shadow);
}

static void empty_file_gets_nothing(void **state) {
	int shadow = create_file(SIZE);
	struct target target = create_target(0, SIZE, READ_WRITE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 10,
		400);
	expect_copied(copy_all_out(shadow, &layout, target.data, 0), 0, 4000);
	assert_int_equal(get_size(target.fd), 0);
	destroy_target(&target);
	close(shadow);
}

/* Its size was asked before, and another process can change it any time. */
static void file_that_is_cut_meanwhile_is_no_fault(void **state) {
	int shadow = create_file(SIZE);
	struct target target = create_target(STRIDE, SIZE, READ_WRITE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 4,
		STRIDE);
	expect_error(copy_all_out(shadow, &layout, target.data, SIZE), 400,
		1200, EFAULT);
	expect_target(&target, STRIDE, { 0, 400, FROM_FILE });
	destroy_target(&target);
	close(shadow);
}

static void memory_that_cannot_be_written_gets_nothing(void **state) {
	int shadow = create_file(SIZE);
	struct target target = create_target(SIZE, SIZE, PROT_READ);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 4,
		STRIDE);
	expect_error(copy_all_out(shadow, &layout, target.data, SIZE), 0,
		1600, EFAULT);
	uint8_t *bytes = read_target(&target, SIZE);
	expect_bytes(bytes, SIZE, NULL, 0);
	free(bytes);
	destroy_target(&target);
	close(shadow);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(whole_buffer_is_copied_and_nothing_around_it),
		TEST(rectangle_is_copied_and_nothing_around_it),
		TEST(all_rectangles_of_a_region_are_copied),
		TEST(empty_region_copies_nothing),

		TEST(many_short_rows_are_exact),
		TEST(rows_that_are_not_so_short_are_exact),
		TEST(many_short_rows_come_from_the_mapping),
		TEST(short_rows_that_the_mapping_lacks_are_read_anyway),
		TEST(short_rows_past_the_end_are_missing),
		TEST(holes_are_not_filled_for_short_rows),
		TEST(few_or_long_rows_want_no_mapping),
		TEST(rectangles_side_by_side_are_copied),
		TEST(padding_is_not_copied),
		TEST(file_that_ends_between_rows_reads_as_zero_below),
		TEST(rows_far_apart_are_copied_without_what_is_between),
		TEST(both_planes_of_nv12_are_copied),
		TEST(rectangle_of_nv12_has_the_colours_of_its_edges),
		TEST(three_planes_are_copied),
		TEST(file_that_ends_within_a_row_reads_as_zero_there),
		TEST(file_that_ends_within_joined_rows_reads_as_zero),
		TEST(file_that_ends_within_the_rectangle_reads_as_zero),
		TEST(file_that_ends_behind_the_rectangle_lacks_nothing),
		TEST(empty_file_reads_as_zero),
		TEST(second_plane_past_the_end_reads_as_zero),
		TEST(file_that_cannot_be_read_reads_as_zero),
		TEST(holes_read_as_zero_and_stay_holes),
		TEST(file_offset_stays_where_it_was),
		TEST(last_rows_of_the_largest_pool_are_exact),

		TEST(what_is_at_hand_is_copied_at_once),
		TEST(who_cannot_tell_is_not_asked),
		TEST(holes_of_a_large_file_are_not_copied),
		TEST(holes_between_pages_take_no_memory),
		TEST(holes_over_what_was_copied_before_read_as_zero),
		TEST(large_file_that_ends_early_lacks_the_rest),
		TEST(first_copy_of_a_large_buffer_is_exact),

		TEST(all_pixels_are_handed_back_and_nothing_else),
		TEST(rectangle_is_handed_back_and_nothing_else),
		TEST(what_is_between_rows_is_not_handed_back),
		TEST(both_planes_of_nv12_are_handed_back),
		TEST(file_that_ends_with_the_buffer_gets_all_of_it),
		TEST(file_that_is_too_short_is_not_made_longer),
		TEST(nothing_is_put_behind_the_end_of_the_file),
		TEST(empty_file_gets_nothing),
		TEST(file_that_is_cut_meanwhile_is_no_fault),
		TEST(memory_that_cannot_be_written_gets_nothing),

		TEST(holes_are_found_without_cachestat),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
