/* SPDX-License-Identifier: MIT */
/*
 * When unused copies are freed. The tests set the time. Time alone never frees a pinned
 * shadow.
 */
#include <drm_fourcc.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "display.h"
#include "memfd.h"
#include "memory/clock.h"
#include "server/buffer.h"
#include "server/context.h"
#include "server/pool.h"
#include "traces.h"

#define SIDE 32
#define BYTES (SIDE * SIDE * 4)
#define AFTER 1000

struct fixture {
	struct display display;
	int fd;
	struct wl_client *client;
	struct sp_pool *pool;
	struct sp_layout layout;
	struct sealpool_buffer *buffer;
};

static struct fixture fixture;

/* A buffer in an unsealed file. */
static int setup(void **state) {
	traces_setup(state);
	display_init(&fixture.display, NULL);
	fixture.client = display_connect(&fixture.display, &fixture.fd);
	int fd = create_memfd(BYTES, 0);
	fill_memfd(fd, BYTES, 7);
	struct sp_file file;
	const char *reason;
	if (sp_file_init(&file, fd, &reason) < 0) {
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
	fixture.layout = layout;
	return 0;
}

static int teardown(void **state) {
	if (fixture.buffer != NULL) {
		sealpool_buffer_unref(fixture.buffer);
		fixture.buffer = NULL;
	}
	sp_pool_unref(fixture.pool);
	display_finish(&fixture.display);
	close(fixture.fd);
	return traces_teardown(state);
}

static void create_buffer(bool guarded) {
	fixture.buffer = sp_buffer_new(fixture.pool, &fixture.layout, guarded);
	assert_non_null(fixture.buffer);
	/* Any resource will do. */
	fixture.buffer->resource = wl_resource_create(fixture.client,
		&wl_buffer_interface, 1, 0);
	assert_non_null(fixture.buffer->resource);
}

static void read_buffer(void) {
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(fixture.buffer,
		SEALPOOL_ACCESS_READ, &access), 0);
	sealpool_buffer_end_access(&access);
}

static uint64_t get_bytes(void) {
	const struct sp_account *account = &fixture.pool->client->account;
	return account->used[SP_RESOURCE_SHADOW_BYTES];
}

static uint64_t drop_at(uint64_t now) {
	return sp_cache_drop_old(&fixture.display.context->memory.cache,
		now - AFTER);
}

static void copy_goes_when_its_time_has_come(void **state) {
	create_buffer(false);
	read_buffer();
	assert_int_equal(get_bytes(), BYTES);
	uint64_t used = drop_at(AFTER);
	assert_true(used > 0 && used <= sp_clock_now());
	assert_int_equal(drop_at(used + AFTER - 1), used);
	assert_int_equal(get_bytes(), BYTES);
	assert_int_equal(drop_at(used + AFTER), UINT64_MAX);
	assert_int_equal(get_bytes(), 0);
	/* The copy is created again. */
	read_buffer();
	assert_int_equal(get_bytes(), BYTES);
}

static void copy_that_is_used_stays(void **state) {
	create_buffer(false);
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(fixture.buffer,
		SEALPOOL_ACCESS_READ, &access), 0);
	assert_int_equal(drop_at(UINT64_MAX), UINT64_MAX);
	assert_int_equal(get_bytes(), BYTES);
	assert_int_equal(*(uint8_t *)access.data, 7);
	sealpool_buffer_end_access(&access);
	drop_at(UINT64_MAX);
	assert_int_equal(get_bytes(), 0);
}

static void pinned_shadow_stays(void **state) {
	struct sp_backing *backing = &fixture.pool->backing;
	assert_int_equal(sp_backing_pin(backing), 0);
	create_buffer(true);
	assert_int_equal(sp_view_sync(&fixture.buffer->view, 0), 0);
	assert_int_equal(drop_at(UINT64_MAX), UINT64_MAX);
	assert_int_equal(backing->pinned.shadow.charged, BYTES);
	uint8_t byte;
	assert_int_equal(pread(backing->pinned.shadow.fd, &byte, 1, BYTES - 1), 1);
	assert_int_equal(byte, 7);
}

static void pinned_shadow_on_offer_goes(void **state) {
	struct sp_backing *backing = &fixture.pool->backing;
	const struct sp_account *account = backing->account;
	assert_int_equal(sp_backing_pin(backing), 0);
	create_buffer(true);
	struct sp_view *view = &fixture.buffer->view;
	assert_int_equal(sp_view_sync(view, 0), 0);
	assert_int_equal(account->used[SP_RESOURCE_PINNED_BYTES], BYTES);
	sp_view_offer(view);
	/* Used again before it is freed. */
	assert_int_equal(sp_view_reserve(view), 0);
	drop_at(UINT64_MAX);
	assert_int_equal(backing->pinned.shadow.charged, BYTES);

	sp_view_offer(view);
	drop_at(UINT64_MAX);
	assert_int_equal(backing->pinned.shadow.charged, 0);
	assert_int_equal(account->used[SP_RESOURCE_PINNED_BYTES], 0);
	assert_int_equal(account->used[SP_RESOURCE_SHADOW_BYTES], 0);
	uint8_t byte;
	assert_int_equal(pread(backing->pinned.shadow.fd, &byte, 1, BYTES - 1), 1);
	assert_int_equal(byte, 0);

	assert_int_equal(sp_view_reserve(view), 0);
	assert_int_equal(account->used[SP_RESOURCE_PINNED_BYTES], BYTES);
	assert_int_equal(sp_view_sync(view, 0), 0);
	assert_int_equal(pread(backing->pinned.shadow.fd, &byte, 1, BYTES - 1), 1);
	assert_int_equal(byte, 7);
}

