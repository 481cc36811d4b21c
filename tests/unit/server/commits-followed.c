/* SPDX-License-Identifier: MIT */
/* Which buffers are tracked: as buffers and surfaces are created and destroyed, and where
 * buffers are read in place. */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "between.h"
#include "server/buffer.h"
#include "server/context.h"
#include "server/surface.h"
#include "tracker.h"
#include "wlr-screencopy-unstable-v1-client-protocol.h"

/* Creation and destruction */

static void buffer_that_returns_after_none_is_stale(void **state) {
	begin_with(0);
	wl_surface_attach(test.surfaces[0], NULL, 0, 0);
	commit();
	expect_current(0);
	show(0, 10, 0, 10, 10);
	expect_all_stale(0);
}

static void buffer_that_is_destroyed_before_its_commit_is_none(void **state) {
	begin_with_all(2);
	attach(0);
	settle();
	destroy_buffer(0);
	damage_buffer(10, 0, 10, 10);
	commit();
	expect_current(0);
	show(1, 10, 0, 10, 10);
	expect_all_stale(1);
}

/* As long as the compositor holds it, it shows the last commit. */
static void buffer_that_is_destroyed_grows_stale_no_more(void **state) {
	begin_with(0);
	destroy_buffer(0);
	damage_buffer(10, 0, 10, 10);
	commit();
	expect_current(0);
	show(1, 0, 0, WIDTH, HEIGHT);
	expect_current(0);
}

static void buffer_of_a_destroyed_surface_is_copied_each_time(void **state) {
	begin_with(0);
	expect_current(0);
	destroy_surface(0);
	settle();
	expect_copied_each_time(0);
}

static void surface_that_is_destroyed_with_a_buffer_attached(void **state) {
	begin_with_all(2);
	attach(0);
	damage_buffer(10, 0, 10, 10);
	destroy_surface(0);
	settle();
	destroy_buffer(0);
	destroy_buffer(1);
	settle();
	assert_false(test.buffers[0]->view.tracked);
	assert_false(test.buffers[1]->view.tracked);
}

static void buffer_that_is_shown_elsewhere_is_stale(void **state) {
	begin_with_all(2);
	show_elsewhere(0, 10, 0, 10, 10);
	expect_all_stale(0);
	/* From now on, it is tracked on the other surface. */
	show(1, 10, 0, 10, 10);
	show_elsewhere(0, 50, 0, 10, 10);
	expect_stale(0, { 50, 0, 10, 10 });
	expect_stale(1, { 10, 0, 10, 10 });
}

static void buffer_on_two_surfaces_is_stale_at_commits_of_both(void **state) {
	begin_with(0);
	wl_surface_attach(test.surfaces[1], test.wl_buffers[0], 0, 0);
	wl_surface_commit(test.surfaces[1]);
	settle();
	read_buffer(0);
	damage_buffer(10, 0, 10, 10);
	commit();
	expect_all_stale(0);
}

static void surfaces_do_not_damage_each_other(void **state) {
	begin_with(0);
	wl_surface_attach(test.surfaces[1], test.wl_buffers[1], 0, 0);
	wl_surface_commit(test.surfaces[1]);
	settle();
	read_buffer(1);
	show(0, 10, 0, 10, 10);
	expect_current(1);
	wl_surface_damage_buffer(test.surfaces[1], 50, 0, 10, 10);
	wl_surface_commit(test.surfaces[1]);
	settle();
	expect_stale(0, { 10, 0, 10, 10 });
	expect_stale(1, { 50, 0, 10, 10 });
}

/* A screen capture may be written to it without a commit. */
static void buffer_that_is_handed_to_another_request_is_unknown(
		void **state) {
	begin_with_all(2);
	struct zwlr_screencopy_frame_v1 *frame =
		zwlr_screencopy_manager_v1_capture_output(test.screencopy, 0,
			test.output);
	zwlr_screencopy_frame_v1_copy(frame, test.wl_buffers[1]);
	settle();
	expect_copied_each_time(1);
	expect_current(0);
	/* Until it is committed again. */
	show(1, 10, 0, 10, 10);
	expect_all_stale(1);
	show(1, 10, 0, 10, 10);
	expect_stale(1, { 10, 0, 10, 10 });
	zwlr_screencopy_frame_v1_destroy(frame);
}

static void client_that_goes_leaves_its_last_frame(void **state) {
	begin_with_all(2);
	attach(0);
	damage_buffer(10, 0, 10, 10);
	settle();
	wl_client_destroy(test.wl_client);
	assert_null(test.buffers[0]->resource);
	read_buffer(0);
	read_buffer(1);
}

/* Buffers that are read in place */

/* Changes the file so that all its buffers can be direct. */
static void fill_and_seal(void) {
	static const char bytes[BYTES] = { 1 };
	for (int i = 0; i < BUFFERS; i++) {
		assert_int_equal(pwrite(test.memory, bytes, BYTES, i * BYTES),
			BYTES);
	}
	assert_int_equal(fcntl(test.memory, F_ADD_SEALS, F_SEAL_SHRINK), 0);
}

static void direct_buffers_are_not_followed(void **state) {
	fill_and_seal();
	create_buffer(3, WIDTH, HEIGHT);
	show(3, 10, 0, 10, 10);
	assert_int_equal(sealpool_buffer_get_kind(test.buffers[3]),
		SEALPOOL_MEMORY_DIRECT);
	assert_false(test.buffers[3]->view.tracked);
	assert_null(test.buffers[3]->view.copies);
}

