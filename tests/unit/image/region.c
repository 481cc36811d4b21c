/* SPDX-License-Identifier: MIT */
/*
 * Regions of changed pixels: they may be rounded up, but never down, and keep few
 * rectangles however many are added.
 */
#include <stdbool.h>
#include <stdio.h>

#include "between.h"
#include "image/region.h"
#include "traces.h"

/* The most rectangles that a region keeps. */
#define BOXES_MAX 64

static void print(char *text, size_t size, const pixman_region32_t *region) {
	int boxes_len;
	const pixman_box32_t *boxes = pixman_region32_rectangles(
		(pixman_region32_t *)region, &boxes_len);
	size_t length = (size_t)snprintf(text, size, "%d boxes:", boxes_len);
	for (int i = 0; i < boxes_len && i < 4; i++) {
		length += (size_t)snprintf(text + length, size - length,
			" %d,%d-%d,%d", boxes[i].x1, boxes[i].y1, boxes[i].x2,
			boxes[i].y2);
	}
}

static void expect_region(pixman_region32_t *region,
		pixman_region32_t *expected) {
	if (!pixman_region32_equal(region, expected)) {
		char seen[256], wanted[256];
		print(seen, sizeof(seen), region);
		print(wanted, sizeof(wanted), expected);
		fail_msg("got %s, expected %s", seen, wanted);
	}
}

static void expect_box(pixman_region32_t *region, pixman_box32_t box) {
	pixman_region32_t expected;
	pixman_region32_init_with_extents(&expected, &box);
	expect_region(region, &expected);
	pixman_region32_fini(&expected);
}

static void add(pixman_region32_t *region, int32_t x1, int32_t y1, int32_t x2,
		int32_t y2) {
	sp_region_add_box(region, &(pixman_box32_t){ x1, y1, x2, y2 });
}

static void size_is_all_pixels_from_zero(void **state) {
	pixman_region32_t region;
	pixman_region32_init(&region);
	sp_region_set_all(&region, 30, 20);
	expect_box(&region, (pixman_box32_t){ 0, 0, 30, 20 });
	pixman_region32_fini(&region);
}

static void size_replaces_what_was_there(void **state) {
	pixman_region32_t region;
	pixman_region32_init(&region);
	add(&region, -10, -10, 5, 5);
	add(&region, 100, 100, 105, 105);
	sp_region_set_all(&region, 30, 20);
	expect_box(&region, (pixman_box32_t){ 0, 0, 30, 20 });
	pixman_region32_fini(&region);
}

static void largest_size_is_kept(void **state) {
	pixman_region32_t region;
	pixman_region32_init(&region);
	sp_region_set_all(&region, INT32_MAX, INT32_MAX);
	add(&region, 5, 5, 10, 10);
	expect_box(&region, (pixman_box32_t){ 0, 0, INT32_MAX, INT32_MAX });
	pixman_region32_fini(&region);
}

static void first_box_is_all_there_is(void **state) {
	pixman_region32_t region;
	pixman_region32_init(&region);
	add(&region, 3, 4, 7, 9);
	expect_box(&region, (pixman_box32_t){ 3, 4, 7, 9 });
	pixman_region32_fini(&region);
}

static void boxes_apart_are_not_joined(void **state) {
	pixman_region32_t region, expected;
	pixman_region32_init(&region);
	add(&region, 0, 0, 10, 10);
	add(&region, 20, 20, 30, 30);
	pixman_region32_init_rect(&expected, 0, 0, 10, 10);
	pixman_region32_union_rect(&expected, &expected, 20, 20, 10, 10);
	expect_region(&region, &expected);
	assert_int_equal(pixman_region32_n_rects(&region), 2);
	pixman_region32_fini(&expected);
	pixman_region32_fini(&region);
}

static void boxes_that_overlap_count_once(void **state) {
	pixman_region32_t region;
	pixman_region32_init(&region);
	add(&region, 0, 0, 10, 10);
	add(&region, 5, 0, 15, 10);
	add(&region, 2, 2, 4, 4);
	expect_box(&region, (pixman_box32_t){ 0, 0, 15, 10 });
	pixman_region32_fini(&region);
}

static void empty_region_adds_nothing(void **state) {
	pixman_region32_t region, empty;
	pixman_region32_init(&region);
	pixman_region32_init(&empty);
	sp_region_add(&region, &empty);
	assert_int_equal(pixman_region32_not_empty(&region), 0);
	add(&region, 3, 4, 7, 9);
	sp_region_add(&region, &empty);
	expect_box(&region, (pixman_box32_t){ 3, 4, 7, 9 });
	pixman_region32_fini(&empty);
	pixman_region32_fini(&region);
}

