/* SPDX-License-Identifier: MIT */
/*
 * Where a file has no memory.
 *
 * Not lseek(SEEK_HOLE), which would move the file offset that the client shares,
 * and wait for the inode's lock, which the client can hold for ever. mincore() says which
 * pages are in the page cache, and says so of all where the caller may neither write nor
 * own the file (since Linux 5.2): see sp_file_shows_pages().
 *
 * The kernel tells that page by page, and a client can have us ask for a large
 * range with each of its requests. So what was once seen to have memory is
 * remembered, in chunks: the next call asks only for the others, and for the chunks
 * that the range has a part of.
 */
#include <sys/mman.h>

#include "holes.h"
#include "mapping.h"
#include "pages.h"

#define PAGES_AT_ONCE 4096

static uint64_t min(uint64_t a, uint64_t b) {
	return a < b ? a : b;
}

/* Counts the pages of a mapping that have memory: PAGES_AT_ONCE at most. Returns 0
 * where that is not to be known. */
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

bool sp_holes_none_seen(struct sp_chunks *filled,
		const struct sp_mapping *mapping, uint64_t start,
		uint64_t end) {
	uint64_t looked_at = 0;
	while (start < end) {
		uint64_t chunk = start / SP_CHUNK_SIZE;
		uint64_t chunk_end = (chunk + 1) * SP_CHUNK_SIZE;
		uint64_t part_end = chunk_end < end ? chunk_end : end;
		uint64_t length = part_end - start;
		if (!sp_chunks_get(filled, chunk)) {
			if (looked_at + length > SP_HOLES_SCAN_MAX ||
					sp_holes_in_mapping(mapping, start,
						part_end)) {
				return false;
			}
			looked_at += length;
			if (length == SP_CHUNK_SIZE) {
				sp_chunks_set(filled, chunk);
			}
		}
		start = part_end;
	}
	return true;
}
