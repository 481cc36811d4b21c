/* SPDX-License-Identifier: MIT */
/*
 * What is known about a file's memory: nothing counts as filled unless it was seen, and
 * the number of looks is limited.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memfd.h"
#include "memory/holes.h"
#include "memory/mapping.h"
#include "memory/rate.h"
#include "traces.h"

#define CHUNK SP_CHUNK_SIZE

static struct sp_mapping *map(int fd, uint64_t size) {
	struct sp_mapping *mapping = sp_mapping_create(fd, &sp_mapping_read,
		size, page_size(), false);
	assert_non_null(mapping);
	return mapping;
}

static void fill_page(int fd, uint64_t offset) {
	assert_int_equal(pwrite(fd, "+", 1, (off_t)offset), 1);
}

static void punch_page(int fd, uint64_t offset) {
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
		FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)page_size()), 0);
}

/* A file that is filled. */
struct fixture {
	int fd;
	uint64_t size;
	struct sp_mapping *mapping;
	struct sp_chunks filled;
	struct sp_rate looks;
};

static void create(struct fixture *fixture, uint64_t size) {
	*fixture = (struct fixture){ .size = size };
	sp_rate_init(&fixture->looks, SP_LOOKS_MAX);
	fixture->looks.interval = UINT64_MAX;
	fixture->fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	assert_true(fixture->fd >= 0);
	assert_int_equal(ftruncate(fixture->fd, (off_t)size), 0);
	for (uint64_t at = 0; at < size; at += page_size()) {
		fill_page(fixture->fd, at);
	}
	fixture->mapping = map(fixture->fd, size);
}

static void destroy(struct fixture *fixture) {
	sp_mapping_unref(fixture->mapping);
	close(fixture->fd);
}

static void punch(struct fixture *fixture, uint64_t offset) {
	punch_page(fixture->fd, offset);
}

static void fill(struct fixture *fixture, uint64_t offset) {
	fill_page(fixture->fd, offset);
}

static bool covers(struct fixture *fixture, uint64_t start, uint64_t end) {
	return sp_holes_none_seen(&fixture->filled, &fixture->looks,
		fixture->mapping, start, end);
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

/* A client can make the library ask for the same chunk again and again. */
static void chunk_is_looked_at_once(void **state) {
	struct fixture fixture;
	create(&fixture, 3 * CHUNK);
	punch(&fixture, 2 * CHUNK);
	assert_false(covers(&fixture, 0, 3 * CHUNK));
	/* Another look would find the chunk empty. */
	punch(&fixture, 0);
	punch(&fixture, CHUNK);
	assert_true(covers(&fixture, 0, 2 * CHUNK));
	assert_false(covers(&fixture, 0, 3 * CHUNK));
	destroy(&fixture);
}

/* As if the interval had passed. */
static void begin_interval(struct fixture *fixture) {
	fixture->looks.number = 1;
}

static void large_range_is_covered_after_several_intervals(void **state) {
	struct fixture fixture;
	create(&fixture, 2 * SP_LOOKS_MAX + CHUNK);
	for (int i = 0; i < 2; i++) {
		assert_false(covers(&fixture, 0, fixture.size));
		assert_false(covers(&fixture, 0, fixture.size));
		assert_true(covers(&fixture, 0, SP_LOOKS_MAX));
		begin_interval(&fixture);
	}
	assert_true(covers(&fixture, 0, fixture.size));
	destroy(&fixture);
}

static void files_of_all_clients_are_looked_at_as_if_one(void **state) {
	struct fixture fixture, other;
	create(&fixture, SP_LOOKS_MAX);
	create(&other, CHUNK);
	assert_true(covers(&fixture, 0, fixture.size));
	assert_false(sp_holes_none_seen(&other.filled, &fixture.looks,
		other.mapping, 0, CHUNK));
	begin_interval(&fixture);
	assert_true(sp_holes_none_seen(&other.filled, &fixture.looks,
		other.mapping, 0, CHUNK));
	destroy(&other);
	destroy(&fixture);
}

static void last_byte_of_the_largest_pool_has_its_place(void **state) {
	struct fixture fixture;
	create(&fixture, CHUNK);
	uint64_t size = INT32_MAX;
	assert_int_equal(ftruncate(fixture.fd, (off_t)size), 0);
	struct sp_mapping *mapping = map(fixture.fd, size);
	fill(&fixture, size - 1);
	assert_true(sp_holes_none_seen(&fixture.filled, &fixture.looks, mapping,
		size - 1, size));
	assert_false(sp_holes_none_seen(&fixture.filled, &fixture.looks, mapping,
		size - CHUNK, size));
	sp_mapping_unref(mapping);
	destroy(&fixture);
}

/* Looks at each page */

static void expect_holes(const struct sp_mapping *mapping, uint64_t start,
		uint64_t end, bool expected) {
	bool seen = sp_holes_in_mapping(mapping, start, end);
	if (seen != expected) {
		fail_msg("from byte %llu to %llu: %s",
			(unsigned long long)start, (unsigned long long)end,
			seen ? "holes" : "no holes");
	}
}

static void file_without_memory_has_holes(void **state) {
	size_t page = page_size();
	int fd = create_memfd(8 * page, 0);
	struct sp_mapping *mapping = map(fd, 8 * page);
	expect_holes(mapping, 0, 8 * page, true);
	/* Looking for holes must not fill them. */
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_blocks, 0);
	sp_mapping_unref(mapping);
	close(fd);
}

