/* SPDX-License-Identifier: MIT */
/*
 * Copies regions from and to a client's file without a fault.
 *
 * At the end of a file, a system call returns a short count, and at a missing page
 * EFAULT, where a load or store of our own would raise SIGBUS. So in both directions the
 * kernel touches the client's bytes:
 *
 *   in:   pread() of the client's file to the shadow's mapping. Holes of the
 *         client's file are read without being filled. Many short rows of a file
 *         without holes are read from a mapping of it, a batch with each call
 *         (bounce.c).
 *   out:  pread() of the *shadow's* file to a mapping of the client's. Not pwrite()
 *         to the client's file: that would make a short file longer, and append,
 *         whatever the offset, if the client has set O_APPEND on the open file that
 *         it shares with us.
 */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/io.h"
#include "memory/pages.h"
#include "memory/sparse.h"
#include "transfer.h"

/* Linux 5.14 */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/*
 * The cost of a call, in bytes that could be copied in the same time: 0.4 us at 5 GB/s
 * (measured). A client chooses the shape of its damage, and must not be able to make the
 * calls cost more than copying the whole buffer. So gaps up to this size, between two rows
 * or boxes, are read too, rather than starting another call.
 */
#define CALL_COST 2048

/*
 * The same for a row that is one of many pieces in a call: 0.03 to 0.05 us. From ROWS_MIN
 * rows on, this saves more than the extra call that checks for holes. Long rows cost more,
 * since they are copied twice.
 */
#define PIECE_COST 512
#define ROWS_MIN 4
#define ROW_BYTES_MAX (16 * 1024)

/*
 * A buffer on the stack for rows that are read together with the gaps between them. The
 * gaps may belong to another buffer in use, so only this buffer's pixels are copied on.
 */
#define SCRATCH_SIZE (32 * 1024)
/* Longer rows are read one by one; the call is at most a fourth of their cost. */
#define SCRATCH_STRIDE_MAX (SCRATCH_SIZE / 4)

/*
 * An empty file can have any size, and none of it needs to be copied. So from this size
 * on, a file is searched for holes: first in chunks, and in chunks that are not empty, in
 * smaller pieces.
 */
#define HOLES_LOOKED_FOR_MIN (1024 * 1024)
#define SPARSE_PIECE_SIZE (16 * 1024)

/* For less than this, the call costs as much as it saves. */
#define POPULATED_MIN (16 * 1024)

/* Rows to be read by one call. */
struct batch {
	struct sp_bounce_piece rows[SP_BOUNCE_PIECES_MAX];
	size_t len, bytes;
};

struct job {
	const struct sp_transfer_source *source;
	/* The mapping of the client's file, if short rows are read from it. */
	const uint8_t SP_UNTRUSTED *base;
	const struct sp_transfer_target *target;
	struct sp_sparse holes;
	/* The size of the client's file, if it is searched for holes, or read from its
	 * mapping. */
	uint64_t size;
	/* The last chunk of the target that this job was the first to write to, and the
	 * offset from which on it is still zero. */
	uint64_t new_chunk, zero_from;
	struct sp_transferred copied;
};

static size_t min(size_t a, size_t b) {
	return a < b ? a : b;
}

static uint8_t *get_target(const struct job *job, uint64_t offset) {
	return job->target->data + (offset - job->target->start);
}

/* One call for many new pages takes less time than a fault for each. If the kernel does
 * not have the call, the pages fault. The call holds the process's mmap lock, also while
 * the thread waits for a processor, and mmap() on the event loop waits for that lock. A
 * fault takes only the lock of its mapping (since Linux 6.4). */
static void populate(const struct job *job, uint64_t offset, size_t length) {
	if (job->target->aside) {
		return;
	}
	uintptr_t page_mask = ~((uintptr_t)sp_pages_get_size() - 1);
	uintptr_t start = (uintptr_t)get_target(job, offset) & page_mask;
	uintptr_t end = (uintptr_t)get_target(job, offset + length) & page_mask;
	madvise((void *)start, end - start, MADV_POPULATE_WRITE);
}

