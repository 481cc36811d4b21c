/* SPDX-License-Identifier: MIT */
/*
 * Finds out where a file has no memory.
 *
 * mincore() shows which pages are in the page cache; since Linux 5.2, it reports all pages
 * as present to a caller that neither owns the file nor may write to it: see
 * sp_file_shows_pages(). lseek(SEEK_HOLE) is not used: it moves the file offset, which
 * the client shares, and waits for the inode lock, which the client can hold for ever.
 *
 * mincore() reports page by page, and a client can cause a check of a large range with
 * each request. So chunks that were seen to have memory are remembered: the next call
 * checks only the others, and chunks that the range covers in part. Many clients can do
 * that at once, so checks are limited for all of them together; what may not be checked
 * counts as a hole for now.
 */
#include <sys/mman.h>

#include "holes.h"
#include "mapping.h"
#include "pages.h"
#include "rate.h"

#define PAGES_AT_ONCE 4096

static uint64_t min(uint64_t a, uint64_t b) {
	return a < b ? a : b;
}

/* Counts the pages of a mapping that have memory, at most PAGES_AT_ONCE. Returns 0 if
 * that is unknown. */
static uint64_t count_some(const uint8_t SP_UNTRUSTED *base, uint64_t pages) {
	unsigned char resident[PAGES_AT_ONCE];
	uint64_t count = 0;
	if (mincore(sp_untrusted_for_kernel(base), pages * sp_pages_get_size(),
			resident) < 0) {
		return 0;
	}
	for (uint64_t i = 0; i < pages; i++) {
		count += resident[i] & 1;
	}
	return count;
}

uint64_t sp_holes_count_pages(const uint8_t SP_UNTRUSTED *base,
		uint64_t length) {
	uint64_t page_size = sp_pages_get_size();
	uint64_t pages = sp_pages_round_up(length) / page_size, count = 0;
	for (uint64_t i = 0; i < pages; i += PAGES_AT_ONCE) {
		count += count_some(base + i * page_size,
			min(PAGES_AT_ONCE, pages - i));
	}
	return count;
}

bool sp_holes_in_mapping(const struct sp_mapping *mapping, uint64_t start,
		uint64_t end) {
	uint64_t page_size = sp_pages_get_size();
	start = sp_pages_round_down(start);
	uint64_t pages = sp_pages_round_up(end - start) / page_size;
	for (uint64_t i = 0; i < pages; i += PAGES_AT_ONCE) {
		uint64_t some = min(PAGES_AT_ONCE, pages - i);
		if (count_some(mapping->data + start + i * page_size, some) <
				some) {
			return true;
		}
	}
	return false;
}

bool sp_holes_none_seen(struct sp_chunks *filled, struct sp_rate *looks,
		const struct sp_mapping *mapping, uint64_t start,
		uint64_t end) {
	while (start < end) {
		uint64_t chunk = start / SP_CHUNK_SIZE;
		uint64_t chunk_end = (chunk + 1) * SP_CHUNK_SIZE;
		uint64_t part_end = chunk_end < end ? chunk_end : end;
		uint64_t length = part_end - start;
		if (!sp_chunks_get(filled, chunk)) {
			if (!sp_rate_take(looks, length) ||
					sp_holes_in_mapping(mapping, start,
						part_end)) {
				return false;
			}
			if (length == SP_CHUNK_SIZE) {
				sp_chunks_set(filled, chunk);
			}
		}
		start = part_end;
	}
	return true;
}
