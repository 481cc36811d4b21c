/* SPDX-License-Identifier: MIT */
/* Many short rows are read from a mapping, through a bounce file. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "memfd.h"

#define SHORT_ROWS 400
#define SHORT_SIZE (SHORT_ROWS * STRIDE)
/* The largest memory of a file whose mapping is read. */
#define MEMORY_MAX (2 * SHORT_SIZE)

/* Copies a column of this many bytes, at byte 40 of each row. */
static struct sp_transferred copy_column(int fd, const uint8_t *from, int32_t width,
		uint8_t *to) {
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 1000,
		SHORT_ROWS, STRIDE);
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 10, 0, (unsigned)width / 4,
		SHORT_ROWS);
	assert_true(sp_transfer_wants_mapping(&layout, &region));
	struct sp_bounce bounce;
	assert_int_equal(sp_bounce_init(&bounce), 0);
	struct sp_transfer_source source = {
		.fd = fd, .base = from, .memory_max = MEMORY_MAX,
		.bounce = &bounce,
	};
	struct sp_transferred copied = copy_region_in(&source, &layout, &region, to);
	sp_bounce_finish(&bounce);
	pixman_region32_fini(&region);
	return copied;
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

/* A client's file, its mapping, and the target. */
struct rows {
	int fd;
	uint8_t *from, *to;
};

/* Takes ownership of the fd. */
static struct rows map_rows(int fd) {
	uint8_t *from = mmap(NULL, SHORT_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(from != MAP_FAILED);
	return (struct rows){ fd, from, create_bytes(SHORT_SIZE) };
}

static void unmap_rows(struct rows *rows) {
	munmap(rows->from, SHORT_SIZE);
	free(rows->to);
	close(rows->fd);
}

/* "file_size" is that of the file behind the mapping. */
static void expect_short_rows_copied(const struct rows *rows, uint64_t copied,
		uint64_t missing, uint64_t file_size) {
	expect_copied(copy_column(rows->fd, rows->from, 12, rows->to), copied,
		missing);
	expect_column(rows->to, 12, file_size);
}

static void many_short_rows_are_exact(void **state) {
	struct rows rows = map_rows(create_pattern_file(SHORT_SIZE));
	expect_short_rows_copied(&rows, SHORT_ROWS * 12, 0, SHORT_SIZE);
	unmap_rows(&rows);
}

/* One call reads fewer rows of this length. */
static void rows_that_are_not_so_short_are_exact(void **state) {
	static const int32_t widths[] = { 508, 512, 516, 1000, 2000, 3500, 3960 };
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		struct rows rows = map_rows(create_pattern_file(SHORT_SIZE));
		expect_copied(copy_column(rows.fd, rows.from, widths[i], rows.to),
			(uint64_t)(SHORT_ROWS * widths[i]), 0);
		expect_column(rows.to, (uint64_t)widths[i], SHORT_SIZE);
		unmap_rows(&rows);
	}
}

/* To tell them apart, the mapping is of another file than the fd. */
static void many_short_rows_come_from_the_mapping(void **state) {
	struct rows rows = map_rows(create_pattern_file(SHORT_SIZE));
	int mapped = rows.fd;
	rows.fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	assert_true(rows.fd >= 0);
	assert_int_equal(pwrite(rows.fd, rows.to, SHORT_SIZE, 0), SHORT_SIZE);
	expect_short_rows_copied(&rows, SHORT_ROWS * 12, 0, SHORT_SIZE);
	close(mapped);
	unmap_rows(&rows);
}

/* The mapping is of another file here, too, whose memory is past the file's end. */
static void mapping_of_a_file_with_much_memory_is_not_read(void **state) {
	struct rows rows = map_rows(create_memfd(SHORT_SIZE, 0));
	int mapped = rows.fd;
	rows.fd = create_pattern_file(SHORT_SIZE);
	assert_int_equal(fallocate(rows.fd, FALLOC_FL_KEEP_SIZE, 0,
		MEMORY_MAX + 4096), 0);
	expect_short_rows_copied(&rows, SHORT_ROWS * 12, 0, SHORT_SIZE);
	close(mapped);
	unmap_rows(&rows);
}

static void short_rows_that_the_mapping_lacks_are_read_anyway(void **state) {
	struct rows rows = map_rows(create_pattern_file(SHORT_SIZE));
	/* From the second call on, as if the file had been short for a moment. */
	int other = create_pattern_file(100 * STRIDE);
	assert_ptr_not_equal(mmap(rows.from + 200 * STRIDE, 100 * STRIDE, PROT_READ,
		MAP_SHARED | MAP_FIXED, other, 0), MAP_FAILED);
	assert_int_equal(ftruncate(other, 0), 0);
	close(other);
	expect_short_rows_copied(&rows, SHORT_ROWS * 12, 0, SHORT_SIZE);
	unmap_rows(&rows);
}

/* The file ends within a page. A mapping shows the rest of that page. */
static void short_rows_past_the_end_are_missing(void **state) {
	uint64_t size = (SHORT_ROWS - 1) * STRIDE + 10;
	struct rows rows = map_rows(create_pattern_file((off_t)size));
	expect_short_rows_copied(&rows, (SHORT_ROWS - 1) * 12, 12, size);
	unmap_rows(&rows);
}

static void holes_are_not_filled_for_short_rows(void **state) {
	int fd = create_pattern_file(SHORT_SIZE);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
		FALLOC_FL_KEEP_SIZE, 0, SHORT_SIZE / 2), 0);
	struct stat before, after;
	assert_int_equal(fstat(fd, &before), 0);
	struct rows rows = map_rows(fd);
	copy_column(fd, rows.from, 12, rows.to);
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(after.st_blocks, before.st_blocks);
	unmap_rows(&rows);
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

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(many_short_rows_are_exact),
		TEST(rows_that_are_not_so_short_are_exact),
		TEST(many_short_rows_come_from_the_mapping),
		TEST(mapping_of_a_file_with_much_memory_is_not_read),
		TEST(short_rows_that_the_mapping_lacks_are_read_anyway),
		TEST(short_rows_past_the_end_are_missing),
		TEST(holes_are_not_filled_for_short_rows),
		TEST(few_or_long_rows_want_no_mapping),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
