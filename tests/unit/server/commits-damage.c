/* SPDX-License-Identifier: MIT */
/* Which pixels damage in buffer coordinates makes stale, in one buffer or several. */
#include "between.h"
#include "server/buffer.h"
#include "server/surface.h"
#include "tracker.h"

/* One buffer */

static void first_commit_makes_all_of_a_buffer_stale(void **state) {
	/* It was read before the commit, as an icon may be. */
	read_buffer(0);
	show(0, 1, 2, 3, 4);
	expect_all_stale(0);
}

static void damage_of_a_commit_is_stale(void **state) {
	begin_with(0);
	show(0, 10, 11, 12, 13);
	expect_stale(0, { 10, 11, 12, 13 });
	expect_current(0);
}

static void damage_is_not_stale_before_its_commit(void **state) {
	begin_with(0);
	attach(0);
	damage_buffer(10, 11, 12, 13);
	settle();
	expect_current(0);
	commit();
	expect_stale(0, { 10, 11, 12, 13 });
}

static void damage_is_used_up_by_its_commit(void **state) {
	begin_with(0);
	show(0, 10, 11, 12, 13);
	read_buffer(0);
	attach(0);
	commit();
	expect_current(0);
}

static void damage_of_several_commits_adds_up_until_a_read(void **state) {
	begin_with(0);
	show(0, 10, 11, 12, 13);
	show(0, 100, 11, 5, 6);
	expect_stale(0, { 10, 11, 12, 13 }, { 100, 11, 5, 6 });
}

static void commit_without_damage_makes_nothing_stale(void **state) {
	begin_with(0);
	attach(0);
	commit();
	expect_current(0);
	commit();
	expect_current(0);
}

static void commit_without_attach_damages_what_is_shown(void **state) {
	begin_with(0);
	damage_buffer(10, 11, 12, 13);
	commit();
	expect_stale(0, { 10, 11, 12, 13 });
}

static void rectangles_of_damage_are_kept_apart(void **state) {
	begin_with(0);
	damage_buffer(10, 10, 5, 5);
	damage_buffer(100, 20, 5, 5);
	damage_buffer(102, 22, 5, 5);
	commit();
	expect_stale(0, { 10, 10, 5, 5 }, { 100, 20, 5, 5 },
		{ 102, 22, 5, 5 });
}

static void too_many_rectangles_become_one(void **state) {
	begin_with(0);
	for (int i = 0; i < 65; i++) {
		damage_buffer(4 * i, i % 2 * 4, 1, 1);
	}
	commit();
	expect_stale(0, { 0, 0, 257, 5 });
}

static void damage_outside_of_the_buffer_is_cut_off(void **state) {
	begin_with(0);
	damage_buffer(-10, -10, 15, 14);
	damage_buffer(WIDTH - 3, HEIGHT - 2, 100, 100);
	damage_buffer(WIDTH, 0, 10, 10);
	damage_buffer(0, HEIGHT, 10, 10);
	damage_buffer(-20, 0, 20, 10);
	commit();
	expect_stale(0, { 0, 0, 5, 4 }, { WIDTH - 3, HEIGHT - 2, 3, 2 });
}

static void damage_without_an_area_is_none(void **state) {
	begin_with(0);
	damage_buffer(5, 5, 0, 10);
	damage_buffer(5, 5, 10, 0);
	damage_buffer(5, 5, -1, 10);
	damage_buffer(5, 5, 10, -1);
	damage_buffer(5, 5, INT32_MIN, INT32_MIN);
	damage(5, 5, -1, 10);
	commit();
	expect_current(0);
}

static void damage_of_the_largest_size_is_all_there_is(void **state) {
	begin_with(0);
	damage(0, 0, INT32_MAX, INT32_MAX);
	commit();
	expect_all_stale(0);
	damage_buffer(100, 20, INT32_MAX, INT32_MAX);
	commit();
	expect_stale(0, { 100, 20, WIDTH - 100, HEIGHT - 20 });
	damage_buffer(INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX);
	damage_buffer(INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX);
	commit();
	expect_current(0);
}

/* Several buffers */

static void damage_becomes_stale_in_a_buffer_that_is_shown_again(
		void **state) {
	begin_with_all(2);
	show(0, 10, 0, 10, 10);
	expect_stale(0, { 10, 0, 10, 10 });
	/* It keeps its contents until it is committed again. */
	expect_current(1);
	show(1, 50, 0, 10, 10);
	expect_stale(1, { 10, 0, 10, 10 }, { 50, 0, 10, 10 });
	expect_current(0);
	show(0, 90, 0, 10, 10);
	expect_stale(0, { 50, 0, 10, 10 }, { 90, 0, 10, 10 });
	show(0, 130, 0, 10, 10);
	expect_stale(0, { 130, 0, 10, 10 });
	show(1, 170, 0, 10, 10);
	expect_stale(1, { 90, 0, 10, 10 }, { 130, 0, 10, 10 },
		{ 170, 0, 10, 10 });
}

