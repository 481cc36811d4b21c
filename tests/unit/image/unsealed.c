/* SPDX-License-Identifier: MIT */
/*
 * Views that are read in place with MAP_NOFAULT. The probe is replaced, and this kernel
 * may not have the flag, so no byte past the file's end is touched; tests/kernel does
 * that.
 */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sealpool/memory.h>

#include "memory/nofault.h"
#include "traces.h"

#define WIDTH 1024
#define HEIGHT 16
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static const struct sealpool_box all = { 0, 0, WIDTH, HEIGHT };

static struct {
	/* What the probe returns. */
	const struct sp_mapping_mode *mode;
	struct sealpool_memory *memory;
	struct sealpool_account *account;
	struct sealpool_file *file;
	struct sealpool_view *view;
	/* The client's own fd for its file. */
	int fd;
	unsigned short_files;
	uint64_t file_size;
} the;

const struct sp_mapping_mode *__wrap_sp_nofault_probe(void);
const struct sp_mapping_mode *__wrap_sp_nofault_probe(void) {
	return the.mode;
}

/* The kernel may lack the flag for shared mappings. Then reading a hole fills it. */
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd,
	off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd,
	off_t offset);
/* What mmap() is where off_t has 64 bits. */
void *__wrap_mmap64(void *address, size_t size, int protection, int flags,
	int fd, off_t offset) __attribute__((alias("__wrap_mmap")));
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd,
		off_t offset) {
	return __real_mmap(address, size, protection, flags & ~SP_MAP_ZEROHOLES,
		fd, offset);
}

static void handle_short_file(struct sealpool_view *view, uint64_t file_size,
		void *data) {
	the.short_files++;
	the.file_size = file_size;
}