static void region_that_is_added_stays_as_it_was(void **state) {
	pixman_region32_t region, added, before;
	pixman_region32_init(&region);
	add(&region, 0, 0, 10, 10);
	pixman_region32_init_rect(&added, 5, 5, 10, 10);
	pixman_region32_union_rect(&added, &added, 40, 5, 10, 10);
	pixman_region32_init(&before);
	pixman_region32_copy(&before, &added);
	sp_region_add(&region, &added);
	expect_region(&added, &before);
	assert_int_equal(pixman_region32_contains_point(&region, 45, 10, NULL),
		1);
	pixman_region32_fini(&before);
	pixman_region32_fini(&added);
	pixman_region32_fini(&region);
}

/* Adds boxes on a diagonal, which cannot be merged. */
static void add_diagonal(pixman_region32_t *region, int count) {
	for (int i = 0; i < count; i++) {
		add(region, 10 + 3 * i, 20 + 3 * i, 11 + 3 * i, 21 + 3 * i);
	}
}

static void as_many_boxes_as_are_kept_stay_exact(void **state) {
	pixman_region32_t region;
	pixman_region32_init(&region);
	add_diagonal(&region, BOXES_MAX);
	assert_int_equal(pixman_region32_n_rects(&region), BOXES_MAX);
	pixman_region32_fini(&region);
}

static void one_box_too_many_makes_one_around_all(void **state) {
	pixman_region32_t region;
	pixman_region32_init(&region);
	add_diagonal(&region, BOXES_MAX + 1);
	int32_t last = 3 * BOXES_MAX;
	expect_box(&region,
		(pixman_box32_t){ 10, 20, 11 + last, 21 + last });
	pixman_region32_fini(&region);
}

static void too_many_boxes_at_once_make_one_around_all(void **state) {
	pixman_region32_t region, added;
	pixman_region32_init(&region);
	add(&region, -5, 7, -4, 8);
	pixman_region32_init(&added);
	for (int i = 0; i < 2 * BOXES_MAX; i++) {
		pixman_region32_union_rect(&added, &added, 3 * i, 3 * i, 1, 1);
	}
	sp_region_add(&region, &added);
	int32_t last = 3 * (2 * BOXES_MAX - 1);
	expect_box(&region, (pixman_box32_t){ -5, 0, last + 1, last + 1 });
	pixman_region32_fini(&added);
	pixman_region32_fini(&region);
}

static uint32_t random_below(uint32_t *random, uint32_t end) {
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return *random % end;
}

static void whatever_is_added_stays_in_the_region(void **state) {
	uint32_t random = 1;
	for (int round = 0; round < 20; round++) {
		pixman_region32_t region, exact, before;
		pixman_region32_init(&region);
		pixman_region32_init(&exact);
		pixman_region32_init(&before);
		for (int i = 0; i < 200; i++) {
			int32_t x = (int32_t)random_below(&random, 1000) - 500;
			int32_t y = (int32_t)random_below(&random, 1000) - 500;
			uint32_t width = 1 + random_below(&random, 40);
			uint32_t height = 1 + random_below(&random, 40);
			add(&region, x, y, x + (int32_t)width,
				y + (int32_t)height);
			pixman_region32_union_rect(&exact, &exact, x, y, width,
				height);
			pixman_region32_subtract(&before, &exact, &region);
			if (pixman_region32_not_empty(&before)) {
				fail_msg("round %d: box %d is not covered",
					round, i);
			}
			expect_between(pixman_region32_n_rects(&region), 1,
				BOXES_MAX);
		}
		pixman_box32_t *box = pixman_region32_extents(&region);
		assert_memory_equal(box, pixman_region32_extents(&exact),
			sizeof(*box));
		pixman_region32_fini(&before);
		pixman_region32_fini(&exact);
		pixman_region32_fini(&region);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(size_is_all_pixels_from_zero),
		TEST(size_replaces_what_was_there),
		TEST(largest_size_is_kept),
		TEST(first_box_is_all_there_is),
		TEST(boxes_apart_are_not_joined),
		TEST(boxes_that_overlap_count_once),
		TEST(empty_region_adds_nothing),
		TEST(region_that_is_added_stays_as_it_was),
		TEST(as_many_boxes_as_are_kept_stay_exact),
		TEST(one_box_too_many_makes_one_around_all),
		TEST(too_many_boxes_at_once_make_one_around_all),
		TEST(whatever_is_added_stays_in_the_region),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