static void buffer_becomes_direct_at_its_commit(void **state) {
	begin_with_all(2);
	fill_and_seal();
	show(0, 10, 0, 10, 10);
	assert_int_equal(sealpool_buffer_get_kind(test.buffers[0]),
		SEALPOOL_MEMORY_DIRECT);
	show(1, 10, 0, 10, 10);
	assert_false(test.buffers[0]->view.tracked);
}

/* When requests are followed */

static bool are_followed(void) {
	return wl_list_empty(
		&test.display.context->commits_needed.listener_list);
}

static void requests_are_not_followed_while_all_is_read_in_place(void **state) {
	create_pool();
	/* The buffer is created before it is drawn. */
	assert_int_equal(fcntl(test.memory, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	wl_shm_pool_destroy(test.pool);
	test.pool = wl_shm_create_pool(test.shm, test.memory, BUFFERS * BYTES);
	create_buffer(0, WIDTH, HEIGHT);
	fill_and_seal();
	assert_non_null(sealpool_buffer_try_from_resource(
		test.buffers[0]->resource));
	show(0, 0, 0, WIDTH, HEIGHT);
	read_buffer(0);
	assert_int_equal(sealpool_buffer_get_kind(test.buffers[0]),
		SEALPOOL_MEMORY_DIRECT);
	assert_int_equal(count_copied(), 0);
	assert_false(are_followed());
}

static void requests_are_followed_from_the_first_buffer_that_is_copied(
		void **state) {
	/* The tracker does not see this request. */
	wl_surface_set_buffer_scale(test.surfaces[0], 2);
	commit();
	assert_false(are_followed());
	create_pool();
	create_buffer(0, WIDTH, HEIGHT);
	assert_true(are_followed());
	begin_with(0);
	damage_buffer(1, 2, 3, 4);
	commit();
	expect_stale(0, { 1, 2, 3, 4 });
	damage(1, 2, 3, 4);
	commit();
	expect_all_stale(0);

	/* A surface that was created later. */
	destroy_surface(0);
	test.surfaces[0] = wl_compositor_create_surface(test.compositor);
	wl_surface_set_buffer_scale(test.surfaces[0], 2);
	begin_with(0);
	damage(1, 2, 3, 4);
	commit();
	expect_stale(0, { 2, 4, 6, 8 });
}

static void requests_are_followed_once_a_sealed_buffer_was_copied(
		void **state) {
	create_pool();
	assert_int_equal(fcntl(test.memory, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	create_buffer(0, WIDTH, HEIGHT);
	assert_false(are_followed());
	/* It is not drawn yet. */
	read_buffer(0);
	assert_false(are_followed());
	assert_non_null(sealpool_buffer_try_from_resource(
		test.buffers[0]->resource));
	assert_true(are_followed());
}

/* What commits cost */

static unsigned searches;

struct wl_listener *__real_wl_resource_get_destroy_listener(
	struct wl_resource *resource, wl_notify_func_t notify);
struct wl_listener *__wrap_wl_resource_get_destroy_listener(
	struct wl_resource *resource, wl_notify_func_t notify);

struct wl_listener *__wrap_wl_resource_get_destroy_listener(
		struct wl_resource *resource, wl_notify_func_t notify) {
	searches += strcmp(wl_resource_get_class(resource), "wl_buffer") == 0;
	return __real_wl_resource_get_destroy_listener(resource, notify);
}

/* Each surface that shows a buffer listens to the end of its wl_buffer. A client may have a
 * hundred thousand surfaces. */
static void listeners_of_a_buffer_are_not_searched(void **state) {
	begin_with_all(2);
	searches = 0;
	show(0, 0, 0, 10, 10);
	show_elsewhere(0, 0, 0, 10, 10);
	show(0, 0, 0, 10, 10);
	destroy_buffer(1);
	settle();
	assert_int_equal(searches, 0);
}

/* Two globals on one display */

static void second_tracker_leaves_buffers_of_the_first_alone(void **state) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888,
	};
	assert_non_null(sealpool_shm_create(test.display.wl, 2, formats, 2,
		NULL));
	begin_with_all(2);
	show(0, 10, 0, 10, 10);
	uint64_t before = count_copied();
	read_buffer(0);
	expect_between(count_copied() - before, 400, BYTES);
	destroy_surface(0);
	settle();
}

#define TEST_SURFACES(name) \
	cmocka_unit_test_setup_teardown(name, tracker_setup_surfaces, \
		tracker_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_TRACKER(buffer_that_returns_after_none_is_stale),
		TEST_TRACKER(buffer_that_is_destroyed_before_its_commit_is_none),
		TEST_TRACKER(buffer_that_is_destroyed_grows_stale_no_more),
		TEST_TRACKER(buffer_of_a_destroyed_surface_is_copied_each_time),
		TEST_TRACKER(surface_that_is_destroyed_with_a_buffer_attached),
		TEST_TRACKER(buffer_that_is_shown_elsewhere_is_stale),
		TEST_TRACKER(buffer_on_two_surfaces_is_stale_at_commits_of_both),
		TEST_TRACKER(surfaces_do_not_damage_each_other),
		TEST_TRACKER(buffer_that_is_handed_to_another_request_is_unknown),
		TEST_TRACKER(client_that_goes_leaves_its_last_frame),
		TEST_TRACKER(direct_buffers_are_not_followed),
		TEST_TRACKER(buffer_becomes_direct_at_its_commit),
		TEST_SURFACES(
			requests_are_not_followed_while_all_is_read_in_place),
		TEST_SURFACES(
			requests_are_followed_from_the_first_buffer_that_is_copied),
		TEST_SURFACES(
			requests_are_followed_once_a_sealed_buffer_was_copied),
		TEST_TRACKER(listeners_of_a_buffer_are_not_searched),
		TEST_TRACKER(second_tracker_leaves_buffers_of_the_first_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
