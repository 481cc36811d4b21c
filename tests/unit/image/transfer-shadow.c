/* SPDX-License-Identifier: MIT */
/* Copies to a pool's shadow of 16 MiB. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bytes.h"
#include "memory/account.h"
#include "memory/mapping.h"
#include "memory/shadow.h"

#define SHADOW ((size_t)16 << 20)
struct copy {
	int fd;
	struct sp_account account;
	struct sp_shadow shadow;
};

static struct copy copy;

static bool reclaim(struct sp_account *account, enum sp_resource resource,
		uint64_t amount) {
	return false;
}

static void note_pressure(struct sp_account *account,
		enum sp_resource resource) {
}

static void fill_file(void) {
	uint8_t *bytes = malloc(SHADOW);
	assert_non_null(bytes);
	for (size_t i = 0; i < SHADOW; i++) {
		bytes[i] = pattern(i);
	}
	assert_int_equal(pwrite(copy.fd, bytes, SHADOW, 0), SHADOW);
	free(bytes);
}

static int setup(void **state) {
	static const struct sp_account_ops ops = {
		.reclaim = reclaim,
		.pressure = note_pressure,
	};
	traces_setup(state);
	copy.fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	assert_true(copy.fd >= 0);
	fill_file();
	sp_account_init(&copy.account, NULL, &ops);
	assert_int_equal(sp_shadow_init(&copy.shadow, &copy.account, SHADOW), 0);
	assert_int_equal(sp_shadow_reserve(&copy.shadow, 0, SHADOW), 0);
	return 0;
}

static int teardown(void **state) {
	sp_shadow_finish(&copy.shadow);
	close(copy.fd);
	return traces_teardown(state);
}

/* Copies the whole buffer, in rows of "row_bytes". */
static void copy_rows(int32_t row_bytes, int32_t stride) {
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0,
		row_bytes / 4, (int32_t)SHADOW / stride, stride);
	const struct sp_transfer_target target = {
		.data = sp_untrusted_own(copy.shadow.mapping->data),
		.written = &copy.shadow.written,
	};
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 0, 0, (unsigned)layout.width,
		(unsigned)layout.height);
	struct sp_transferred copied = sp_transfer_in(from_file(copy.fd), &layout,
		&region, &target);
	pixman_region32_fini(&region);
	assert_int_equal(copied.missing, 0);
}

/* What others see who map the shadow. */
static void expect_shadow(size_t row_bytes, size_t stride) {
	uint8_t *bytes = malloc(SHADOW);
	assert_non_null(bytes);
	assert_int_equal(pread(copy.shadow.fd, bytes, SHADOW, 0), SHADOW);
	for (size_t i = 0; i < SHADOW; i++) {
		uint8_t expected = i % stride < row_bytes ?
			pattern(i) : 0;
		if (bytes[i] != expected) {
			fail_msg("byte %zu is %u instead of %u", i, bytes[i],
				expected);
		}
	}
	free(bytes);
}

static void a_copy_of_a_large_buffer_is_exact(void **state) {
	copy_rows(8192, 8192);
	expect_shadow(8192, 8192);
}

static void gaps_between_rows_stay_as_they_were(void **state) {
	copy_rows(12288, 16384);
	expect_shadow(12288, 16384);
}

static void rows_with_small_gaps_are_exact(void **state) {
	copy_rows(3072, 4096);
	expect_shadow(3072, 4096);
}

static void make_holes(void) {
	assert_int_equal(ftruncate(copy.fd, 0), 0);
	assert_int_equal(ftruncate(copy.fd, SHADOW), 0);
	assert_int_equal(pwrite(copy.fd, "x", 1, 0), 1);
}

static void expect_x_and_zeroes(void) {
	uint8_t *bytes = malloc(SHADOW);
	assert_non_null(bytes);
	assert_int_equal(pread(copy.shadow.fd, bytes, SHADOW, 0), SHADOW);
	assert_int_equal(bytes[0], 'x');
	for (size_t i = 1; i < SHADOW; i++) {
		assert_int_equal(bytes[i], 0);
	}
	free(bytes);
}

static void holes_become_zero_again(void **state) {
	copy_rows(8192, 8192);
	make_holes();
	copy_rows(8192, 8192);
	expect_x_and_zeroes();
}

/* The last chunk is freed in part. */
static void holes_are_zero_also_where_pages_were_freed(void **state) {
	copy_rows(8192, 8192);
	make_holes();
	sp_shadow_release(&copy.shadow, 100, SHADOW - 4096);
	assert_int_equal(sp_shadow_reserve(&copy.shadow, 0, SHADOW), 0);
	copy_rows(8192, 8192);
	expect_x_and_zeroes();
}

static void freed_pages_are_copied_again(void **state) {
	copy_rows(8192, 8192);
	sp_shadow_release(&copy.shadow, 0, SHADOW);
	assert_int_equal(sp_shadow_reserve(&copy.shadow, 0, SHADOW), 0);
	copy_rows(8192, 8192);
	expect_shadow(8192, 8192);
}

#define COPY_TEST(name) cmocka_unit_test_setup_teardown( \
	name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		COPY_TEST(a_copy_of_a_large_buffer_is_exact),
		COPY_TEST(gaps_between_rows_stay_as_they_were),
		COPY_TEST(rows_with_small_gaps_are_exact),
		COPY_TEST(holes_become_zero_again),
		COPY_TEST(holes_are_zero_also_where_pages_were_freed),
		COPY_TEST(freed_pages_are_copied_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
