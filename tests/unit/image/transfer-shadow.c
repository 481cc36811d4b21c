/* SPDX-License-Identifier: MIT */
/*
 * Copies to a pool's shadow of 16 MiB. Each copy touches few pages of the shadow's
 * mapping, and the result is the same.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bytes.h"
#include "memory/account.h"
#include "memory/mapping.h"

#define SHADOW ((size_t)16 << 20)
/* Each copy touches two of the chunks. */
#define CHUNKS (SHADOW / SP_CHUNK_SIZE)
#define COPIES (CHUNKS / 2)
/* The pages of these chunks, and some more for the rest of the process. */
#define FAULTS_MAX (3 * (long)(SP_CHUNK_SIZE / 4096))

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

static void fill_file(uint8_t add) {
	uint8_t *bytes = malloc(SHADOW);
	assert_non_null(bytes);
	for (size_t i = 0; i < SHADOW; i++) {
		bytes[i] = (uint8_t)(pattern(i) + add);
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
	fill_file(0);
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

static long get_faults(void) {
	struct rusage usage;
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_minflt;
}

/* Copies the whole buffer, in rows of "row_bytes". Returns the number of page faults. */
static long copy_rows(int32_t row_bytes, int32_t stride) {
	struct sp_layout layout = make_layout(DRM_FORMAT_XRGB8888, 0,
		row_bytes / 4, (int32_t)SHADOW / stride, stride);
	const struct sp_transfer_target target = {
		.data = sp_untrusted_own(copy.shadow.mapping->data),
		.written = &copy.shadow.written,
		.shadow = &copy.shadow,
	};
	pixman_region32_t region;
	pixman_region32_init_rect(&region, 0, 0, (unsigned)layout.width,
		(unsigned)layout.height);
	long before = get_faults();
	struct sp_transferred copied = sp_transfer_in(from_file(copy.fd), &layout,
		&region, &target);
	long faults = get_faults() - before;
	pixman_region32_fini(&region);
	assert_int_equal(copied.missing, 0);
	return faults;
}

/* Reads the file of the shadow, so that its mapping is not touched. */
static void expect_shadow(size_t row_bytes, size_t stride, uint8_t add) {
	uint8_t *bytes = malloc(SHADOW);
	assert_non_null(bytes);
	assert_int_equal(pread(copy.shadow.fd, bytes, SHADOW, 0), SHADOW);
	for (size_t i = 0; i < SHADOW; i++) {
		uint8_t expected = i % stride < row_bytes ?
			(uint8_t)(pattern(i) + add) : 0;
		if (bytes[i] != expected) {
			fail_msg("byte %zu is %u instead of %u", i, bytes[i],
				expected);
		}
	}
	free(bytes);
}

static void a_copy_of_a_large_buffer_touches_few_pages(void **state) {
	assert_in_range(copy_rows(8192, 8192), 0, FAULTS_MAX);
	expect_shadow(8192, 8192, 0);
}

static void gaps_between_rows_stay_as_they_were(void **state) {
	assert_in_range(copy_rows(12288, 16384), 0, FAULTS_MAX);
	expect_shadow(12288, 16384, 0);
}

static void rows_with_small_gaps_are_exact(void **state) {
	assert_in_range(copy_rows(3072, 4096), 0, FAULTS_MAX);
	expect_shadow(3072, 4096, 0);
}

static void all_pages_are_touched_after_some_copies(void **state) {
	for (uint8_t i = 0; i < COPIES; i++) {
		assert_int_equal(sp_chunks_get(&copy.shadow.touched,
			CHUNKS - 1), 0);
		fill_file(i);
		assert_in_range(copy_rows(8192, 8192), 0, FAULTS_MAX);
		expect_shadow(8192, 8192, i);
	}
	for (size_t i = 0; i < CHUNKS; i++) {
		assert_true(sp_chunks_get(&copy.shadow.touched, i));
	}
	fill_file(COPIES);
	copy_rows(8192, 8192);
	expect_shadow(8192, 8192, COPIES);
}

static void holes_become_zero_again(void **state) {
	copy_rows(8192, 8192);
	assert_int_equal(ftruncate(copy.fd, 0), 0);
	assert_int_equal(ftruncate(copy.fd, SHADOW), 0);
	assert_int_equal(pwrite(copy.fd, "x", 1, 0), 1);
	assert_in_range(copy_rows(8192, 8192), 0, FAULTS_MAX);
	uint8_t *bytes = malloc(SHADOW);
	assert_non_null(bytes);
	assert_int_equal(pread(copy.shadow.fd, bytes, SHADOW, 0), SHADOW);
	assert_int_equal(bytes[0], 'x');
	for (size_t i = 1; i < SHADOW; i++) {
		assert_int_equal(bytes[i], 0);
	}
	free(bytes);
}

static void freed_pages_are_not_touched(void **state) {
	for (size_t i = 0; i < COPIES; i++) {
		copy_rows(8192, 8192);
	}
	sp_shadow_release(&copy.shadow, 0, SHADOW);
	assert_int_equal(sp_shadow_reserve(&copy.shadow, 0, SHADOW), 0);
	assert_in_range(copy_rows(8192, 8192), 0, FAULTS_MAX);
	expect_shadow(8192, 8192, 0);
}

/* A write beyond the limit raises SIGXFSZ, which ends the process. */
static void no_write_exceeds_the_limit_of_file_sizes(void **state) {
	struct rlimit old, limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = SHADOW / 2;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	copy_rows(8192, 8192);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	expect_shadow(8192, 8192, 0);
}

#define COPY_TEST(name) cmocka_unit_test_setup_teardown( \
	name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		COPY_TEST(a_copy_of_a_large_buffer_touches_few_pages),
		COPY_TEST(gaps_between_rows_stay_as_they_were),
		COPY_TEST(rows_with_small_gaps_are_exact),
		COPY_TEST(all_pages_are_touched_after_some_copies),
		COPY_TEST(holes_become_zero_again),
		COPY_TEST(freed_pages_are_not_touched),
		COPY_TEST(no_write_exceeds_the_limit_of_file_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
