/* SPDX-License-Identifier: MIT */
/*
 * What is known of a file's memory: that nothing counts as filled which was not
 * seen to be, and that no call looks at more than it may.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/holes.h"
#include "memory/mapping.h"
#include "traces.h"

#define CHUNK SP_CHUNK_SIZE

/* A file of which all has memory. */
struct fixture {
	int fd;
	uint64_t size;
	struct sp_mapping *mapping;
	struct sp_chunks filled;
};

static void create(struct fixture *fixture, uint64_t size) {
	*fixture = (struct fixture){ .size = size };
	fixture->fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	assert_true(fixture->fd >= 0);
	assert_int_equal(ftruncate(fixture->fd, (off_t)size), 0);
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	for (uint64_t at = 0; at < size; at += page_size) {
		assert_int_equal(pwrite(fixture->fd, "+", 1, (off_t)at), 1);
	}
	fixture->mapping = sp_mapping_create(fixture->fd, SP_MAPPING_READ,
		size, page_size, false);
	assert_non_null(fixture->mapping);
}

static void destroy(struct fixture *fixture) {
	sp_mapping_unref(fixture->mapping);
	close(fixture->fd);
}

static void punch(struct fixture *fixture, uint64_t offset) {
	assert_int_equal(fallocate(fixture->fd,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
		sysconf(_SC_PAGESIZE)), 0);
}

static void fill(struct fixture *fixture, uint64_t offset) {
	assert_int_equal(pwrite(fixture->fd, "+", 1, (off_t)offset), 1);
}

static bool covers(struct fixture *fixture, uint64_t start, uint64_t end) {
	return sp_holes_none_seen(&fixture->filled, fixture->mapping, start, end);
}

static void range_with_a_hole_is_not_covered(void **state) {
	struct fixture fixture;
	create(&fixture, 3 * CHUNK);
	static const uint64_t holes[] = { CHUNK - 4096, CHUNK, 2 * CHUNK - 4096,
		2 * CHUNK };
	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		punch(&fixture, holes[i]);
		assert_false(covers(&fixture, holes[i] - 100,
			holes[i] + 4096 + 100));
		assert_false(covers(&fixture, holes[i] + 4095,
			holes[i] + 2 * 4096));
		assert_true(covers(&fixture, holes[i] + 4096,
			holes[i] + 4096 + 100));
		assert_true(covers(&fixture, holes[i] - 100, holes[i]));
		fill(&fixture, holes[i]);
		assert_true(covers(&fixture, holes[i] - 100,
			holes[i] + 4096 + 100));
	}
	destroy(&fixture);
}

static void hole_is_seen_where_its_chunk_was_seen_in_part(void **state) {
	struct fixture fixture;
	create(&fixture, 3 * CHUNK);
	assert_true(covers(&fixture, 4096, CHUNK));
	assert_true(covers(&fixture, CHUNK, 2 * CHUNK - 4096));
	assert_true(covers(&fixture, 2 * CHUNK + 4096, 3 * CHUNK));
	punch(&fixture, CHUNK + 4096);
	assert_false(covers(&fixture, 0, 3 * CHUNK));
	fill(&fixture, CHUNK + 4096);
	assert_true(covers(&fixture, 0, 3 * CHUNK));
	destroy(&fixture);
}

/* A client can ask for the same again and again. */
static void chunk_is_looked_at_once(void **state) {
	struct fixture fixture;
	create(&fixture, 3 * CHUNK);
	punch(&fixture, 2 * CHUNK);
	assert_false(covers(&fixture, 0, 3 * CHUNK));
	/* It would be seen that they are gone, if it were looked. */
	punch(&fixture, 0);
	punch(&fixture, CHUNK);
	assert_true(covers(&fixture, 0, 2 * CHUNK));
	assert_false(covers(&fixture, 0, 3 * CHUNK));
	destroy(&fixture);
}

static void large_range_is_covered_after_several_calls(void **state) {
	struct fixture fixture;
	create(&fixture, 2 * SP_HOLES_SCAN_MAX + CHUNK);
	assert_false(covers(&fixture, 0, fixture.size));
	assert_true(covers(&fixture, 0, SP_HOLES_SCAN_MAX));
	assert_false(covers(&fixture, 0, fixture.size));
	assert_true(covers(&fixture, 0, fixture.size));
	destroy(&fixture);
}

static void last_byte_of_the_largest_pool_has_its_place(void **state) {
	struct fixture fixture;
	create(&fixture, CHUNK);
	uint64_t size = INT32_MAX;
	assert_int_equal(ftruncate(fixture.fd, (off_t)size), 0);
	struct sp_mapping *mapping = sp_mapping_create(fixture.fd,
		SP_MAPPING_READ, size, (size_t)sysconf(_SC_PAGESIZE), false);
	assert_non_null(mapping);
	fill(&fixture, size - 1);
	assert_true(sp_holes_none_seen(&fixture.filled, mapping, size - 1, size));
	assert_false(sp_holes_none_seen(&fixture.filled, mapping, size - CHUNK,
		size));
	sp_mapping_unref(mapping);
	destroy(&fixture);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(range_with_a_hole_is_not_covered),
		TEST(hole_is_seen_where_its_chunk_was_seen_in_part),
		TEST(chunk_is_looked_at_once),
		TEST(large_range_is_covered_after_several_calls),
		TEST(last_byte_of_the_largest_pool_has_its_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