/* Returns where to write, and marks its chunks as written. */
static uint8_t *write_target(struct job *job, uint64_t offset, size_t length) {
	struct sp_chunks *written = job->target->written;
	uint64_t end = offset + length;
	for (uint64_t start = offset, next; start < end; start = next) {
		uint64_t chunk = start / SP_CHUNK_SIZE;
		next = min(end, (chunk + 1) * SP_CHUNK_SIZE);
		if (!sp_chunks_get(written, chunk)) {
			sp_chunks_set(written, chunk);
			job->new_chunk = chunk;
			job->zero_from = start;
		}
		if (chunk == job->new_chunk && next > job->zero_from) {
			if (start >= job->zero_from &&
					next - start >= POPULATED_MIN) {
				populate(job, start, next - start);
			}
			job->zero_from = next;
		}
	}
	return get_target(job, offset);
}

/* Skips chunks that were never written, which are zero and have no
 * memory. */
static void zero_target(struct job *job, uint64_t offset, size_t length) {
	while (length > 0) {
		uint64_t chunk = offset / SP_CHUNK_SIZE;
		size_t part = min(length,
			(size_t)((chunk + 1) * SP_CHUNK_SIZE - offset));
		if (sp_chunks_get(job->target->written, chunk) &&
				(chunk != job->new_chunk ||
				offset < job->zero_from)) {
			memset(write_target(job, offset, part), 0, part);
		}
		offset += part;
		length -= part;
	}
}

/* Returns how many bytes were read: fewer than "length" at the file's end, or after an
 * error, which is stored. */
static size_t read_client(struct job *job, uint64_t offset, uint8_t *to,
		size_t length) {
	int fd = job->source->fd;
	if (!job->source->at_once) {
		return sp_io_read(fd, offset, to, length, &job->copied.error);
	}
	/* After the first bytes that are not in the page cache, no others are read. */
	return job->copied.error == 0 ? sp_io_read_at_once(fd, offset, to,
		length, &job->copied.error) : 0;
}

static bool has_hole(struct job *job, uint64_t offset, size_t length) {
	return job->holes.fd >= 0 && sp_sparse_has_hole(&job->holes, offset,
		offset + length);
}

/* Bytes past the file's end are missing, not a hole. */
static void note_hole(struct job *job, uint64_t offset, size_t length) {
	if (offset + length > job->size) {
		job->copied.missing += offset < job->size ?
			offset + length - job->size : length;
	}
}

/* Counts bytes that were read. Those that were not become zero, or keep their value. */
static void note_read(struct job *job, uint8_t *to, size_t done,
		size_t length) {
	job->copied.bytes += done;
	job->copied.missing += length - done;
	if (!job->source->at_once) {
		memset(to + done, 0, length - done);
	}
}

/* Copies a piece without a hole. */
static void copy_piece(struct job *job, uint64_t offset, size_t length) {
	uint8_t *to = write_target(job, offset, length);
	note_read(job, to, read_client(job, offset, to, length), length);
}

void sp_transfer_row(const struct sp_transfer_target *target, uint64_t offset,
		const uint8_t *from, size_t length) {
	struct job job = { .target = target, .new_chunk = UINT64_MAX };
	memcpy(write_target(&job, offset, length), from, length);
}

static void batch_read(struct job *job, struct batch *batch) {
	if (batch->len > 0 && job->base != NULL && sp_bounce_copy(
			job->source->bounce, job->base, batch->rows,
			batch->len)) {
		job->copied.bytes += batch->bytes;
	} else if (batch->len > 0) {
		/* Most likely, the file is too short. */
		job->base = NULL;
		for (size_t i = 0; i < batch->len; i++) {
			copy_piece(job, batch->rows[i].offset,
				batch->rows[i].length);
		}
	}
	batch->len = batch->bytes = 0;
}

