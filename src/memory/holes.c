/* SPDX-License-Identifier: MIT */
/*
 * Whether a range of a file has memory everywhere.
 *
 * The kernel tells that page by page, and a client can have us ask for a large
 * range with each of its requests. So what was once seen is remembered, in
 * chunks: the next call asks only for the others, and for the chunks that the
 * range has a part of.
 */
#include "holes.h"
#include "mapping.h"

bool sp_filled_covers(struct sp_chunks *filled,
		const struct sp_mapping *mapping, uint64_t start,
		uint64_t end) {
	uint64_t looked_at = 0;
	while (start < end) {
		uint64_t chunk = start / SP_CHUNK_SIZE;
		uint64_t chunk_end = (chunk + 1) * SP_CHUNK_SIZE;
		uint64_t part_end = chunk_end < end ? chunk_end : end;
		uint64_t length = part_end - start;
		if (!sp_chunks_get(filled, chunk)) {
			if (looked_at + length > SP_FILLED_LOOK_MAX ||
					sp_mapping_has_holes(mapping, start,
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
