/* SPDX-License-Identifier: MIT */
/*
 * Errors of the kernel are not the client's fault.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "image/access.h"
#include "image/changes.h"
#include "image/format.h"
#include "memory/account.h"
#include "memory/backing.h"
#include "memory/file.h"
#include "memory/memory.h"

#define WIDTH 64
#define HEIGHT 64
#define BYTES (WIDTH * HEIGHT * 4)

/* The error of each call, or 0. */
static int fstat_error, pread_error;
static bool only_shadow;

ssize_t __real_pread64(int fd, void *bytes, size_t length, off_t offset);
ssize_t __wrap_pread64(int fd, void *bytes, size_t length, off_t offset);
int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
ssize_t __wrap_pread(int fd, void *bytes, size_t length, off_t offset);
int __wrap_fstat(int fd, struct stat *st);

static int client_fd;

ssize_t __wrap_pread64(int fd, void *bytes, size_t length, off_t offset) {
	if (pread_error != 0 && !(only_shadow && fd == client_fd)) {
		errno = pread_error;
		return -1;
	}
	return __real_pread64(fd, bytes, length, offset);
}

int __wrap_fstat64(int fd, struct stat *st) {
	if (fstat_error != 0) {
		errno = fstat_error;
		return -1;
	}
	return __real_fstat64(fd, st);
}

/* Where off_t does not have 64 bits. */
ssize_t __wrap_pread(int fd, void *bytes, size_t length, off_t offset) {
	return __wrap_pread64(fd, bytes, length, offset);
}

int __wrap_fstat(int fd, struct stat *st) {
	return __wrap_fstat64(fd, st);
}

struct fixture {
	struct sp_memory memory;
	struct sp_account account;
	struct sp_spare_slot spare;
	struct sp_counters counters;
	struct sp_backing backing;
	struct sp_view view;
};

/* The number of reports to the view. */
static unsigned shorts, refusals, failures;
static int failure;

static void note(struct sp_view *view, enum sp_event event, int64_t value) {
	shorts += event == SP_EVENT_SHORT_FILE;
	refusals += event == SP_EVENT_REFUSED;
	if (event == SP_EVENT_FAILED) {
		failures++;
		failure = (int)value;
	}
}

static bool reclaim(struct sp_account *account, enum sp_resource resource,
		uint64_t amount) {
	return false;
}

static void note_pressure(struct sp_account *account,
		enum sp_resource resource) {
}

static const struct sp_account_ops account_ops = { reclaim, note_pressure };

static void handle_wake(struct sp_memory *memory) {
}

static int setup(void **state) {
	static struct fixture fixture;
	fixture = (struct fixture){ 0 };
	shorts = refusals = failures = 0;
	failure = 0;
	assert_int_equal(sp_memory_init(&fixture.memory, 0, handle_wake), 0);
	sp_account_init(&fixture.account, NULL, &account_ops);
	client_fd = memfd_create("failures", MFD_CLOEXEC);
	assert_int_equal(ftruncate(client_fd, BYTES), 0);
	struct sp_file file;
	const char *reason;
	assert_int_equal(sp_file_init(&file, client_fd, &reason), 0);
	assert_int_equal(sp_backing_init(&fixture.backing, &fixture.memory,
		&fixture.account, &fixture.spare, NULL, &fixture.counters,
		&file, BYTES), 0);
	struct sp_layout layout;
	assert_true(sp_layout_init(&layout, sp_format_get(DRM_FORMAT_XRGB8888),
		0, WIDTH, HEIGHT, WIDTH * 4));
	sp_view_init(&fixture.view, &fixture.backing, &layout, note,
		false);
	*state = &fixture;
	return 0;
}

static int teardown(void **state) {
	struct fixture *fixture = *state;
	fstat_error = pread_error = 0;
	only_shadow = false;
	sp_view_finish(&fixture->view);
	sp_spare_close(&fixture->memory.cache, &fixture->spare);
	sp_backing_finish(&fixture->backing);
	sp_memory_finish(&fixture->memory);
	return 0;
}

static void read_it(struct fixture *fixture) {
	struct sp_access access;
	assert_int_equal(sp_view_begin_read(&fixture->view, 0, &access), 0);
	sp_view_end(&fixture->view, &access);
}

static void expect_failure(int error) {
	assert_int_equal(shorts, 0);
	assert_int_equal(refusals, 0);
	assert_int_equal(failures, 1);
	assert_int_equal(failure, -error);
}

static void file_that_is_cut_is_the_clients_fault(void **state) {
	assert_int_equal(ftruncate(client_fd, BYTES - 1), 0);
	read_it(*state);
	assert_int_equal(shorts, 1);
	assert_int_equal(failures, 0);
}

static void file_that_cannot_be_read_is_not(void **state) {
	pread_error = EIO;
	read_it(*state);
	expect_failure(EIO);
}

static void nor_is_one_whose_size_is_not_to_be_known(void **state) {
	assert_int_equal(ftruncate(client_fd, BYTES - 1), 0);
	fstat_error = ENOMEM;
	read_it(*state);
	expect_failure(ENOMEM);
}

static void nor_is_a_shadow_that_cannot_be_read(void **state) {
	struct fixture *fixture = *state;
	struct sp_access access;
	assert_int_equal(sp_view_begin_write(&fixture->view, 0, &access), 0);
	pread_error = EIO;
	only_shadow = true;
	sp_view_end(&fixture->view, &access);
	expect_failure(EIO);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(file_that_is_cut_is_the_clients_fault),
		TEST(file_that_cannot_be_read_is_not),
		TEST(nor_is_one_whose_size_is_not_to_be_known),
		TEST(nor_is_a_shadow_that_cannot_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
