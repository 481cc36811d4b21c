/* SPDX-License-Identifier: MIT */
/* How often the size of a file's memory is read. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "memory/account.h"
#include "memory/file.h"
#include "memory/inplace.h"
#include "traces.h"

#define MIB (UINT64_C(1) << 20)
/* More memory than the file of a client without a buffer may have. */
#define SIZE (64 * MIB)

/* In milliseconds. The clock stands still. */
static int64_t now_ms = 1000000;
static unsigned looks;

int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_fstat64(int fd, struct stat *st) {
	looks++;
	return __real_fstat64(fd, st);
}

/* Where off_t does not have 64 bits. */
int __wrap_fstat(int fd, struct stat *st) {
	return __wrap_fstat64(fd, st);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
	*now = (struct timespec){
		.tv_sec = now_ms / 1000,
		.tv_nsec = now_ms % 1000 * 1000000,
	};
	return 0;
}

static bool reclaim(struct sp_account *account, enum sp_resource resource,
		uint64_t amount) {
	return false;
}

static void note_pressure(struct sp_account *account,
		enum sp_resource resource) {
}

static const struct sp_account_ops account_ops = { reclaim, note_pressure };

/* Returns how often the file was examined in a number of commits. */
static unsigned look_often(struct sp_inplace *inplace, bool large) {
	looks = 0;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(sp_inplace_is_large(inplace), large);
	}
	return looks;
}

static void file_is_looked_at_once_a_second(void **state) {
	struct sp_account account;
	struct sp_inplace inplace;
	struct sp_file file;
	const char *reason;
	int fd = memfd_create("inplace", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	assert_int_equal(sp_file_init(&file, fd, &reason), 0);
	sp_account_init(&account, NULL, &account_ops);
	sp_inplace_init(&inplace, &account, &file);
	assert_int_equal(look_often(&inplace, false), 0);
	assert_int_equal(posix_fallocate(fd, 0, SIZE), 0);
	now_ms += 999;
	assert_int_equal(look_often(&inplace, false), 0);
	now_ms++;
	assert_int_equal(look_often(&inplace, true), 1);
	now_ms += 999;
	assert_int_equal(look_often(&inplace, true), 0);
	sp_inplace_finish(&inplace);
	sp_file_finish(&file);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_is_looked_at_once_a_second),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
