/* SPDX-License-Identifier: MIT */
/* The public functions about a buffer, and its references. */
#include <drm_fourcc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sealpool/shm.h>

#include "display.h"
#include "image/format.h"
#include "server/buffer.h"
#include "server/context.h"
#include "server/pool.h"
#include "traces.h"

#define WIDTH 8
#define HEIGHT 4

static struct fixture {
	struct display display;
	int peer;
	struct sp_pool *pool;
} fixture;

static struct sealpool_buffer *create_buffer(uint32_t format) {
	struct sp_layout layout;
	assert_true(sp_layout_init(&layout, sp_format_get(format), 64, WIDTH,
		HEIGHT, format == DRM_FORMAT_XRGB8888 ? WIDTH * 4 : WIDTH));
	struct sealpool_buffer *buffer =
		sp_buffer_new(fixture.pool, &layout, false);
	assert_non_null(buffer);
	return buffer;
}

static int setup(void **state) {
	traces_setup(state);
	display_init(&fixture.display, NULL);
	struct wl_client *client =
		display_connect(&fixture.display, &fixture.peer);
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	struct sp_file file;
	const char *reason;
	if (ftruncate(fd, 4096) < 0 || sp_file_init(&file, fd, &reason) < 0) {
		return -1;
	}
	fixture.pool = sp_pool_new(fixture.display.context, client, &file, 4096);
	return fixture.pool != NULL ? 0 : -1;
}

static int teardown(void **state) {
	sp_pool_unref(fixture.pool);
	close(fixture.peer);
	display_finish(&fixture.display);
	return traces_teardown(state);
}

static void only_planes_of_the_format_are_there(void **state) {
	struct sealpool_buffer *buffer = create_buffer(DRM_FORMAT_NV12);
	int32_t offset = -1, stride = -1;
	assert_true(sealpool_buffer_get_plane(buffer, 0, &offset, &stride));
	assert_int_equal(offset, sealpool_buffer_get_offset(buffer));
	assert_int_equal(stride, sealpool_buffer_get_stride(buffer));
	assert_true(sealpool_buffer_get_plane(buffer, 1, &offset, &stride));
	assert_int_equal(offset, 64 + WIDTH * HEIGHT);
	assert_int_equal(stride, WIDTH);
	offset = stride = -1;
	assert_false(sealpool_buffer_get_plane(buffer, 2, &offset, &stride));
	assert_int_equal(offset, -1);
	assert_int_equal(stride, -1);
	sealpool_buffer_unref(buffer);
}

static void *let_go(void *data) {
	sealpool_buffer_unref(data);
	return NULL;
}

static void buffer_goes_on_the_displays_thread(void **state) {
	struct sealpool_buffer *buffers[] = {
		create_buffer(DRM_FORMAT_XRGB8888),
		create_buffer(DRM_FORMAT_XRGB8888),
	};
	struct sp_client *client = fixture.pool->client;
	pthread_t threads[2];
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, let_go,
			buffers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(client->buffers_len, 2);
	display_settle(&fixture.display);
	assert_int_equal(client->buffers_len, 0);
}

static void buffer_goes_with_the_display(void **state) {
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, let_go,
		create_buffer(DRM_FORMAT_XRGB8888)), 0);
	pthread_join(thread, NULL);
	/* Teardown detects leaks. */
}

static void nothing_is_let_go_of(void **state) {
	sealpool_buffer_unref(NULL);
}

int main(void) {
#define TEST_BUFFER(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST_BUFFER(only_planes_of_the_format_are_there),
		TEST_BUFFER(buffer_goes_on_the_displays_thread),
		TEST_BUFFER(buffer_goes_with_the_display),
		TEST_BUFFER(nothing_is_let_go_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
