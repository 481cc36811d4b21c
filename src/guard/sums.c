/* SPDX-License-Identifier: MIT */
/*
 * A sum for each row of a buffer, which shows whether the row has changed.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "memory/untrusted.h"
#include "server/buffer.h"
#include "server/pool.h"
#include "sums.h"

/* FNV-1a over words. Each step is a bijection of either argument, so that no difference
 * is lost. */
static uint64_t mix(uint64_t sum, uint64_t word) {
	sum = (sum ^ word) * 0x100000001b3u;
	return sum ^ sum >> 29;
}

#define LANES 4

/* Equal rows have equal sums, others hardly ever. A multiplication has to wait for the
 * previous one, so four lanes are computed in parallel. */
static uint64_t add_piece(uint64_t sum, const uint8_t *bytes, size_t length) {
	uint64_t words[LANES], lanes[LANES] = { sum, 1, 2, 3 };
	for (; length >= sizeof(words); length -= sizeof(words)) {
		memcpy(words, bytes, sizeof(words));
		for (size_t i = 0; i < LANES; i++) {
			lanes[i] = mix(lanes[i], words[i]);
		}
		bytes += sizeof(words);
	}
	for (; length > 0; length--) {
		lanes[0] = mix(lanes[0], *bytes++);
	}
	for (size_t i = 1; i < LANES; i++) {
		lanes[0] = mix(lanes[0], lanes[i]);
	}
	return lanes[0];
}

pixman_box32_t sp_sums_get_box(const struct sp_sums *sums, size_t i) {
	const struct sp_layout *layout = &sums->buffer->view.layout;
	int32_t y = (int32_t)i * sums->rows;
	return (pixman_box32_t){
		.x1 = 0, .x2 = layout->width,
		.y1 = y, .y2 = layout->height - y > sums->rows ?
			y + sums->rows : layout->height,
	};
}

void sp_client_file_init(struct sp_client_file *file,
		struct sealpool_buffer *buffer) {
	struct sp_view *view = &buffer->view;
	struct sp_backing *backing = view->backing;
	file->view = view;
	file->slow = NULL;
	if (backing->file.kind != SP_FILE_SLOW || backing->file.own) {
		return;
	}
	pixman_region32_t all;
	pixman_region32_init_rect(&all, 0, 0, (unsigned)view->layout.width,
		(unsigned)view->layout.height);
	if (sp_slow_read(view, &all, &file->slow) < 0) {
		file->slow = NULL;
	} else if (!sp_reader_wait(backing->reader, &file->slow->job) ||
			file->slow->copied.missing > 0 ||
			file->slow->size < 0) {
		sp_slow_unref(file->slow);
		file->slow = NULL;
	}
	pixman_region32_fini(&all);
}

void sp_client_file_finish(struct sp_client_file *file) {
	if (file->slow != NULL) {
		sp_slow_unref(file->slow);
	}
}

static ssize_t read_some(struct sp_client_file *file, uint64_t offset,
		uint8_t *to, size_t length) {
	const struct sp_backing *backing = file->view->backing;
	if (backing->file.kind != SP_FILE_SLOW) {
		return pread(backing->file.fd, to, length, (off_t)offset);
	}
	if (backing->file.own) {
		return sp_file_read_at_once(backing->file.fd, to, length,
			offset);
	}
	if (file->slow == NULL) {
		return 0;
	}
	memcpy(to, file->slow->store.data +
		(offset - sp_layout_start(&file->view->layout)), length);
	return (ssize_t)length;
}

static const uint8_t *read_piece(struct sp_client_file *file, uint64_t offset,
		size_t length) {
	size_t done = 0;
	while (done < length) {
		ssize_t n = read_some(file, offset + done, file->piece + done,
			length - done);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			file->missing = true;
			memset(file->piece + done, 0, length - done);
			break;
		}
		done += (size_t)n;
	}
	return file->piece;
}

uint64_t sp_sums_add_up(const struct sp_sums *sums, size_t i,
		enum sp_sum_where where, struct sp_client_file *file) {
	const struct sp_layout *layout = &sums->buffer->view.layout;
	uint8_t *base = sp_untrusted_own(
		sums->buffer->pool->backing.pinned.shadow.mapping->data);
	pixman_box32_t box = sp_sums_get_box(sums, i);
	uint64_t sum = 0xcbf29ce484222325u;
	for (uint32_t j = 0; j < layout->format->planes_len; j++) {
		const struct sp_plane *plane = &layout->planes[j];
		struct sp_span span = sp_plane_span(plane, &box);
		for (uint32_t row = 0; row < span.rows; row++) {
			uint64_t at = span.offset +
				(uint64_t)plane->stride * row;
			uint64_t end = at + span.row_bytes;
			for (; at < end; at += SP_SUM_PIECE_SIZE) {
				size_t length = end - at < SP_SUM_PIECE_SIZE ?
					(size_t)(end - at) : SP_SUM_PIECE_SIZE;
				const uint8_t *piece =
					where == SP_SUM_IN_SHADOW ? base + at :
					read_piece(file, at, length);
				if (where == SP_SUM_IN_FILE_TO_SHADOW) {
					memcpy(base + at, piece, length);
				}
				sum = add_piece(sum, piece, length);
			}
		}
	}
	return sum;
}

struct sp_sum_range sp_sums_get_all(const struct sp_sums *sums) {
	return (struct sp_sum_range){ 0, sums->len };
}

/* Extends a range to the sums of the rows that have bytes from "start" to "end". */
static void range_add_bytes(struct sp_sum_range *range,
		const struct sp_sums *sums, uint64_t start, uint64_t end) {
	const struct sp_layout *layout = &sums->buffer->view.layout;
	for (uint32_t i = 0; i < layout->format->planes_len; i++) {
		const struct sp_plane *plane = &layout->planes[i];
		uint64_t from = plane->offset;
		uint64_t to = from + (uint64_t)plane->stride * plane->rows;
		if (start >= to || end <= from) {
			continue;
		}
		from = start > from ? start - from : 0;
		to = (end < to ? end : to) - plane->offset;
		uint64_t rows = (uint64_t)sums->rows;
		uint64_t y1 = from / plane->stride * plane->block.vsub;
		uint64_t y2 = ((to - 1) / plane->stride + 1) *
			plane->block.vsub;
		size_t first = (size_t)(y1 / rows);
		size_t last = (size_t)((y2 - 1) / rows);
		if (last >= sums->len) {
			last = sums->len - 1;
		}
		if (range->first > first) {
			range->first = first;
		}
		if (range->end < last + 1) {
			range->end = last + 1;
		}
	}
}

struct sp_sum_range sp_sums_find(const struct sp_sums *sums,
		const struct sealpool_buffer *buffer,
		const pixman_region32_t *region) {
	const pixman_box32_t *box =
		pixman_region32_extents((pixman_region32_t *)region);
	const struct sp_layout *layout = &buffer->view.layout;
	struct sp_sum_range range = { sums->len, 0 };
	for (uint32_t i = 0; i < layout->format->planes_len; i++) {
		const struct sp_plane *plane = &layout->planes[i];
		struct sp_span span = sp_plane_span(plane, box);
		range_add_bytes(&range, sums, span.offset, span.offset +
			(uint64_t)plane->stride * (span.rows - 1) +
			span.row_bytes);
	}
	return range;
}

void sp_sums_take(struct sp_sums *sums, struct sp_sum_range range) {
	for (size_t i = range.first; i < range.end; i++) {
		sums->values[i] = sp_sums_add_up(sums, i, SP_SUM_IN_SHADOW, NULL);
	}
}