static void one_page_without_memory_is_a_hole(void **state) {
	size_t page = page_size();
	int fd = create_memfd(8 * page, 0);
	for (size_t i = 0; i < 8; i++) {
		fill_page(fd, i * page);
	}
	struct sp_mapping *mapping = map(fd, 8 * page);
	expect_holes(mapping, 0, 8 * page, false);
	for (size_t i = 0; i < 8; i++) {
		punch_page(fd, i * page);
		expect_holes(mapping, 0, 8 * page, true);
		fill_page(fd, i * page);
	}
	expect_holes(mapping, 0, 8 * page, false);
	sp_mapping_unref(mapping);
	close(fd);
}

static void only_pages_of_the_range_are_looked_at(void **state) {
	size_t page = page_size();
	int fd = create_memfd(8 * page, 0);
	fill_page(fd, 3 * page);
	struct sp_mapping *mapping = map(fd, 8 * page);
	expect_holes(mapping, 3 * page, 4 * page, false);
	expect_holes(mapping, 3 * page + 5, 4 * page - 5, false);
	expect_holes(mapping, 3 * page - 1, 4 * page, true);
	expect_holes(mapping, 3 * page, 4 * page + 1, true);
	expect_holes(mapping, page, page, false);
	expect_holes(mapping, 8 * page - 1, 8 * page, true);
	sp_mapping_unref(mapping);
	close(fd);
}

static void hole_at_the_end_of_a_large_file_is_found(void **state) {
	size_t page = page_size(), pages = 3 * 4096 + 5;
	int fd = create_memfd(pages * page, 0);
	uint8_t *data = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	assert_true(data != MAP_FAILED);
	for (size_t i = 0; i < pages; i++) {
		data[i * page] = 1;
	}
	munmap(data, pages * page);
	struct sp_mapping *mapping = map(fd, pages * page);
	expect_holes(mapping, 0, pages * page, false);
	static const size_t places[] = { 0, 4095, 4096, 8192, 3 * 4096 + 4 };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		punch_page(fd, places[i] * page);
		expect_holes(mapping, 0, pages * page, true);
		fill_page(fd, places[i] * page);
	}
	sp_mapping_unref(mapping);
	close(fd);
}

static void page_past_the_end_of_the_file_is_a_hole(void **state) {
	size_t page = page_size();
	int fd = create_memfd(page, 0);
	fill_page(fd, 0);
	struct sp_mapping *mapping = map(fd, 2 * page);
	expect_holes(mapping, 0, page, false);
	expect_holes(mapping, 0, page + 1, true);
	sp_mapping_unref(mapping);
	close(fd);
}

/* In doubt, a page counts as a hole. */
static void pages_that_are_not_mapped_count_as_holes(void **state) {
	size_t page = page_size();
	int fd = create_memfd(3 * page, 0);
	for (size_t i = 0; i < 3; i++) {
		fill_page(fd, i * page);
	}
	struct sp_mapping *mapping = map(fd, 3 * page);
	assert_int_equal(munmap(mapping->data + page, page), 0);
	expect_holes(mapping, 0, 3 * page, true);
	sp_mapping_unref(mapping);
	close(fd);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(range_with_a_hole_is_not_covered),
		TEST(hole_is_seen_where_its_chunk_was_seen_in_part),
		TEST(chunk_is_looked_at_once),
		TEST(large_range_is_covered_after_several_intervals),
		TEST(files_of_all_clients_are_looked_at_as_if_one),
		TEST(last_byte_of_the_largest_pool_has_its_place),

		TEST(file_without_memory_has_holes),
		TEST(one_page_without_memory_is_a_hole),
		TEST(only_pages_of_the_range_are_looked_at),
		TEST(hole_at_the_end_of_a_large_file_is_found),
		TEST(page_past_the_end_of_the_file_is_a_hole),
		TEST(pages_that_are_not_mapped_count_as_holes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
