/* SPDX-License-Identifier: MIT */
/*
 * The users of each page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory/chunks.h"
#include "memory/pages.h"
#include "memory/uses.h"

/* What the last removal freed. */
struct freed {
	unsigned ranges;
	uint64_t start, end, pages;
};

static void note_freed(void *data, uint64_t start, uint64_t end) {
	struct freed *freed = data;
	freed->ranges++;
	freed->start = start;
	freed->end = end;
	freed->pages += (end - start) / sp_pages_get_size();
}

static int64_t add(struct sp_uses *uses, uint64_t first, uint64_t end) {
	int64_t bytes = sp_uses_add(uses, first * sp_pages_get_size(),
		end * sp_pages_get_size());
	assert_true(bytes >= 0);
	return bytes / (int64_t)sp_pages_get_size();
}

static struct freed take(struct sp_uses *uses, uint64_t first, uint64_t end) {
	struct freed freed = { 0 };
	sp_uses_remove(uses, first * sp_pages_get_size(),
		end * sp_pages_get_size(), note_freed, &freed);
	return freed;
}

static void page_is_free_when_its_last_user_goes(void **state) {
	struct sp_uses uses = { 0 };
	assert_int_equal(add(&uses, 0, 4), 4);
	assert_int_equal(add(&uses, 2, 6), 2);
	assert_int_equal(add(&uses, 2, 6), 0);
	struct freed freed = take(&uses, 0, 4);
	assert_int_equal(freed.ranges, 1);
	assert_int_equal(freed.start, 0);
	assert_int_equal(freed.pages, 2);
	assert_int_equal(take(&uses, 2, 6).ranges, 0);
	freed = take(&uses, 2, 6);
	assert_int_equal(freed.ranges, 1);
	assert_int_equal(freed.pages, 4);
	assert_int_equal(add(&uses, 0, 6), 6);
	sp_uses_finish(&uses);
}

static void free_pages_around_one_in_use_are_two_ranges(void **state) {
	struct sp_uses uses = { 0 };
	add(&uses, 0, 9);
	add(&uses, 4, 5);
	struct freed freed = take(&uses, 0, 9);
	assert_int_equal(freed.ranges, 2);
	assert_int_equal(freed.pages, 8);
	assert_int_equal(freed.start, 5 * sp_pages_get_size());
	assert_int_equal(freed.end, 9 * sp_pages_get_size());
	sp_uses_finish(&uses);
}

static void partial_pages_are_used_as_a_whole(void **state) {
	struct sp_uses uses = { 0 };
	uint64_t page = sp_pages_get_size();
	assert_int_equal(sp_uses_add(&uses, page - 1, page + 1), 2 * page);
	assert_int_equal(sp_uses_add(&uses, page + 1, page + 2), 0);
	struct freed freed = { 0 };
	sp_uses_remove(&uses, page - 1, page + 1, note_freed, &freed);
	assert_int_equal(freed.pages, 1);
	assert_int_equal(freed.start, 0);
	sp_uses_finish(&uses);
}

/* Chunks without users have no record. */
static void chunks_come_and_go(void **state) {
	struct sp_uses uses = { 0 };
	uint64_t chunk = SP_CHUNK_SIZE / sp_pages_get_size();
	assert_int_equal(add(&uses, 5 * chunk - 1, 7 * chunk + 1), 2 * chunk + 2);
	assert_int_equal(uses.chunks_len, 8);
	assert_null(uses.chunks[3]);
	for (int i = 4; i < 8; i++) {
		assert_non_null(uses.chunks[i]);
	}
	struct freed freed = take(&uses, 5 * chunk - 1, 7 * chunk + 1);
	assert_int_equal(freed.ranges, 1);
	assert_int_equal(freed.pages, 2 * chunk + 2);
	for (int i = 0; i < 8; i++) {
		assert_null(uses.chunks[i]);
	}
	sp_uses_finish(&uses);
}

/* The count must not wrap around to zero. */
static void page_with_too_many_users_is_never_free(void **state) {
	struct sp_uses uses = { 0 };
	for (int i = 0; i < UINT16_MAX + 10; i++) {
		add(&uses, 0, 1);
	}
	for (int i = 0; i < UINT16_MAX + 10; i++) {
		assert_int_equal(take(&uses, 0, 1).ranges, 0);
	}
	assert_int_equal(add(&uses, 0, 1), 0);
	sp_uses_finish(&uses);
}

int main(void) {
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_is_free_when_its_last_user_goes),
		cmocka_unit_test(free_pages_around_one_in_use_are_two_ranges),
		cmocka_unit_test(partial_pages_are_used_as_a_whole),
		cmocka_unit_test(chunks_come_and_go),
		cmocka_unit_test(page_with_too_many_users_is_never_free),
	};
	return cmocka_run_group_tests_name("uses", tests, NULL, NULL);
}
