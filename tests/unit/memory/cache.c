/* SPDX-License-Identifier: MIT */
/*
 * Copies are reclaimed while others are read: each read is exact, and at the end nothing
 * is charged.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "display.h"
#include "memfd.h"
#include "server/buffer.h"
#include "server/context.h"
#include "server/pool.h"
#include "traces.h"

#define SIDE 64
#define BYTES (SIDE * SIDE * 4)
#define BUFFERS 12
/* The number of copies that fit the budget of a client, and of all clients. */
#define COPIES 4
#define ALL_COPIES 5
#define THREADS 4
#define READS 2000

static struct fixture {
	struct display display;
	struct wl_client *clients[2];
	int fds[2];
	/* Each client has half of them. */
	struct sealpool_buffer *buffers[BUFFERS];
} fixture;

static atomic_bool locked;

int __real_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex);

int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex) {
	return locked ? EBUSY : __real_pthread_mutex_trylock(mutex);
}

static uint8_t get_byte(int buffer) {
	return (uint8_t)(buffer + 1);
}

static void create_buffers(int client) {
	enum { EACH = BUFFERS / 2 };
	int fd = create_memfd(0, 0);
	uint8_t bytes[BYTES];
	for (int i = 0; i < EACH; i++) {
		memset(bytes, get_byte(client * EACH + i), BYTES);
		assert_int_equal(pwrite(fd, bytes, BYTES, i * BYTES), BYTES);
	}
	struct sp_file file;
	const char *reason;
	assert_int_equal(sp_file_init(&file, fd, &reason), 0);
	struct sp_pool *pool = sp_pool_new(fixture.display.context,
		fixture.clients[client], &file, EACH * BYTES);
	assert_non_null(pool);
	for (int i = 0; i < EACH; i++) {
		struct sp_layout layout;
		assert_true(sp_layout_init(&layout,
			sp_format_get(DRM_FORMAT_XRGB8888), i * BYTES, SIDE,
			SIDE, SIDE * 4));
		struct sealpool_buffer *buffer =
			sp_buffer_new(pool, &layout, false);
		assert_non_null(buffer);
		buffer->resource = wl_resource_create(fixture.clients[client],
			&wl_buffer_interface, 1, 0);
		fixture.buffers[client * EACH + i] = buffer;
	}
	sp_pool_unref(pool);
}

static int setup(void **state) {
	traces_setup(state);
	display_init(&fixture.display, &(struct sealpool_budget){
		.shadow_bytes = COPIES * BYTES,
		.all_shadow_bytes = ALL_COPIES * BYTES,
	});
	for (int i = 0; i < 2; i++) {
		fixture.clients[i] =
			display_connect(&fixture.display, &fixture.fds[i]);
		create_buffers(i);
	}
	return 0;
}

static int teardown(void **state) {
	for (int i = 0; i < BUFFERS; i++) {
		sealpool_buffer_unref(fixture.buffers[i]);
	}
	uint64_t left = 0;
	for (int i = 0; i < 2; i++) {
		wl_client_destroy(fixture.clients[i]);
		close(fixture.fds[i]);
	}
	for (int i = 0; i < SP_RESOURCES; i++) {
		left += fixture.display.context->all.used[i];
	}
	display_finish(&fixture.display);
	if (left > 0) {
		print_error("%llu are still charged\n",
			(unsigned long long)left);
		return -1;
	}
	return traces_teardown(state);
}

/* Reads a buffer. Returns whether all its bytes are right. */
static bool read_one(int i, uint32_t flags) {
	struct sealpool_access access;
	if (sealpool_buffer_begin_access(fixture.buffers[i], flags,
			&access) < 0) {
		return false;
	}
	const uint8_t *bytes = access.data;
	bool exact = bytes[0] == get_byte(i) &&
		memcmp(bytes, bytes + 1, BYTES - 1) == 0;
	sealpool_buffer_end_access(&access);
	return exact;
}

struct reader {
	pthread_t thread;
	unsigned seed;
	bool writes;
	unsigned wrong;
};

static void *read_many(void *data) {
	struct reader *reader = data;
	for (int i = 0; i < READS; i++) {
		reader->seed = reader->seed * 1103515245 + 12345;
		int buffer = (int)(reader->seed >> 16) % BUFFERS;
		/* Sometimes a copy is written with the bytes that it has, by one thread,
		 * since there may be one write access at a time. */
		uint32_t flags = reader->writes && i % 64 == 63 ? SEALPOOL_ACCESS_READ |
			SEALPOOL_ACCESS_WRITE : SEALPOOL_ACCESS_READ;
		reader->wrong += !read_one(buffer, flags);
	}
	return NULL;
}

/* Each thread uses one copy at a time, so there is always room for it. */
static void copies_are_exact_while_others_are_reclaimed(void **state) {
	struct reader readers[THREADS];
	unsigned wrong = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		readers[i] = (struct reader){ .seed = i, .writes = i == 0 };
		assert_int_equal(pthread_create(&readers[i].thread, NULL,
			read_many, &readers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
		wrong += readers[i].wrong;
	}
	assert_int_equal(wrong, 0);
}

static void no_more_is_kept_than_fits(void **state) {
	const struct sp_account *all = &fixture.display.context->all;
	for (int i = 0; i < 10 * BUFFERS; i++) {
		assert_true(read_one(i % BUFFERS, SEALPOOL_ACCESS_READ));
		assert_in_range(all->used[SP_RESOURCE_SHADOW_BYTES], BYTES,
			ALL_COPIES * BYTES);
	}
}

/* After the wl_buffer is destroyed, the client may draw something else. */
static void copy_of_a_wl_buffer_that_is_gone_stays(void **state) {
	for (int i = 0; i < BUFFERS; i++) {
		assert_true(read_one(i, SEALPOOL_ACCESS_READ));
	}
	struct sealpool_buffer *last = fixture.buffers[BUFFERS - 1];
	struct sealpool_access access;
	sp_view_set_tracked(&last->view, true, 0);
	assert_true(read_one(BUFFERS - 1, SEALPOOL_ACCESS_READ));
	sealpool_buffer_begin_access(last, SEALPOOL_ACCESS_READ, &access);
	const void *data = access.data;
	sealpool_buffer_end_access(&access);
	sp_view_set_final(&last->view);
	for (int i = 0; i < BUFFERS; i++) {
		read_one(i, SEALPOOL_ACCESS_READ);
	}
	sealpool_buffer_begin_access(last, SEALPOOL_ACCESS_READ, &access);
	assert_ptr_equal(access.data, data);
	sealpool_buffer_end_access(&access);
}

/* As if other threads held the locks and did not run. */
static void locks_that_do_not_become_free_are_not_waited_for(void **state) {
	for (int i = 0; i < COPIES; i++) {
		assert_true(read_one(i, SEALPOOL_ACCESS_READ));
	}
	locked = true;
	/* There is no room for its copy. */
	assert_false(read_one(COPIES, SEALPOOL_ACCESS_READ));
	locked = false;
}

#define TEST_CACHE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_CACHE(copies_are_exact_while_others_are_reclaimed),
		TEST_CACHE(no_more_is_kept_than_fits),
		TEST_CACHE(copy_of_a_wl_buffer_that_is_gone_stays),
		TEST_CACHE(locks_that_do_not_become_free_are_not_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
