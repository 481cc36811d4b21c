/* SPDX-License-Identifier: MIT */
/* Which pixels damage makes stale when a surface is scaled, transformed or moved. */
#include "server/buffer.h"
#include "tracker.h"
#include "viewporter-client-protocol.h"

/* Coordinates */

static void commit_damage(void) {
	damage(10, 11, 12, 13);
	commit();
}

static void expect_buffer_damage_stale(void) {
	damage_buffer(10, 11, 12, 13);
	commit();
	expect_stale(0, { 10, 11, 12, 13 });
}

static void expect_all_stale_by_damage(void) {
	commit_damage();
	expect_all_stale(0);
}

static void damage_of_the_surface_is_that_of_the_buffer(void **state) {
	begin_with(0);
	damage(10, 11, 12, 13);
	damage_buffer(100, 20, 5, 5);
	commit();
	expect_stale(0, { 10, 11, 12, 13 }, { 100, 20, 5, 5 });
}

static void set_scale(int32_t scale) {
	wl_surface_set_buffer_scale(test.surfaces[0], scale);
}

static void damage_of_the_surface_is_scaled_with_it(void **state) {
	begin_with(0);
	set_scale(3);
	commit();
	read_buffer(0);
	damage(10, 2, 5, 4);
	commit();
	expect_stale(0, { 30, 6, 15, 12 });
	damage(-5, -5, 6, 6);
	damage(WIDTH / 3, 0, 100, 1);
	commit();
	expect_stale(0, { 0, 0, 3, 3 }, { WIDTH / 3 * 3, 0, 2, 3 });
}

static void damage_of_the_buffer_is_not_scaled(void **state) {
	begin_with(0);
	set_scale(2);
	commit();
	read_buffer(0);
	expect_buffer_damage_stale();
}

static void scaled_damage_does_not_overflow(void **state) {
	begin_with(0);
	set_scale(INT32_MAX);
	commit();
	read_buffer(0);
	damage(0, 0, INT32_MAX, INT32_MAX);
	commit();
	expect_all_stale(0);
	damage(INT32_MIN, INT32_MIN, 10, 10);
	damage(2, 0, INT32_MAX, INT32_MAX);
	commit();
	expect_current(0);
}

static void change_of_scale_makes_all_stale(void **state) {
	begin_with_all(2);
	set_scale(2);
	settle();
	expect_current(1);
	show(1, 10, 0, 10, 10);
	expect_all_stale(1);
	show(0, 10, 0, 10, 10);
	expect_all_stale(0);
	set_scale(2);
	show(0, 10, 0, 10, 10);
	expect_stale(0, { 10, 0, 10, 10 });
}

static void scale_that_cannot_be_is_ignored(void **state) {
	begin_with(0);
	set_scale(0);
	set_scale(-1);
	commit_damage();
	expect_stale(0, { 10, 11, 12, 13 });
}

static void scale_before_the_first_buffer_counts(void **state) {
	set_scale(2);
	commit();
	begin_with(0);
	damage(10, 2, 5, 4);
	commit();
	expect_stale(0, { 20, 4, 10, 8 });
}

static void set_transform(int32_t transform) {
	wl_surface_set_buffer_transform(test.surfaces[0], transform);
}

static void change_of_transform_makes_all_stale(void **state) {
	begin_with(0);
	set_transform(WL_OUTPUT_TRANSFORM_90);
	show(0, 10, 0, 10, 10);
	expect_all_stale(0);
	set_transform(WL_OUTPUT_TRANSFORM_NORMAL);
	show(0, 10, 0, 10, 10);
	expect_all_stale(0);
	commit_damage();
	expect_stale(0, { 10, 11, 12, 13 });
}

static void damage_of_a_transformed_surface_makes_all_stale(void **state) {
	begin_with(0);
	for (int32_t transform = WL_OUTPUT_TRANSFORM_90;
			transform <= WL_OUTPUT_TRANSFORM_FLIPPED_270;
			transform++) {
		set_transform(transform);
		commit();
		read_buffer(0);
		expect_all_stale_by_damage();
		expect_buffer_damage_stale();
	}
}

static void damage_of_a_surface_with_a_viewport_makes_all_stale(
		void **state) {
	begin_with(0);
	struct wp_viewport *viewport = wp_viewporter_get_viewport(
		test.viewporter, test.surfaces[0]);
	wp_viewport_set_destination(viewport, 100, 100);
	expect_all_stale_by_damage();
	expect_buffer_damage_stale();
	/* The viewport is destroyed at the next commit; damage may precede or follow the
	 * request. */
	damage(10, 11, 12, 13);
	wp_viewport_destroy(viewport);
	commit();
	expect_all_stale(0);
}

static void viewport_before_the_first_buffer_counts(void **state) {
	struct wp_viewport *viewport = wp_viewporter_get_viewport(
		test.viewporter, test.surfaces[0]);
	settle();
	begin_with(0);
	expect_all_stale_by_damage();
	wp_viewport_destroy(viewport);
}

static void surface_that_moves_makes_all_stale(void **state) {
	begin_with(0);
	wl_surface_attach(test.surfaces[0], test.wl_buffers[0], 0, 0);
	wl_surface_offset(test.surfaces[0], 0, 0);
	commit();
	expect_current(0);
	wl_surface_offset(test.surfaces[0], 0, 1);
	commit();
	expect_all_stale(0);
	wl_surface_offset(test.surfaces[0], -1, 0);
	commit();
	expect_all_stale(0);
	commit();
	expect_current(0);
}

/* Before version 5, the arguments of attach move the surface. */
static void attach_that_moves_the_surface_makes_all_stale(void **state) {
	begin_with(0);
	wl_surface_attach(test.surfaces[0], test.wl_buffers[0], 1, 0);
	commit();
	expect_all_stale(0);
	wl_surface_attach(test.surfaces[0], test.wl_buffers[0], 0, -1);
	commit();
	expect_all_stale(0);
}

static void change_of_size_makes_all_stale(void **state) {
	begin_with_all(2);
	create_buffer(3, WIDTH, HEIGHT - 1);
	show(3, 10, 0, 10, 10);
	show(0, 10, 0, 10, 10);
	expect_all_stale(0);
	destroy_buffer(3);
	sealpool_buffer_unref(test.buffers[3]);
	create_buffer(3, WIDTH - 1, HEIGHT);
	show(3, 10, 0, 10, 10);
	show(1, 10, 0, 10, 10);
	expect_all_stale(1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_TRACKER(damage_of_the_surface_is_that_of_the_buffer),
		TEST_TRACKER(damage_of_the_surface_is_scaled_with_it),
		TEST_TRACKER(damage_of_the_buffer_is_not_scaled),
		TEST_TRACKER(scaled_damage_does_not_overflow),
		TEST_TRACKER(change_of_scale_makes_all_stale),
		TEST_TRACKER(scale_that_cannot_be_is_ignored),
		TEST_TRACKER(scale_before_the_first_buffer_counts),
		TEST_TRACKER(change_of_transform_makes_all_stale),
		TEST_TRACKER(damage_of_a_transformed_surface_makes_all_stale),
		TEST_TRACKER(damage_of_a_surface_with_a_viewport_makes_all_stale),
		TEST_TRACKER(viewport_before_the_first_buffer_counts),
		TEST_TRACKER(surface_that_moves_makes_all_stale),
		TEST_TRACKER(attach_that_moves_the_surface_makes_all_stale),
		TEST_TRACKER(change_of_size_makes_all_stale),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
