/* SPDX-License-Identifier: MIT */
/*
 * <sealpool/memory.h>, as a compositor with its own wl_shm uses it.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sealpool/memory.h>

#include "traces.h"

#define SIDE 64
#define STRIDE (SIDE * 4)
#define BYTES (STRIDE * SIDE)

static const struct sealpool_layout layout = {
	0, SIDE, SIDE, STRIDE, DRM_FORMAT_XRGB8888,
};
static const struct sealpool_box all = { 0, 0, SIDE, SIDE };

/* What there is in most tests, and what hooks were called with. */
static struct {
	struct sealpool_memory *memory;
	struct sealpool_account *account;
	struct sealpool_file *file;
	struct sealpool_view *view;
	/* The client's own fd of its file. */
	int fd;

	unsigned short_files, failures, answers, refusals, pressures;
	unsigned exceeded_len;
	uint64_t file_size;
	const void *data;
	const char *reason;
} the;

static void handle_short_file(struct sealpool_view *view,
		uint64_t file_size, void *data) {
	the.short_files++;
	the.file_size = file_size;
	the.data = data;
}

static void handle_failed(struct sealpool_view *view, int error, void *data) {
	the.failures++;
}

static void handle_answered(struct sealpool_view *view, void *data) {
	the.answers++;
}

static void handle_refused(struct sealpool_file *file, void *data) {
	the.refusals++;
	the.data = data;
}

static void handle_exceeded(struct sealpool_account *account,
		const char *reason, void *data) {
	the.exceeded_len++;
	the.data = data;
	the.reason = reason;
}

static void handle_pressure(void *data) {
	the.pressures++;
	the.data = data;
}

static struct sealpool_memory_options make_options(void) {
	return (struct sealpool_memory_options){
		.size = sizeof(struct sealpool_memory_options),
		.data = &the,
		.exceeded = handle_exceeded,
		.refused = handle_refused,
		.short_file = handle_short_file,
		.failed = handle_failed,
		.answered = handle_answered,
	};
}

static void create(const struct sealpool_memory_options *options,
		const struct sealpool_account_limits *limits) {
	the.memory = sealpool_memory_create(options);
	assert_non_null(the.memory);
	the.account = sealpool_account_create(the.memory, limits, &the.account);
	assert_non_null(the.account);
}

/* A file of "size" bytes that are all "byte". The caller has an fd, and another one
 * is returned. */
