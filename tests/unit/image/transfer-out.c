/* SPDX-License-Identifier: MIT */
/* Copies to a client's file, whose size never grows. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"

static off_t get_size(int fd) {
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

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

/* A client's file, whose bytes are all UNTOUCHED, and its mapping. */
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

/* Reads the file up to its current end. */
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
	int shadow = create_pattern_file(SIZE);
	struct target target = create_target(SIZE, SIZE, READ_WRITE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 101, 50, 20,
		200);
	expect_copied(copy_all_out(shadow, &layout, target.data, SIZE),
		50 * 20 * 4, 0);
	expect_target(&target, SIZE, { 101, 101 + 50 * 20 * 4, FROM_FILE });
	destroy_target(&target);
	close(shadow);
}

/* The padding may hold another buffer's pixels. */
static void rectangle_is_handed_back_and_nothing_else(void **state) {
	int shadow = create_pattern_file(SIZE);
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
	int shadow = create_pattern_file(SIZE);
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
	int shadow = create_pattern_file(SIZE);
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
	int shadow = create_pattern_file(SIZE);
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
	int shadow = create_pattern_file(SIZE);
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

/* The rest of the last page would become visible if the file grew. */
static void nothing_is_put_behind_the_end_of_the_file(void **state) {
	int shadow = create_pattern_file(SIZE);
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
	int shadow = create_pattern_file(SIZE);
	struct target target = create_target(0, SIZE, READ_WRITE);
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0, 100, 10,
		400);
	expect_copied(copy_all_out(shadow, &layout, target.data, 0), 0, 4000);
	assert_int_equal(get_size(target.fd), 0);
	destroy_target(&target);
	close(shadow);
}

/* Another process truncates the file after its size was read. */
static void file_that_is_cut_meanwhile_is_no_fault(void **state) {
	int shadow = create_pattern_file(SIZE);
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
	int shadow = create_pattern_file(SIZE);
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