static unsigned unmapped;
/* The pages that had memory then. */
static uint64_t resident;

int __real_munmap(void *data, size_t size);
int __wrap_munmap(void *data, size_t size);

int __wrap_munmap(void *data, size_t size) {
	static unsigned char pages[1 << 15];
	if (size >= (64 << 20) && size / page_size() <= sizeof(pages) &&
			mincore(data, size, pages) == 0) {
		unmapped++;
		for (uint64_t i = 0; i < size / page_size(); i++) {
			resident += pages[i] & 1;
		}
	}
	return __real_munmap(data, size);
}

/* Freeing takes time: 64 MiB are freed at once, or one copy. */
static void what_is_idle_is_freed_little_by_little(void **state) {
	enum { WIDE = 4096, HIGH = 4096, LARGE = WIDE * HIGH * 4 };
	struct sp_cache *cache = &fixture.display.context->memory.cache;
	struct sp_layout layout;
	struct sp_file file;
	const char *reason;
	const struct sp_format *format = sp_format_get(DRM_FORMAT_XRGB8888);
	assert_true(sp_layout_init(&layout, format, 0, WIDE, HIGH, WIDE * 4));
	int fd = create_memfd(LARGE, 0);
	fill_memfd(fd, LARGE / 8, 7);
	assert_int_equal(sp_file_init(&file, fd, &reason), 0);
	struct sp_pool *pool = sp_pool_new(fixture.display.context,
		fixture.client, &file, LARGE);
	assert_non_null(pool);
	struct sealpool_buffer *buffers[3];
	for (uint64_t i = 0; i < 3; i++) {
		buffers[i] = sp_buffer_new(pool, &layout, false);
		assert_non_null(buffers[i]);
		struct sealpool_access access;
		sealpool_buffer_begin_access(buffers[i], SEALPOOL_ACCESS_READ,
			&access);
		sealpool_buffer_end_access(&access);
		assert_int_equal(get_bytes(), (i + 1) * LARGE);
	}
	resident = unmapped = 0;
	assert_int_equal(sp_cache_drop_idle(cache, 0), 1);
	assert_int_equal(get_bytes(), 2 * LARGE);
	/* While munmap() frees pages, other threads cannot map anything. */
	assert_int_equal(unmapped, 1);
	assert_int_equal(resident, 0);
	assert_int_equal(sp_cache_drop_idle(cache, 0), 1);
	assert_int_equal(get_bytes(), LARGE);
	assert_int_equal(sp_cache_drop_idle(cache, 0), UINT64_MAX);
	assert_int_equal(get_bytes(), 0);
	for (int i = 0; i < 3; i++) {
		sealpool_buffer_unref(buffers[i]);
	}
	sp_pool_unref(pool);
}

static void default_is_ten_seconds(void **state) {
	assert_int_equal(fixture.display.context->memory.idle_ms,
		10000);
}

static void timer_is_set_when_there_is_a_copy(void **state) {
	struct sp_context *context = fixture.display.context;
	display_settle(&fixture.display);
	assert_false(context->memory.is_tended);
	create_buffer(false);
	read_buffer();
	display_settle(&fixture.display);
	assert_true(context->memory.is_tended);
}

/* A client with two buffers empties the cache at each frame. */
static void who_fills_the_cache_again_wakes_nobody(void **state) {
	struct sp_context *context = fixture.display.context;
	create_buffer(false);
	read_buffer();
	assert_non_null(context->mailbox.posted[SP_MAIL_UPKEEP]);
	display_settle(&fixture.display);
	read_buffer();
	assert_null(context->mailbox.posted[SP_MAIL_UPKEEP]);
	assert_true(context->memory.is_tended);
}

static void timer_is_not_set_where_copies_are_never_idle(void **state) {
	struct sp_context *context = fixture.display.context;
	context->memory.idle_ms = UINT32_MAX;
	create_buffer(false);
	read_buffer();
	display_settle(&fixture.display);
	assert_false(context->memory.is_tended);
}

static void timer_waits_for_the_first_copy(void **state) {
	assert_int_equal(sp_cache_get_wait(10000, 500, 10400), 9900);
	assert_int_equal(sp_cache_get_wait(1, 500, 501), 1);
}

/* Ten thousand copies are not examined ten thousand times. */
static void timer_takes_its_time_between_two_looks(void **state) {
	enum { AGAIN = 10000 };
	uint64_t start = 5000, now = start;
	unsigned looks = 0;
	for (; now < start + AGAIN; looks++) {
		/* Another copy always becomes idle a little later. */
		now += sp_cache_get_wait(AGAIN, now, now + 1);
	}
	assert_in_range(looks, 4, 16);
}

#define TEST_IDLE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_IDLE(copy_goes_when_its_time_has_come),
		TEST_IDLE(copy_that_is_used_stays),
		TEST_IDLE(pinned_shadow_stays),
		TEST_IDLE(pinned_shadow_on_offer_goes),
		TEST_IDLE(what_is_idle_is_freed_little_by_little),
		TEST_IDLE(default_is_ten_seconds),
		TEST_IDLE(timer_is_set_when_there_is_a_copy),
		TEST_IDLE(who_fills_the_cache_again_wakes_nobody),
		TEST_IDLE(timer_is_not_set_where_copies_are_never_idle),
		TEST_IDLE(timer_waits_for_the_first_copy),
		TEST_IDLE(timer_takes_its_time_between_two_looks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