static void batch_add(struct job *job, struct batch *batch, uint64_t offset,
		size_t length) {
	if (batch->len == SP_BOUNCE_PIECES_MAX ||
			length > SP_BOUNCE_SIZE - batch->bytes) {
		batch_read(job, batch);
	}
	batch->rows[batch->len++] = (struct sp_bounce_piece){
		.offset = offset,
		.to = write_target(job, offset, length),
		.length = length,
	};
	batch->bytes += length;
}

/* Copies row by row, or several rows with one call. */
static void copy_in_rows(struct job *job, const struct sp_span *span,
		size_t stride, bool in_batches) {
	size_t piece = job->holes.fd >= 0 ? SPARSE_PIECE_SIZE : SP_CHUNK_SIZE;
	struct batch batch;
	batch.len = batch.bytes = 0;
	for (uint32_t row = 0; row < span->rows; row++) {
		uint64_t offset = span->offset + (uint64_t)stride * row;
		uint64_t end = offset + span->row_bytes;
		if (in_batches) {
			batch_add(job, &batch, offset, span->row_bytes);
			continue;
		}
		for (size_t length; offset < end; offset += length) {
			length = min(piece, end - offset);
			if (has_hole(job, offset, length)) {
				zero_target(job, offset, length);
				note_hole(job, offset, length);
			} else {
				copy_piece(job, offset, length);
			}
		}
	}
	batch_read(job, &batch);
}

/* Reads several rows at once, with the gaps between them. */
static void copy_in_scattered(struct job *job,
		const struct sp_span *span, size_t stride) {
	uint8_t scratch[SCRATCH_SIZE];
	size_t rows_max = (sizeof(scratch) - span->row_bytes) / stride + 1;
	size_t rows;
	for (size_t row = 0; row < span->rows; row += rows) {
		rows = min(rows_max, span->rows - row);
		uint64_t offset = span->offset + (uint64_t)stride * row;
		size_t length = stride * (rows - 1) + span->row_bytes;
		bool hole = has_hole(job, offset, length);
		size_t got = hole ? 0 :
			read_client(job, offset, scratch, length);
		for (size_t i = 0; i < rows; i++) {
			size_t start = stride * i;
			if (hole) {
				zero_target(job, offset + start,
					span->row_bytes);
				note_hole(job, offset + start,
					span->row_bytes);
				continue;
			}
			size_t done = got <= start ? 0 :
				min(got - start, span->row_bytes);
			uint8_t *to = write_target(job, offset + start,
				span->row_bytes);
			memcpy(to, scratch + start, done);
			note_read(job, to, done, span->row_bytes);
		}
	}
}

static bool is_for_batches(const struct sp_span *span) {
	return span->rows >= ROWS_MIN && span->row_bytes <= ROW_BYTES_MAX;
}

bool sp_transfer_wants_mapping(const struct sp_layout *layout,
		const pixman_region32_t *region) {
	int boxes_len;
	const pixman_box32_t *boxes = pixman_region32_rectangles(
		(pixman_region32_t *)region, &boxes_len);
	for (int i = 0; i < boxes_len; i++) {
		struct sp_span span =
			sp_plane_span(&layout->planes[0], &boxes[i]);
		if (is_for_batches(&span)) {
			return true;
		}
	}
	return false;
}

static void copy_in_box(struct job *job, const struct sp_plane *plane,
		const pixman_box32_t *box) {
	struct sp_span span = sp_plane_span(plane, box);
	size_t stride = plane->stride;
	bool in_batches = job->base != NULL && is_for_batches(&span);
	if (span.rows > 1 && stride <= SCRATCH_STRIDE_MAX &&
			stride - span.row_bytes <=
				(in_batches ? PIECE_COST : CALL_COST)) {
		copy_in_scattered(job, &span, stride);
	} else {
		copy_in_rows(job, &span, stride, in_batches);
	}
}

/* Returns the gap between two boxes in the same rows, in bytes of a plane. */
static size_t gap_between(const struct sp_plane *plane,
		const pixman_box32_t *left, const pixman_box32_t *right) {
	const struct sp_block *block = &plane->block;
	return (size_t)(right->x1 - left->x2) * block->bytes /
		((size_t)block->width * block->hsub);
}

