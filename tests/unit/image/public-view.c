/* SPDX-License-Identifier: MIT */
/*
 * <sealpool/memory.h>: reading and writing views, and their lifetime.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

/* Reading */

static void sealed_file_is_read_in_place(void **state) {
	create_memory(NULL, NULL);
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
	create_memory(NULL, NULL);
	open_view(create_file(BYTES, 7, 0));
	assert_int_equal(read_at(0, 0), 7);
	fill(0, BYTES, 8);
	assert_int_equal(read_at(0, 0), 8);
}

static void only_damage_is_copied(void **state) {
	create_memory(NULL, NULL);
	open_view(create_file(BYTES, 7, 0));
	if (sealpool_view_get_kind(the.view) != SEALPOOL_MEMORY_SHADOW) {
		skip();
	}
	assert_int_equal(sealpool_view_get_fd(the.view), -ENOTSUP);
	/* The first call makes the whole view stale. */
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
	create_memory(NULL, NULL);
	open_view(create_file(BYTES, 7, 0));
	assert_int_equal(fcntl(the.fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	sealpool_view_damage(the.view, &all, 1);
	assert_int_equal(read_at(0, 0), 7);
	/* With MAP_NOFAULT, it was read in place before. */
	assert_int_not_equal(sealpool_view_get_kind(the.view),
		SEALPOOL_MEMORY_SHADOW);
}

static void missing_bytes_read_as_zero_and_are_told_once(void **state) {
	const struct sealpool_memory_options options = make_options();
	create_memory(&options, NULL);
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
	create_memory(&options, NULL);
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
		create_memory(NULL, NULL);
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
		public_teardown(state);
		public_setup(state);
	}
}

static void memory_that_cannot_be_written_is_not(void **state) {
	create_memory(NULL, NULL);
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

/* Layouts */

static void layout_outside_of_the_file_is_refused(void **state) {
	create_memory(NULL, NULL);
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

static void planes_are_where_wl_shm_has_them(void **state) {
	create_memory(NULL, NULL);
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

/* Lifetime */

static void frozen_copy_keeps_its_contents(void **state) {
	create_memory(NULL, NULL);
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

static void newest_copy_is_kept_while_an_older_one_is_read(void **state) {
	create_memory(NULL, NULL);
	open_view(create_file(BYTES, 7, 0));
	if (sealpool_view_get_kind(the.view) != SEALPOOL_MEMORY_SHADOW) {
		skip();
	}
	struct sealpool_view_access older;
	sealpool_view_damage(the.view, &all, 1);
	assert_int_equal(sealpool_view_begin(the.view, SEALPOOL_ACCESS_READ,
		&older), 0);
	fill(0, BYTES, 8);
	sealpool_view_damage(the.view, &all, 1);
	assert_int_equal(read_at(0, 0), 8);
	sealpool_view_freeze(the.view);
	fill(0, BYTES, 9);
	assert_int_equal(read_at(0, 0), 8);
	assert_int_equal(*(uint8_t *)older.data, 7);
	sealpool_view_end(the.view, &older);
	assert_int_equal(read_at(0, 0), 8);
}

static void view_outlives_file_client_and_memory(void **state) {
	for (int sealed = 0; sealed < 2; sealed++) {
		create_memory(NULL, NULL);
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
		public_teardown(state);
		public_setup(state);
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
	create_memory(&options, NULL);
	open_view(create_file(BYTES, 7, 0));
	assert_int_equal(ftruncate(the.fd, 0), 0);
	sealpool_view_damage(the.view, &all, 1);
	read_at(0, 0);
	dispatch_until(&the.short_files);
	assert_null(the.view);
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
	create_memory(&options, NULL);
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
		TEST_PUBLIC(layout_outside_of_the_file_is_refused),
		TEST_PUBLIC(planes_are_where_wl_shm_has_them),
		TEST_PUBLIC(frozen_copy_keeps_its_contents),
		TEST_PUBLIC(newest_copy_is_kept_while_an_older_one_is_read),
		TEST_PUBLIC(view_outlives_file_client_and_memory),
		TEST_PUBLIC(hook_may_destroy_what_it_is_about),
		TEST_PUBLIC(any_thread_may_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