static int create_file(size_t size, int byte, int seals) {
	static uint8_t bytes[2 * BYTES];
	the.fd = memfd_create("unit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	memset(bytes, byte, size);
	assert_int_equal(pwrite(the.fd, bytes, size, 0), size);
	assert_int_equal(fcntl(the.fd, F_ADD_SEALS, seals), 0);
	return fcntl(the.fd, F_DUPFD_CLOEXEC, 0);
}

static void open_view(int fd) {
	the.file = sealpool_file_open(the.account, fd, BYTES, &the.file, NULL);
	assert_non_null(the.file);
	the.view = sealpool_view_create(the.file, &layout, &the.view);
	assert_non_null(the.view);
}

static int setup(void **state) {
	memset(&the, 0, sizeof(the));
	the.fd = -1;
	return traces_setup(state);
}

/* Whatever is left. */
static int teardown(void **state) {
	if (the.view != NULL) {
		sealpool_view_destroy(the.view);
	}
	sealpool_file_close(the.file);
	if (the.account != NULL) {
		sealpool_account_destroy(the.account);
	}
	if (the.memory != NULL) {
		sealpool_memory_destroy(the.memory);
	}
	if (the.fd >= 0) {
		close(the.fd);
	}
	return traces_teardown(state);
}

static void fill(size_t offset, size_t size, int byte) {
	uint8_t bytes[BYTES];
	memset(bytes, byte, size);
	assert_int_equal(pwrite(the.fd, bytes, size, (off_t)offset), size);
}

/* The byte at a pixel. */
static uint8_t read_at(int x, int y) {
	struct sealpool_view_access access;
	assert_int_equal(sealpool_view_begin(the.view, SEALPOOL_ACCESS_READ,
		&access), 0);
	assert_int_equal(access.format, DRM_FORMAT_XRGB8888);
	assert_int_equal(access.stride, STRIDE);
	const uint8_t *data = access.data;
	uint8_t byte = data[(size_t)y * access.stride + (size_t)x * 4];
	sealpool_view_end(the.view, &access);
	return byte;
}

static bool is_ready(int ms) {
	struct pollfd ready = {
		.fd = sealpool_memory_get_fd(the.memory),
		.events = POLLIN,
	};
	return poll(&ready, 1, ms) == 1;
}

/* As an event loop does, until the counter is not zero; for ten seconds at most. */
static void dispatch_until(const unsigned *counter) {
	for (int i = 0; i < 1000 && *counter == 0; i++) {
		if (is_ready(10)) {
			sealpool_memory_dispatch(the.memory);
		}
	}
	assert_true(*counter > 0);
}

static void dispatch_now(void) {
	for (int i = 0; i < 10 && is_ready(0); i++) {
		sealpool_memory_dispatch(the.memory);
	}
	assert_false(is_ready(0));
}

/* Reading */

static void sealed_file_is_read_in_place(void **state) {
	create(NULL, NULL);
	open_view(create_file(BYTES, 7, F_SEAL_SHRINK));
	assert_int_equal(sealpool_view_get_kind(the.view),
		SEALPOOL_MEMORY_DIRECT);
	assert_true(sealpool_view_get_fd(the.view) >= 0);
	assert_int_equal(read_at(0, 0), 7);
	fill(0, BYTES, 8);
	assert_int_equal(read_at(SIDE - 1, SIDE - 1), 8);
	assert_int_equal(sealpool_account_get_shadow_bytes(the.account), 0);
	assert_int_equal(sealpool_account_get_fds(the.account), 1);
}

static void view_that_is_not_damaged_is_copied_at_each_access(void **state) {
	create(NULL, NULL);
	open_view(create_file(BYTES, 7, 0));
	assert_int_equal(read_at(0, 0), 7);
	fill(0, BYTES, 8);
	assert_int_equal(read_at(0, 0), 8);
}

static void only_damage_is_copied(void **state) {
	create(NULL, NULL);
	open_view(create_file(BYTES, 7, 0));
	if (sealpool_view_get_kind(the.view) != SEALPOOL_MEMORY_SHADOW) {
		skip();
	}
	assert_int_equal(sealpool_view_get_fd(the.view), -ENOTSUP);
	/* All is, the first time. */
	assert_true(sealpool_view_damage(the.view, NULL, 0));
	assert_int_equal(read_at(0, 0), 7);
	assert_true(sealpool_account_get_shadow_bytes(the.account) >= BYTES);
	fill(0, BYTES, 8);
	assert_true(sealpool_view_damage(the.view, NULL, 0));
	assert_int_equal(read_at(5, 5), 7);
	const struct sealpool_box boxes[] = {
		{ 4, 4, 2, 2 },
		{ SIDE - 1, SIDE - 1, INT32_MAX, INT32_MAX },
		{ INT32_MIN, 9, INT32_MAX, 1 },
		{ 20, 20, -3, 5 },
		{ INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX },
	};
	assert_true(sealpool_view_damage(the.view, boxes, 5));
	assert_int_equal(read_at(5, 5), 8);
	assert_int_equal(read_at(SIDE - 1, SIDE - 1), 8);
	assert_int_equal(read_at(0, 9), 7);
	assert_int_equal(read_at(18, 21), 7);
	assert_true(sealpool_view_damage(the.view, &all, 1));
	assert_int_equal(read_at(0, 9), 8);
}

static void file_that_is_sealed_later_is_read_in_place_from_then_on(
		void **state) {
	create(NULL, NULL);
	open_view(create_file(BYTES, 7, 0));
	assert_int_equal(fcntl(the.fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	sealpool_view_damage(the.view, &all, 1);
	assert_int_equal(read_at(0, 0), 7);
	assert_int_equal(sealpool_view_get_kind(the.view),
		SEALPOOL_MEMORY_DIRECT);
}

static void missing_bytes_read_as_zero_and_are_told_once(void **state) {
	const struct sealpool_memory_options options = make_options();
	create(&options, NULL);
	open_view(create_file(BYTES, 7, 0));
	assert_int_equal(ftruncate(the.fd, STRIDE), 0);
	for (int i = 0; i < 3; i++) {
		sealpool_view_damage(the.view, &all, 1);
		assert_int_equal(read_at(0, 0), 7);
		assert_int_equal(read_at(0, SIDE - 1), 0);
	}
	assert_int_equal(the.short_files, 0);
	dispatch_until(&the.short_files);
	dispatch_now();
	assert_int_equal(the.short_files, 1);
	assert_int_equal(the.file_size, STRIDE);
	assert_ptr_equal(the.data, &the.view);
}

static void idle_copy_is_given_back(void **state) {
	const struct sealpool_memory_options options = {
		.size = sizeof(options),
		.shadow_idle_ms = 20,
	};
	create(&options, NULL);
	open_view(create_file(BYTES, 7, 0));
	sealpool_view_damage(the.view, &all, 1);
	read_at(0, 0);
	for (int i = 0; i < 1000 && sealpool_account_get_shadow_bytes(
			the.account) > 0; i++) {
		if (is_ready(10)) {
			sealpool_memory_dispatch(the.memory);
		}
	}
	assert_int_equal(sealpool_account_get_shadow_bytes(the.account), 0);
	assert_int_equal(read_at(0, 0), 7);
}

/* Writing */

static void written_bytes_reach_the_client(void **state) {
	for (int sealed = 0; sealed < 2; sealed++) {
		create(NULL, NULL);
		open_view(create_file(BYTES, 7, sealed ? F_SEAL_SHRINK : 0));
		struct sealpool_view_access access;
		assert_int_equal(sealpool_view_begin(the.view,
			SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE, &access), 0);
		uint8_t *bytes = access.data, found[3];
		bytes[1] = 9;
		sealpool_view_end(the.view, &access);
		assert_int_equal(pread(the.fd, found, 3, 0), 3);
		assert_memory_equal(found, ((uint8_t[]){ 7, 9, 7 }), 3);
		assert_int_equal(lseek(the.fd, 0, SEEK_END), BYTES);
		teardown(state);
		setup(state);
	}
}

static void memory_that_cannot_be_written_is_not(void **state) {
	create(NULL, NULL);
	close(create_file(BYTES, 7, 0));
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", the.fd);
	open_view(open(path, O_RDONLY | O_CLOEXEC));
	struct sealpool_view_access access;
	assert_int_equal(sealpool_view_begin(the.view, SEALPOOL_ACCESS_WRITE,
		&access), -EACCES);
	assert_null(access.data);
	assert_int_equal(access.stride, STRIDE);
	sealpool_view_end(the.view, &access);
	assert_int_equal(read_at(0, 0), 7);
}

/* Errors */

static void expect_refused(int fd, uint64_t size, int error) {
	const char *reason = NULL;
	errno = 0;
	assert_null(sealpool_file_open(the.account, fd, size, NULL, &reason));
	assert_int_equal(errno, error);
	assert_non_null(reason);
}

static void fd_that_is_not_to_be_read_is_refused_and_closed(void **state) {
	create(NULL, NULL);
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

static void layout_outside_of_the_file_is_refused(void **state) {
	create(NULL, NULL);
	open_view(create_file(2 * BYTES, 7, F_SEAL_SHRINK));
	const struct {
		struct sealpool_layout layout;
		int error;
	} wrong[] = {
		{ { 0, SIDE, SIDE, STRIDE, 0x20202020 }, ENOTSUP },
		{ { -4, SIDE, 1, STRIDE, DRM_FORMAT_XRGB8888 }, EINVAL },
		{ { 0, 0, SIDE, STRIDE, DRM_FORMAT_XRGB8888 }, EINVAL },
		{ { 0, SIDE, -1, STRIDE, DRM_FORMAT_XRGB8888 }, EINVAL },
		{ { 0, SIDE, SIDE, STRIDE - 4, DRM_FORMAT_XRGB8888 }, EINVAL },
		{ { 4, SIDE, SIDE, STRIDE, DRM_FORMAT_XRGB8888 }, ERANGE },
		{ { 0, INT32_MAX, INT32_MAX, INT32_MAX, DRM_FORMAT_C8 }, ERANGE },
		{ { 0, SIDE, SIDE, STRIDE, DRM_FORMAT_NV12 }, ERANGE },
		{ { 0, SIDE, SIDE, SIDE, DRM_FORMAT_NV12 }, 0 },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		errno = 0;
		struct sealpool_view *view = sealpool_view_create(the.file,
			&wrong[i].layout, NULL);
		assert_true((view == NULL) == (wrong[i].error != 0));
		assert_int_equal(errno, wrong[i].error);
		if (view != NULL) {
			sealpool_view_destroy(view);
		}
	}
	assert_true(sealpool_format_is_known(DRM_FORMAT_NV12));
	assert_false(sealpool_format_is_known(0x20202020));
}

static void file_grows_and_never_shrinks(void **state) {
	create(NULL, NULL);
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

static void planes_are_where_wl_shm_has_them(void **state) {
	create(NULL, NULL);
	open_view(create_file(2 * BYTES, 7, F_SEAL_SHRINK));
	const struct sealpool_layout nv12 = {
		64, SIDE, SIDE, SIDE, DRM_FORMAT_NV12,
	};
	struct sealpool_view *view =
		sealpool_view_create(the.file, &nv12, NULL);
	assert_non_null(view);
	int32_t offset, stride;
	assert_true(sealpool_view_get_plane(view, 0, &offset, &stride));
	assert_int_equal(offset, 64);
	assert_int_equal(stride, SIDE);
	assert_true(sealpool_view_get_plane(view, 1, &offset, &stride));
	assert_int_equal(offset, 64 + SIDE * SIDE);
	assert_int_equal(stride, SIDE);
	assert_false(sealpool_view_get_plane(view, 2, &offset, &stride));
	sealpool_view_destroy(view);
}

/* Limits */

static void client_has_no_more_files_than_its_limit(void **state) {
	const struct sealpool_account_limits limits = {
		.size = sizeof(limits), .fds = 1,
	};
	create(NULL, &limits);
	open_view(create_file(BYTES, 7, 0));
	expect_refused(fcntl(the.fd, F_DUPFD_CLOEXEC, 0), BYTES, EDQUOT);
	/* Another client is not concerned. */
	struct sealpool_account *other =
		sealpool_account_create(the.memory, NULL, NULL);
	struct sealpool_file *file = sealpool_file_open(other,
		fcntl(the.fd, F_DUPFD_CLOEXEC, 0), BYTES, NULL, NULL);
	assert_non_null(file);
	sealpool_file_close(file);
	sealpool_account_destroy(other);
}

#define ALL_FDS 12

/* Opens as many files as are allowed, by two clients, and checks that it is the limit
 * of all that ends this. */
static void fill_all_fds(struct sealpool_account *accounts[2],
		struct sealpool_file *files[ALL_FDS * 2]) {
	size_t i = 0;
	close(create_file(BYTES, 7, 0));
	for (;; i++) {
		assert_true(i < ALL_FDS * 2);
		files[i] = sealpool_file_open(accounts[i % 3 == 0],
			fcntl(the.fd, F_DUPFD_CLOEXEC, 0), BYTES, NULL, NULL);
		if (files[i] == NULL) {
			break;
		}
	}
	assert_int_equal(errno, EMFILE);
	assert_true(i >= ALL_FDS);
}

static void test_pressure(bool has_hook) {
	struct sealpool_memory_options options = make_options();
	options.all_fds = ALL_FDS;
	options.pressure = has_hook ? handle_pressure : NULL;
	create(&options, NULL);
	static struct sealpool_account *accounts[2];
	static struct sealpool_file *files[ALL_FDS * 2];
	accounts[0] = sealpool_account_create(the.memory, NULL, accounts);
	accounts[1] = the.account;
	fill_all_fds(accounts, files);
	dispatch_until(has_hook ? &the.pressures : &the.exceeded_len);
	assert_int_equal(the.pressures, has_hook);
	assert_int_equal(the.exceeded_len, !has_hook);
	/* Two of three are the other's. */
	assert_ptr_equal(the.data, has_hook ? (void *)&the : (void *)accounts);
	for (size_t i = 0; files[i] != NULL; i++) {
		sealpool_file_close(files[i]);
	}
	assert_int_equal(sealpool_account_get_fds(the.account), 0);
	sealpool_account_destroy(accounts[0]);
}

static void too_many_files_of_all_are_told(void **state) {
	test_pressure(true);
}

static void client_with_most_files_is_told_of_by_default(void **state) {
	test_pressure(false);
}

static void copy_over_the_limit_reads_as_zero_and_is_told(void **state) {
	const struct sealpool_memory_options options = make_options();
	const struct sealpool_account_limits limits = {
		.size = sizeof(limits), .shadow_bytes = 1,
	};
	create(&options, &limits);
	open_view(create_file(BYTES, 7, 0));
	if (sealpool_view_get_kind(the.view) != SEALPOOL_MEMORY_SHADOW) {
		skip();
	}
	assert_int_equal(read_at(0, 0), 0);
	assert_int_equal(read_at(0, 0), 0);
	dispatch_until(&the.exceeded_len);
	dispatch_now();
	assert_int_equal(the.exceeded_len, 1);
	assert_ptr_equal(the.data, &the.account);
	assert_non_null(the.reason);
	assert_int_equal(the.short_files, 0);
}

/* Ends */

static void frozen_copy_keeps_its_contents(void **state) {
	create(NULL, NULL);
	open_view(create_file(BYTES, 7, 0));
	if (sealpool_view_get_kind(the.view) != SEALPOOL_MEMORY_SHADOW) {
		skip();
	}
	assert_int_equal(read_at(0, 0), 7);
	sealpool_view_freeze(the.view);
	fill(0, BYTES, 8);
	assert_int_equal(read_at(0, 0), 7);
	assert_int_equal(ftruncate(the.fd, 0), 0);
	sealpool_account_destroy(the.account);
	the.account = NULL;
	assert_int_equal(read_at(0, 0), 7);
}

static void view_outlives_file_client_and_memory(void **state) {
	for (int sealed = 0; sealed < 2; sealed++) {
		create(NULL, NULL);
		open_view(create_file(BYTES, 7, sealed ? F_SEAL_SHRINK : 0));
		assert_int_equal(read_at(0, 0), 7);
		sealpool_file_close(the.file);
		the.file = NULL;
		sealpool_memory_destroy(the.memory);
		the.memory = NULL;
		assert_int_equal(read_at(0, 0), 7);
		sealpool_account_destroy(the.account);
		the.account = NULL;
		assert_int_equal(read_at(0, 0), 7);
		assert_int_equal(sealpool_view_get_fd(the.view), -ENOTSUP);
		teardown(state);
		setup(state);
	}
}

static void end_all(struct sealpool_view *view, uint64_t file_size,
		void *data) {
	the.short_files++;
	sealpool_view_destroy(the.view);
	the.view = NULL;
	sealpool_file_close(the.file);
	the.file = NULL;
	sealpool_account_destroy(the.account);
	the.account = NULL;
}

static void hook_may_destroy_what_it_is_about(void **state) {
	struct sealpool_memory_options options = make_options();
	options.short_file = end_all;
	create(&options, NULL);
	open_view(create_file(BYTES, 7, 0));
	assert_int_equal(ftruncate(the.fd, 0), 0);
	sealpool_view_damage(the.view, &all, 1);
	read_at(0, 0);
	dispatch_until(&the.short_files);
	assert_null(the.view);
}

/* Files that are not memory */

static void directory_is_refused_by_a_hook(void **state) {
	const struct sealpool_memory_options options = make_options();
	create(&options, NULL);
	the.file = sealpool_file_open(the.account, open("/", O_RDONLY | O_CLOEXEC),
		BYTES, &the.file, NULL);
	assert_non_null(the.file);
	dispatch_until(&the.refusals);
	assert_ptr_equal(the.data, &the.file);
}

static void file_that_is_closed_is_not_refused(void **state) {
	const struct sealpool_memory_options options = make_options();
	create(&options, NULL);
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

/* This program is a file, mostly on a disk. */
static void file_on_a_disk_is_read_by_a_thread(void **state) {
	const struct sealpool_memory_options options = make_options();
	create(&options, NULL);
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
	create(&options, NULL);
	the.file = sealpool_file_open(the.account, open("/", O_RDONLY | O_CLOEXEC),
		BYTES, NULL, NULL);
	assert_non_null(the.file);
	expect_refused(open("/", O_RDONLY | O_CLOEXEC), BYTES, EBUSY);
}

/* Threads */

static atomic_bool stop;

static void *read_often(void *data) {
	unsigned *wrong = data;
	while (!stop) {
		uint8_t byte = read_at(3, 3);
		*wrong += byte != 7 && byte != 0;
	}
	return NULL;
}

static void any_thread_may_read(void **state) {
	const struct sealpool_memory_options options = make_options();
	create(&options, NULL);
	open_view(create_file(BYTES, 7, 0));
	pthread_t threads[2];
	unsigned wrong[2] = { 0 };
	stop = false;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, read_often,
			&wrong[i]), 0);
	}
	for (int i = 0; i < 300; i++) {
		if (i == 200) {
			assert_int_equal(ftruncate(the.fd, 0), 0);
		}
		sealpool_view_damage(the.view, &all, 1);
		if (is_ready(1)) {
			sealpool_memory_dispatch(the.memory);
		}
	}
	dispatch_until(&the.short_files);
	stop = true;
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(wrong[i], 0);
	}
}

#define TEST_PUBLIC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_PUBLIC(sealed_file_is_read_in_place),
		TEST_PUBLIC(view_that_is_not_damaged_is_copied_at_each_access),
		TEST_PUBLIC(only_damage_is_copied),
		TEST_PUBLIC(file_that_is_sealed_later_is_read_in_place_from_then_on),
		TEST_PUBLIC(missing_bytes_read_as_zero_and_are_told_once),
		TEST_PUBLIC(idle_copy_is_given_back),
		TEST_PUBLIC(written_bytes_reach_the_client),
		TEST_PUBLIC(memory_that_cannot_be_written_is_not),
		TEST_PUBLIC(fd_that_is_not_to_be_read_is_refused_and_closed),
		TEST_PUBLIC(layout_outside_of_the_file_is_refused),
		TEST_PUBLIC(file_grows_and_never_shrinks),
		TEST_PUBLIC(planes_are_where_wl_shm_has_them),
		TEST_PUBLIC(client_has_no_more_files_than_its_limit),
		TEST_PUBLIC(too_many_files_of_all_are_told),
		TEST_PUBLIC(client_with_most_files_is_told_of_by_default),
		TEST_PUBLIC(copy_over_the_limit_reads_as_zero_and_is_told),
		TEST_PUBLIC(frozen_copy_keeps_its_contents),
		TEST_PUBLIC(view_outlives_file_client_and_memory),
		TEST_PUBLIC(hook_may_destroy_what_it_is_about),
		TEST_PUBLIC(directory_is_refused_by_a_hook),
		TEST_PUBLIC(file_that_is_closed_is_not_refused),
		TEST_PUBLIC(file_on_a_disk_is_read_by_a_thread),
		TEST_PUBLIC(files_that_are_not_memory_are_limited),
		TEST_PUBLIC(any_thread_may_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