static int setup_with(void **state, const struct sp_mapping_mode *mode) {
	static const struct sealpool_layout layout = {
		0, WIDTH, HEIGHT, STRIDE, DRM_FORMAT_XRGB8888,
	};
	static uint8_t bytes[BYTES];
	memset(&the, 0, sizeof(the));
	the.mode = mode;
	int ret = traces_setup(state);
	the.memory = sealpool_memory_create(&(struct sealpool_memory_options){
		.size = sizeof(struct sealpool_memory_options),
		.short_file = handle_short_file,
	});
	the.account = sealpool_account_create(the.memory, NULL, NULL);
	the.fd = memfd_create("unit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	memset(bytes, 7, sizeof(bytes));
	assert_int_equal(pwrite(the.fd, bytes, sizeof(bytes), 0), BYTES);
	the.file = sealpool_file_open(the.account,
		fcntl(the.fd, F_DUPFD_CLOEXEC, 0), BYTES, NULL, NULL);
	assert_non_null(the.file);
	the.view = sealpool_view_create(the.file, &layout, NULL);
	assert_non_null(the.view);
	return ret;
}

static int setup(void **state) {
	return setup_with(state, &sp_nofault_mode);
}

static int setup_coherent(void **state) {
	return setup_with(state, &sp_nofault_shared_mode);
}

static int teardown(void **state) {
	sealpool_view_destroy(the.view);
	sealpool_file_close(the.file);
	sealpool_account_destroy(the.account);
	sealpool_memory_destroy(the.memory);
	close(the.fd);
	return traces_teardown(state);
}

/* Returns the byte at an offset. */
static uint8_t read_byte(size_t offset) {
	struct sealpool_view_access access;
	assert_int_equal(sealpool_view_begin(the.view, SEALPOOL_ACCESS_READ,
		&access), 0);
	uint8_t byte = ((const uint8_t *)access.data)[offset];
	sealpool_view_end(the.view, &access);
	return byte;
}

static void punch(void) {
	assert_int_equal(fallocate(the.fd, FALLOC_FL_PUNCH_HOLE |
		FALLOC_FL_KEEP_SIZE, 0, STRIDE), 0);
}

static blkcnt_t count_blocks(void) {
	struct stat st;
	assert_int_equal(fstat(the.fd, &st), 0);
	return st.st_blocks;
}

static void expect_kind(enum sealpool_memory_kind kind) {
	assert_string_equal(sealpool_memory_kind_name(
		sealpool_view_get_kind(the.view)),
		sealpool_memory_kind_name(kind));
}

static void view_of_an_unsealed_file_is_read_in_place(void **state) {
	expect_kind(SEALPOOL_MEMORY_NOFAULT);
	assert_int_equal(read_byte(BYTES - 1), 7);
	/* The view is not told of it. */
	assert_int_equal(pwrite(the.fd, "8", 1, BYTES - 1), 1);
	assert_int_equal(read_byte(BYTES - 1), '8');
	assert_int_equal(sealpool_account_get_shadow_bytes(the.account), 0);
}

static void view_of_a_sealed_file_is_direct(void **state) {
	assert_int_equal(fcntl(the.fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	struct sealpool_view *view = sealpool_view_create(the.file,
		&(struct sealpool_layout){ 0, WIDTH, HEIGHT, STRIDE,
			DRM_FORMAT_XRGB8888 }, NULL);
	assert_int_equal(sealpool_view_get_kind(view), SEALPOOL_MEMORY_DIRECT);
	sealpool_view_destroy(view);
}

static void hole_makes_it_a_shadow_until_it_is_filled(void **state) {
	punch();
	blkcnt_t blocks = count_blocks();
	assert_true(sealpool_view_damage(the.view, &all, 1));
	expect_kind(SEALPOOL_MEMORY_SHADOW);
	assert_int_equal(read_byte(0), 0);
	assert_int_equal(count_blocks(), blocks);
	uint8_t row[STRIDE];
	memset(row, 9, sizeof(row));
	assert_int_equal(pwrite(the.fd, row, sizeof(row), 0), STRIDE);
	for (int i = 0; i < 4; i++) {
		sealpool_view_damage(the.view, &all, 1);
	}
	expect_kind(SEALPOOL_MEMORY_NOFAULT);
	assert_int_equal(read_byte(0), 9);
}

static void end_of_an_access_tells_of_a_short_file(void **state) {
	assert_int_equal(ftruncate(the.fd, STRIDE), 0);
	assert_int_equal(read_byte(0), 7);
	sealpool_memory_dispatch(the.memory);
	assert_int_equal(the.short_files, 1);
	assert_int_equal(the.file_size, STRIDE);
}

/* Coherent mappings */

static void coherent_view_is_read_in_place_with_holes(void **state) {
	expect_kind(SEALPOOL_MEMORY_NOFAULT);
	punch();
	assert_true(sealpool_view_damage(the.view, &all, 1));
	expect_kind(SEALPOOL_MEMORY_NOFAULT);
	assert_int_equal(read_byte(0), 0);
	assert_int_equal(pwrite(the.fd, "9", 1, 0), 1);
	assert_int_equal(read_byte(0), '9');
	assert_int_equal(sealpool_account_get_shadow_bytes(the.account), 0);
}

static void coherent_view_of_a_file_that_was_never_drawn_is_so_at_once(
		void **state) {
	int fd = memfd_create("unit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	struct sealpool_layout layout = {
		0, WIDTH, HEIGHT, STRIDE, DRM_FORMAT_XRGB8888,
	};
	static const enum sealpool_memory_kind kinds[] = {
		SEALPOOL_MEMORY_NOFAULT, SEALPOOL_MEMORY_DIRECT,
	};
	for (int i = 0; i < 2; i++) {
		struct sealpool_file *file = sealpool_file_open(the.account,
			fcntl(fd, F_DUPFD_CLOEXEC, 0), BYTES, NULL, NULL);
		assert_non_null(file);
		struct sealpool_view *view = sealpool_view_create(file, &layout,
			NULL);
		assert_int_equal(sealpool_view_get_kind(view), kinds[i]);
		sealpool_view_destroy(view);
		sealpool_file_close(file);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	}
	close(fd);
}

static void coherent_mapping_serves_a_file_that_grows(void **state) {
	assert_int_equal(read_byte(0), 7);
	size_t mappings = traces_count_mappings();
	assert_int_equal(ftruncate(the.fd, 8 * BYTES), 0);
	assert_int_equal(pwrite(the.fd, "8", 1, 8 * BYTES - 1), 1);
	assert_int_equal(sealpool_file_grow(the.file, 8 * BYTES), 0);
	struct sealpool_view *view = sealpool_view_create(the.file,
		&(struct sealpool_layout){ 7 * BYTES, WIDTH, HEIGHT, STRIDE,
			DRM_FORMAT_XRGB8888 }, NULL);
	assert_int_equal(sealpool_view_get_kind(view), SEALPOOL_MEMORY_NOFAULT);
	struct sealpool_view_access access;
	assert_int_equal(sealpool_view_begin(view, SEALPOOL_ACCESS_READ,
		&access), 0);
	assert_int_equal(((const uint8_t *)access.data)[BYTES - 1], '8');
	sealpool_view_end(view, &access);
	assert_int_equal(traces_count_mappings(), mappings);
	sealpool_view_destroy(view);
}

#define COHERENT_TEST(name) cmocka_unit_test_setup_teardown(name, \
	setup_coherent, teardown)
#define VIEW_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		VIEW_TEST(view_of_an_unsealed_file_is_read_in_place),
		VIEW_TEST(view_of_a_sealed_file_is_direct),
		VIEW_TEST(hole_makes_it_a_shadow_until_it_is_filled),
		VIEW_TEST(end_of_an_access_tells_of_a_short_file),

		COHERENT_TEST(coherent_view_is_read_in_place_with_holes),
		COHERENT_TEST(
			coherent_view_of_a_file_that_was_never_drawn_is_so_at_once),
		COHERENT_TEST(coherent_mapping_serves_a_file_that_grows),
		COHERENT_TEST(end_of_an_access_tells_of_a_short_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
