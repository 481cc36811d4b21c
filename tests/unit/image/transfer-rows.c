/* SPDX-License-Identifier: MIT */
/* Many short rows, by way of a mapping and a bounce buffer. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"

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
	struct sp_bounce bounce;
	assert_int_equal(sp_bounce_init(&bounce), 0);
	struct sp_transfer_source source = {
		.fd = fd, .base = from, .bounce = &bounce,
	};
	struct sp_transferred copied = copy_region_in(&source, &layout, &region, to);
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
	int fd = create_pattern_file(SHORT_SIZE);
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
	int fd = create_pattern_file(SHORT_SIZE);
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
	int mapped = create_pattern_file(SHORT_SIZE);
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
	int fd = create_pattern_file(SHORT_SIZE);
	uint8_t *from = map_file(fd, PROT_READ);
	/* In the second call, and for all that follow: as if the file had ended
	 * there for a moment. */
	int other = create_pattern_file(100 * STRIDE);
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
	int fd = create_pattern_file((off_t)size);
	uint8_t *from = map_file(fd, PROT_READ);
	uint8_t *to = create_bytes(SHORT_SIZE);
	expect_copied(copy_short_rows(fd, from, to), (SHORT_ROWS - 1) * 12, 12);
	expect_short_rows(to, size);
	munmap(from, SHORT_SIZE);
	free(to);
	close(fd);
}

static void holes_are_not_filled_for_short_rows(void **state) {
	int fd = create_pattern_file(SHORT_SIZE);
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

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(many_short_rows_are_exact),
		TEST(rows_that_are_not_so_short_are_exact),
		TEST(many_short_rows_come_from_the_mapping),
		TEST(short_rows_that_the_mapping_lacks_are_read_anyway),
		TEST(short_rows_past_the_end_are_missing),
		TEST(holes_are_not_filled_for_short_rows),
		TEST(few_or_long_rows_want_no_mapping),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