static void third_buffer_lacks_the_damage_of_two_frames(void **state) {
	begin_with_all(3);
	show(0, 10, 0, 10, 10);
	show(1, 50, 0, 10, 10);
	show(2, 90, 0, 10, 10);
	expect_stale(0, { 10, 0, 10, 10 });
	expect_stale(1, { 10, 0, 10, 10 }, { 50, 0, 10, 10 });
	expect_stale(2, { 10, 0, 10, 10 }, { 50, 0, 10, 10 },
		{ 90, 0, 10, 10 });
	show(0, 130, 0, 10, 10);
	expect_stale(0, { 50, 0, 10, 10 }, { 90, 0, 10, 10 },
		{ 130, 0, 10, 10 });
}

static void buffer_that_comes_late_is_stale_as_a_whole(void **state) {
	begin_with_all(2);
	read_buffer(2);
	show(2, 10, 0, 10, 10);
	expect_all_stale(2);
	show(0, 50, 0, 10, 10);
	expect_stale(0, { 10, 0, 10, 10 }, { 50, 0, 10, 10 });
}

static void attach_that_is_replaced_is_none(void **state) {
	begin_with_all(2);
	attach(0);
	attach(1);
	damage_buffer(10, 0, 10, 10);
	commit();
	expect_stale(1, { 10, 0, 10, 10 });
	show(0, 50, 0, 10, 10);
	expect_stale(0, { 10, 0, 10, 10 }, { 50, 0, 10, 10 });
}

static void copies_that_are_in_use_grow_stale_as_well(void **state) {
	begin_with(0);
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(test.buffers[0],
		SEALPOOL_ACCESS_READ, &access), 0);
	show(0, 10, 0, 10, 10);
	sealpool_buffer_end_access(&access);
	show(0, 50, 0, 10, 10);
	uint64_t before = count_copied();
	read_buffer(0);
	expect_between(count_copied() - before, 800, 2000);
}

static void second_copy_takes_the_place_of_the_first(void **state) {
	begin_with(0);
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(test.buffers[0],
		SEALPOOL_ACCESS_READ, &access), 0);
	show(0, 10, 0, 10, 10);
	/* It has no copy yet. */
	uint64_t before = count_copied();
	read_buffer(0);
	assert_int_equal(count_copied() - before, BYTES);
	sealpool_buffer_end_access(&access);
	show(0, 50, 0, 10, 10);
	before = count_copied();
	read_buffer(0);
	expect_between(count_copied() - before, 400, 799);
}

static void buffer_that_comes_again_late_is_stale_as_a_whole(void **state) {
	enum { REMEMBERED = 8 };
	begin_with(0);
	for (int i = 1; i < REMEMBERED; i++) {
		show(1, 10, 0, 10, 10);
	}
	show(0, 50, 0, 10, 10);
	uint64_t before = count_copied();
	read_buffer(0);
	expect_between(count_copied() - before, 800, 2000);
	for (int i = 0; i < REMEMBERED; i++) {
		show(1, 10, 0, 10, 10);
	}
	/* What others committed does not change it. */
	before = count_copied();
	read_buffer(0);
	assert_int_equal(count_copied() - before, 0);
	show(0, 50, 0, 10, 10);
	expect_all_stale(0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_TRACKER(first_commit_makes_all_of_a_buffer_stale),
		TEST_TRACKER(damage_of_a_commit_is_stale),
		TEST_TRACKER(damage_is_not_stale_before_its_commit),
		TEST_TRACKER(damage_is_used_up_by_its_commit),
		TEST_TRACKER(damage_of_several_commits_adds_up_until_a_read),
		TEST_TRACKER(commit_without_damage_makes_nothing_stale),
		TEST_TRACKER(commit_without_attach_damages_what_is_shown),
		TEST_TRACKER(rectangles_of_damage_are_kept_apart),
		TEST_TRACKER(too_many_rectangles_become_one),
		TEST_TRACKER(damage_outside_of_the_buffer_is_cut_off),
		TEST_TRACKER(damage_without_an_area_is_none),
		TEST_TRACKER(damage_of_the_largest_size_is_all_there_is),
		TEST_TRACKER(damage_becomes_stale_in_a_buffer_that_is_shown_again),
		TEST_TRACKER(third_buffer_lacks_the_damage_of_two_frames),
		TEST_TRACKER(buffer_that_comes_late_is_stale_as_a_whole),
		TEST_TRACKER(attach_that_is_replaced_is_none),
		TEST_TRACKER(copies_that_are_in_use_grow_stale_as_well),
		TEST_TRACKER(second_copy_takes_the_place_of_the_first),
		TEST_TRACKER(buffer_that_comes_again_late_is_stale_as_a_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