/* The boxes of a region form bands: those in the same rows follow one another from left
 * to right. A gap between two of them has pixels of this buffer. */
static void copy_in_plane(struct job *job, const struct sp_plane *plane,
		const pixman_box32_t *boxes, int boxes_len) {
	for (int i = 0; i < boxes_len; i++) {
		pixman_box32_t box = boxes[i];
		while (i + 1 < boxes_len && boxes[i + 1].y1 == box.y1 &&
				gap_between(plane, &box, &boxes[i + 1]) <=
					CALL_COST) {
			box.x2 = boxes[++i].x2;
		}
		copy_in_box(job, plane, &box);
	}
}

struct sp_transferred sp_transfer_in(const struct sp_transfer_source *source,
		const struct sp_layout *layout,
		const pixman_region32_t *region,
		const struct sp_transfer_target *target) {
	struct job job = {
		.source = source,
		.target = target,
		.holes = { .fd = -1 },
		.new_chunk = UINT64_MAX,
	};
	struct stat st = { 0 };
	bool large = layout->end - sp_layout_start(layout) >=
		HOLES_LOOKED_FOR_MIN;
	bool known = (large || source->base != NULL) && !source->at_once &&
		fstat(source->fd, &st) == 0;
	uint64_t size = (uint64_t)st.st_size;
	/* st_blocks counts units of 512 bytes on every file system. */
	uint64_t allocated = (uint64_t)st.st_blocks * 512;
	job.size = size;
	/* Reading a hole through a mapping would fill it, and the rest of a file's last
	 * page can be read, though it is past the file's end. */
	if (known && size >= layout->end && allocated >= size &&
			allocated <= source->memory_max) {
		job.base = source->base;
	}
	/* In another file, bytes without a page are not zero. */
	if (large && known && !source->counts_as_full &&
			allocated < layout->end) {
		sp_sparse_init(&job.holes, source->fd, size, allocated);
	}
	int boxes_len;
	const pixman_box32_t *boxes = pixman_region32_rectangles(
		(pixman_region32_t *)region, &boxes_len);
	for (uint32_t i = 0; i < layout->format->planes_len; i++) {
		copy_in_plane(&job, &layout->planes[i], boxes, boxes_len);
	}
	sp_sparse_finish(&job.holes);
	return job.copied;
}

static void copy_out_box(int fd, const struct sp_plane *plane,
		const pixman_box32_t *box, uint8_t SP_UNTRUSTED *client_base,
		uint64_t client_size, struct sp_transferred *copied) {
	struct sp_span span = sp_plane_span(plane, box);
	for (uint32_t row = 0; row < span.rows; row++) {
		/* Bytes between the rows may be another buffer's: write back only
		 * pixels. */
		uint64_t offset = span.offset + (uint64_t)plane->stride * row;
		size_t length = span.row_bytes;
		/* The last page has bytes past the file's end, which would become
		 * visible if the file grew. */
		if (offset >= client_size) {
			length = 0;
		} else if (length > client_size - offset) {
			length = (size_t)(client_size - offset);
		}
		size_t done = sp_io_read(fd, offset, client_base + offset,
			length, &copied->error);
		copied->bytes += done;
		copied->missing += span.row_bytes - done;
	}
}

struct sp_transferred sp_transfer_out(int shadow_fd, const struct sp_layout *layout,
		const pixman_region32_t *region, uint8_t SP_UNTRUSTED *client_base,
		uint64_t client_size) {
	struct sp_transferred copied = { 0 };
	int boxes_len;
	const pixman_box32_t *boxes = pixman_region32_rectangles(
		(pixman_region32_t *)region, &boxes_len);
	for (uint32_t i = 0; i < layout->format->planes_len; i++) {
		for (int j = 0; j < boxes_len; j++) {
			copy_out_box(shadow_fd, &layout->planes[i], &boxes[j],
				client_base, client_size, &copied);
		}
	}
	return copied;
}
