/* SPDX-License-Identifier: MIT */
/*
 * <sealpool/memory.h>: which files are accepted, and what is reported of others.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "client.h"

/* Errors */

static void fd_that_is_not_to_be_read_is_refused_and_closed(void **state) {
	create_memory(NULL, NULL);
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	expect_refused(fds[0], BYTES, EINVAL);
	close(fds[1]);
	expect_refused(-1, BYTES, EBADF);
	expect_refused(create_file(BYTES, 7, 0), 0, EINVAL);
	close(the.fd);
	expect_refused(create_file(BYTES, 7, 0), (uint64_t)INT32_MAX + 1, EINVAL);
	close(the.fd);
	expect_refused(open("/dev/null", O_WRONLY | O_CLOEXEC), BYTES, EACCES);
	the.fd = -1;
	assert_int_equal(sealpool_account_get_fds(the.account), 0);
}

static void file_grows_and_never_shrinks(void **state) {
	create_memory(NULL, NULL);
	open_view(create_file(2 * BYTES, 7, F_SEAL_SHRINK));
	assert_int_equal(sealpool_file_grow(the.file, BYTES - 1), -EINVAL);
	assert_int_equal(sealpool_file_grow(the.file, UINT64_MAX), -EINVAL);
	assert_int_equal(sealpool_file_grow(the.file, 2 * BYTES), 0);
	struct sealpool_layout behind = layout;
	behind.offset = BYTES;
	struct sealpool_view *view =
		sealpool_view_create(the.file, &behind, NULL);
	assert_non_null(view);
	assert_int_equal(sealpool_view_get_kind(view), SEALPOOL_MEMORY_DIRECT);
	sealpool_view_destroy(view);
}

/* Files that are not memory */

static void directory_is_refused_by_a_hook(void **state) {
	const struct sealpool_memory_options options = make_options();
	create_memory(&options, NULL);
	the.file = sealpool_file_open(the.account, open("/", O_RDONLY | O_CLOEXEC),
		BYTES, &the.file, NULL);
	assert_non_null(the.file);
	dispatch_until(&the.refusals);
	assert_ptr_equal(the.data, &the.file);
}

static void file_that_is_closed_is_not_refused(void **state) {
	const struct sealpool_memory_options options = make_options();
	create_memory(&options, NULL);
	the.file = sealpool_file_open(the.account, open("/", O_RDONLY | O_CLOEXEC),
		BYTES, NULL, NULL);
	sealpool_file_close(the.file);
	the.file = NULL;
	for (int i = 0; i < 1000 && sealpool_account_get_fds(the.account) > 0;
			i++) {
		if (is_ready(10)) {
			sealpool_memory_dispatch(the.memory);
		}
	}
	assert_int_equal(sealpool_account_get_fds(the.account), 0);
	assert_int_equal(the.refusals, 0);
}

/* The file of this program is on a disk on most machines. */
static void file_on_a_disk_is_read_by_a_thread(void **state) {
	const struct sealpool_memory_options options = make_options();
	create_memory(&options, NULL);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint8_t expected[BYTES];
	assert_int_equal(pread(fd, expected, BYTES, 0), BYTES);
	open_view(fd);
	if (!sealpool_view_damage(the.view, &all, 1)) {
		dispatch_until(&the.answers);
	}
	struct sealpool_view_access access;
	assert_int_equal(sealpool_view_begin(the.view, SEALPOOL_ACCESS_READ,
		&access), 0);
	assert_memory_equal(access.data, expected, BYTES);
	sealpool_view_end(the.view, &access);
}

static void files_that_are_not_memory_are_limited(void **state) {
	struct sealpool_memory_options options = make_options();
	options.all_fds = 4;
	create_memory(&options, NULL);
	the.file = sealpool_file_open(the.account, open("/", O_RDONLY | O_CLOEXEC),
		BYTES, NULL, NULL);
	assert_non_null(the.file);
	expect_refused(open("/", O_RDONLY | O_CLOEXEC), BYTES, EBUSY);
	/* The thread keeps fds until it has answered. */
	dispatch_until(&the.refusals);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_PUBLIC(fd_that_is_not_to_be_read_is_refused_and_closed),
		TEST_PUBLIC(file_grows_and_never_shrinks),
		TEST_PUBLIC(directory_is_refused_by_a_hook),
		TEST_PUBLIC(file_that_is_closed_is_not_refused),
		TEST_PUBLIC(file_on_a_disk_is_read_by_a_thread),
		TEST_PUBLIC(files_that_are_not_memory_are_limited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
