/* SPDX-License-Identifier: MIT */
/*
 * When copies are given back, by a clock of the test's own: who else reads a
 * pool's shadow keeps it, whatever the clock says.
 */
#include <drm_fourcc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "context.h"
#include "display.h"
#include "memory.h"
#include "pool.h"
#include "traces.h"

#define SIDE 32
#define BYTES (SIDE * SIDE * 4)
#define AFTER 1000

struct fixture {
	struct display display;
	int fd;
	struct wl_client *client;
	struct sp_pool *pool;
	struct sealpool_buffer *buffer;
};

static struct fixture fixture;

/* A buffer in an unsealed file. */
static int setup(void **state) {
	traces_setup(state);
	display_init(&fixture.display, NULL);
	fixture.client = display_connect(&fixture.display, &fixture.fd);
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint8_t bytes[BYTES];
	memset(bytes, 7, sizeof(bytes));
	struct sp_file file;
	const char *reason;
	if (fd < 0 || pwrite(fd, bytes, BYTES, 0) != BYTES ||
			sp_file_init(&file, fd, &reason) < 0) {
		return -1;
	}
	fixture.pool = sp_pool_new(fixture.display.context, fixture.client, &file,
		BYTES);
	struct sp_layout layout;
	const struct sp_format *format = sp_format_get(DRM_FORMAT_XRGB8888);
	if (fixture.pool == NULL || !sp_layout_init(&layout, format, 0, SIDE,
			SIDE, SIDE * 4)) {
		return -1;
	}
	fixture.buffer = sp_buffer_new(fixture.pool, &layout);
	if (fixture.buffer == NULL) {
		return -1;
	}
	/* Any will do, to be there. */
	fixture.buffer->resource = wl_resource_create(fixture.client,
		&wl_buffer_interface, 1, 0);
	return fixture.buffer->resource != NULL ? 0 : -1;
}

static int teardown(void **state) {
	sealpool_buffer_unref(fixture.buffer);
	sp_pool_unref(fixture.pool);
	display_finish(&fixture.display);
	close(fixture.fd);
	return traces_teardown(state);
}

static void init_memory(bool lent) {
	if (lent) {
		assert_int_equal(sp_pool_need_shadow(fixture.pool), 0);
		fixture.pool->shadow_lent = true;
		sp_memory_init_lent(fixture.buffer);
	} else {
		sp_memory_init(fixture.buffer);
	}
	assert_int_equal(sp_memory_sync(fixture.buffer, 0), 0);
	assert_true(fixture.pool->has_shadow);
	assert_int_equal(fixture.pool->shadow.charged, BYTES);
}

static uint64_t drop_at(uint64_t now) {
	return sp_memory_drop_idle(fixture.buffer, now, AFTER);
}

static void copy_goes_when_its_time_has_come(void **state) {
	init_memory(false);
	uint64_t used = fixture.buffer->memory.shadowed->used;
	assert_int_equal(drop_at(used + AFTER - 1), used + AFTER);
	assert_true(fixture.pool->has_shadow);
	assert_int_equal(drop_at(used + AFTER), UINT64_MAX);
	assert_false(fixture.pool->has_shadow);
	assert_int_equal(fixture.pool->client->shadow_bytes, 0);
	assert_int_equal(fixture.pool->client->fds, 1);
	/* Nothing is left to be looked at. */
	assert_int_equal(drop_at(used), UINT64_MAX);
}

static void use_puts_it_off(void **state) {
	init_memory(false);
	struct sp_shadowed *shadowed = fixture.buffer->memory.shadowed;
	uint64_t used = shadowed->used;
	shadowed->used = 0;
	assert_int_equal(sp_memory_sync(fixture.buffer, 0), 0);
	assert_true(shadowed->used >= used && used > 0);
	assert_int_equal(drop_at(used), shadowed->used + AFTER);
	assert_true(fixture.pool->has_shadow);
}

static void shadow_that_is_lent_stays(void **state) {
	init_memory(true);
	assert_int_equal(drop_at(UINT64_MAX / 2), UINT64_MAX);
	assert_true(fixture.pool->has_shadow);
	assert_int_equal(fixture.pool->shadow.charged, BYTES);
	uint8_t byte;
	assert_int_equal(pread(fixture.pool->shadow.fd, &byte, 1, BYTES - 1),
		1);
	assert_int_equal(byte, 7);
}

static void default_is_ten_seconds(void **state) {
	assert_int_equal(fixture.display.context->idle.after, 10000);
}

static void timer_is_set_when_there_is_a_copy(void **state) {
	struct sp_idle *idle = &fixture.display.context->idle;
	display_settle(&fixture.display);
	assert_false(idle->waiting);
	init_memory(false);
	display_settle(&fixture.display);
	assert_true(idle->waiting);
}

static void timer_is_not_set_where_copies_are_never_idle(void **state) {
	struct sp_idle *idle = &fixture.display.context->idle;
	idle->after = UINT32_MAX;
	init_memory(false);
	display_settle(&fixture.display);
	assert_false(idle->waiting);
}

static void timer_waits_for_the_first_copy(void **state) {
	assert_int_equal(sp_idle_get_wait(10000, 500, 10400), 9900);
	assert_int_equal(sp_idle_get_wait(1, 500, 501), 1);
}

/* Ten thousand copies are not looked at ten thousand times. */
static void timer_takes_its_time_between_two_looks(void **state) {
	enum { AGAIN = 10000 };
	uint64_t start = 5000, now = start;
	unsigned looks = 0;
	for (; now < start + AGAIN; looks++) {
		/* There is always a copy that is idle a little later. */
		now += sp_idle_get_wait(AGAIN, now, now + 1);
	}
	assert_in_range(looks, 4, 16);
}

static void buffer_that_was_never_read_has_nothing_to_give(void **state) {
	sp_memory_init(fixture.buffer);
	assert_int_equal(drop_at(UINT64_MAX / 2), UINT64_MAX);
}

#define TEST_IDLE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_IDLE(copy_goes_when_its_time_has_come),
		TEST_IDLE(use_puts_it_off),
		TEST_IDLE(shadow_that_is_lent_stays),
		TEST_IDLE(default_is_ten_seconds),
		TEST_IDLE(timer_is_set_when_there_is_a_copy),
		TEST_IDLE(timer_is_not_set_where_copies_are_never_idle),
		TEST_IDLE(timer_waits_for_the_first_copy),
		TEST_IDLE(timer_takes_its_time_between_two_looks),
		TEST_IDLE(buffer_that_was_never_read_has_nothing_to_give),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
