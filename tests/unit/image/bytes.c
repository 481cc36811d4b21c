/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "memfd.h"

uint8_t pattern(uint64_t i) {
	return (uint8_t)(1 + (i * 31 + i / 251) % 200);
}

int create_pattern_file(off_t size) {
	int fd = create_memfd(0, 0);
	uint8_t *bytes = malloc((size_t)size + 1);
	assert_non_null(bytes);
	for (off_t i = 0; i < size; i++) {
		bytes[i] = pattern((uint64_t)i);
	}
	assert_int_equal(pwrite(fd, bytes, (size_t)size, 0), size);
	free(bytes);
	return fd;
}

void expect_bytes(const uint8_t *bytes, size_t size,
		const struct part *parts, size_t parts_len) {
	for (uint64_t i = 0; i < size; i++) {
		int expected = UNTOUCHED;
		for (size_t j = 0; j < parts_len; j++) {
			if (i >= parts[j].start && i < parts[j].end) {
				expected = parts[j].holds == ZERO ?
					0 : pattern(i);
			}
		}
		if (bytes[i] != expected) {
			fail_msg("byte %llu is 0x%02x, not 0x%02x",
				(unsigned long long)i, bytes[i],
				(unsigned)expected);
		}
	}
}

void expect_copied(struct sp_transferred copied, uint64_t bytes,
		uint64_t missing) {
	if (copied.bytes != bytes || copied.missing != missing) {
		fail_msg("%llu bytes copied and %llu missing, not %llu and "
			"%llu",
			(unsigned long long)copied.bytes,
			(unsigned long long)copied.missing,
			(unsigned long long)bytes, (unsigned long long)missing);
	}
	assert_int_equal(copied.error, 0);
}

void expect_error(struct sp_transferred copied, uint64_t bytes,
		uint64_t missing, int error) {
	assert_int_equal(copied.error, error);
	copied.error = 0;
	expect_copied(copied, bytes, missing);
}

uint8_t *create_bytes(size_t size) {
	uint8_t *bytes = malloc(size);
	assert_non_null(bytes);
	memset(bytes, UNTOUCHED, size);
	return bytes;
}

struct sp_transferred copy_region_in(const struct sp_transfer_source *source,
		const struct sp_layout *layout, const pixman_region32_t *region,
		uint8_t *base) {
	struct sp_chunks written = { 0 };
	struct sp_transfer_target target = {
		.data = base, .written = &written,
	};
	return sp_transfer_in(source, layout, region, &target);
}

struct sp_transferred copy_in(int fd, const struct sp_layout *layout,
		pixman_box32_t box, uint8_t *base) {
	pixman_region32_t region;
	pixman_region32_init_with_extents(&region, &box);
	struct sp_transferred copied = copy_region_in(from_file(fd), layout,
		&region, base);
	pixman_region32_fini(&region);
	return copied;
}

struct sp_transferred copy_all_in(int fd, const struct sp_layout *layout,
		uint8_t *base) {
	pixman_box32_t box = { 0, 0, layout->width, layout->height };
	return copy_in(fd, layout, box, base);
}
