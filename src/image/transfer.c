/* SPDX-License-Identifier: MIT */
/*
 * Bytes in and out of a client's file, without a fault.
 *
 * A system call meets the end of a file with a short count, and a page that is
 * not there with EFAULT, where a load or store of our own would raise SIGBUS.
 * So in both directions it is the kernel that touches the client's bytes:
 *
 *   in:   pread() of the client's file into the shadow's mapping. Holes of the
 *         client's file are read without being filled. Many short rows of a file
 *         without holes come from a mapping of it, a batch with each call
 *         (bounce.c).
 *   out:  pread() of the *shadow's* file into a mapping of the client's. Not
 *         pwrite() to the client's file, which would make a short file longer,
 *         and which appends, whatever the offset, once the client has set
 *         O_APPEND on the open file that it shares with us.
 *
 * None of the calls may take the lock of the client's inode. The client can hold
 * it for ever: who writes to a file does, while he waits for the page that he
 * writes from, and the server of that one can be the client itself (FUSE). lseek()
 * for holes takes it; on shared memory pread() does not, and page faults do nowhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "memory/file.h"
#include "transfer.h"

/* Linux 6.5 */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/*
 * What a call costs, in bytes that could be copied in the same time: 0.4 us at
 * 5 GB/s, measured. A client chooses the shape of its damage, so it must not be
 * able to make the calls cost more than all of its buffer's bytes do: what lies
 * between two rows, or two boxes, is read along where it is less than this.
 */
#define CALL_COST 2048

/*
 * The same for a row that is one piece among many in a call: 0.03 to 0.05 us. From
 * ROWS_MIN of them on that is worth another call, to ask whether there are holes;
 * long ones cost more, as they are copied twice.
 */
#define PIECE_COST 512
#define ROWS_MIN 4
#define ROW_BYTES_MAX (16 * 1024)
#define ROWS_AT_ONCE 128

/*
 * For rows that are read together with what lies between them, which may be
 * another buffer's and in use: only pixels of this one go on from here. On the
 * stack of any thread.
 */
#define SCRATCH_SIZE (32 * 1024)
/* Longer rows are read one by one, at a fourth of their cost or less. */
#define SCRATCH_STRIDE_MAX (SCRATCH_SIZE / 4)

/*
 * An empty file can be as large as it likes, and none of it needs to be copied.
 * So from this size on, it is looked for holes: in chunks first, and where there is
 * something, in smaller pieces than otherwise.
 */
#define HOLES_LOOKED_FOR_MIN (1024 * 1024)
#define SPARSE_PIECE_SIZE (16 * 1024)
#define PIECE_SIZE (256 * 1024)

/* Of the client's file. */
struct holes {
	/* -1: it counts as full. */
	int fd;
	/* It has so many bytes, and memory for so many. */
	uint64_t size, allocated;
	/* Where it is mapped, if the kernel does not tell otherwise. */
	uint8_t *base;
	/* The chunk that was looked at last, and whether it is one. */
	uint64_t chunk;
	bool empty;
};

/* Rows to be read by one call. */
struct batch {
	struct iovec from[ROWS_AT_ONCE], to[ROWS_AT_ONCE];
	size_t len, bytes;
};

struct job {
	const struct sp_copy_source *source;
	/* The client's file, mapped, if short rows are to be read from there. */
	const uint8_t SP_UNTRUSTED *base;
	const struct sp_copy_target *target;
	struct holes holes;
	/* Of the client's file, if it is looked for holes, or is read where it
	 * is mapped. */
	uint64_t size;
	struct sp_copied copied;
};

static size_t min(size_t a, size_t b) {
	return a < b ? a : b;
}

struct cachestat_range {
	uint64_t offset, length;
};

struct cachestat {
	uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

/* How many pages of a mapping the kernel has at hand. */
static uint64_t count_pages(uint8_t *base, uint64_t length) {
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned char resident[4096];
	uint64_t count = 0;
	for (uint64_t done = 0; done < length;
			done += sizeof(resident) * page_size) {
		uint64_t part = min(sizeof(resident) * page_size,
			length - done);
		if (mincore(base + done, part, resident) < 0) {
			return 0;
		}
		for (uint64_t i = 0; i < (part + page_size - 1) / page_size;
				i++) {
			count += resident[i] & 1;
		}
	}
	return count;
}

/* mincore() does not know of pages that are swapped out: it can tell where holes
 * are if there are none of those. */
static bool map_holes(struct holes *holes) {
	void *base = mmap(NULL, holes->size, PROT_READ, MAP_PRIVATE, holes->fd,
		0);
	if (base == MAP_FAILED) {
		return false;
	}
	if (count_pages(base, holes->size) *
			(uint64_t)sysconf(_SC_PAGESIZE) != holes->allocated) {
		munmap(base, holes->size);
		return false;
	}
	holes->base = base;
	return true;
}

/* Whether shared memory has no page there, nor one that is swapped out. Where that
 * is not to be known, the file counts as full. */
static bool is_empty(struct holes *holes, uint64_t offset, uint64_t length) {
	struct cachestat_range range = { offset, length };
	struct cachestat stat;
	if (holes->base == NULL) {
		if (syscall(SYS_cachestat, (unsigned)holes->fd, &range, &stat,
				0) == 0) {
			return stat.cached == 0 && stat.evicted == 0;
		}
		/* Linux before 6.5 */
		if (errno != ENOSYS || !map_holes(holes)) {
			holes->fd = -1;
			return false;
		}
	}
	if (offset >= holes->size) {
		return true;
	}
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start = offset & ~(page_size - 1);
	length += offset - start;
	return count_pages(holes->base + start,
		min(length, holes->size - start)) == 0;
}

static bool is_hole(struct holes *holes, uint64_t start, uint64_t end) {
	while (holes->fd >= 0 && start < end) {
		uint64_t chunk = start & ~(SP_CHUNK_SIZE - 1);
		if (chunk != holes->chunk) {
			holes->chunk = chunk;
			holes->empty = is_empty(holes, chunk, SP_CHUNK_SIZE);
		}
		if (!holes->empty) {
			return holes->fd >= 0 &&
				is_empty(holes, start, end - start);
		}
		start = chunk + SP_CHUNK_SIZE;
	}
	return holes->fd >= 0;
}

static uint8_t *get_target(const struct job *job, uint64_t offset) {
	return job->target->data + (offset - job->target->start);
}

/* Returns where to write, which is not all zero from now on. */
static uint8_t *write_target(const struct job *job, uint64_t offset,
		size_t length) {
	struct sp_chunks *written = job->target->written;
	for (uint64_t chunk = offset / SP_CHUNK_SIZE;
			chunk <= (offset + length - 1) / SP_CHUNK_SIZE; chunk++) {
		if (!sp_chunks_get(written, chunk)) {
			sp_chunks_set(written, chunk);
		}
	}
	return get_target(job, offset);
}

/* What was never written is zero: memory that is not touched is not taken. */
static void zero_target(const struct job *job, uint64_t offset, size_t length) {
	while (length > 0) {
		uint64_t chunk = offset / SP_CHUNK_SIZE;
		size_t part = min(length,
			(size_t)((chunk + 1) * SP_CHUNK_SIZE - offset));
		if (sp_chunks_get(job->target->written, chunk)) {
			memset(get_target(job, offset), 0, part);
		}
		offset += part;
		length -= part;
	}
}

/* Returns how many bytes there were: less than asked for at the file's end, or
 * after an error, which is noted. */
static size_t read_at(int fd, uint64_t offset, uint8_t *to, size_t length,
		struct sp_copied *copied) {
	size_t done = 0;
	while (done < length) {
		ssize_t n = pread(fd, to + done, length - done,
			(off_t)(offset + done));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			copied->error = errno;
		}
		if (n <= 0) {
			break;
		}
		done += (size_t)n;
	}
	return done;
}

/* The same, of what the kernel has at hand. */
static size_t read_at_once(struct job *job, uint64_t offset, uint8_t *to,
		size_t length) {
	size_t done = 0;
	while (done < length && job->copied.error == 0) {
		ssize_t n = sp_file_read_at_once(job->source->fd, to + done,
			length - done, offset + done);
		if (n <= 0) {
			/* EAGAIN at the file's end too: nobody will look. */
			job->copied.error = n < 0 ? errno : EAGAIN;
			break;
		}
		done += (size_t)n;
	}
	return done;
}

static size_t read_client(struct job *job, uint64_t offset, uint8_t *to,
		size_t length) {
	return job->source->at_once ? read_at_once(job, offset, to, length) :
		read_at(job->source->fd, offset, to, length, &job->copied);
}

static void zero_missing(uint8_t *to, size_t length, size_t done,
		struct sp_copied *copied) {
	memset(to + done, 0, length - done);
	copied->bytes += done;
	copied->missing += length - done;
}

/* What is past the file's end is not just empty. */
static void note_hole(struct job *job, uint64_t offset, size_t length) {
	if (offset + length > job->size) {
		job->copied.missing += offset < job->size ?
			offset + length - job->size : length;
	}
}

/* Without a hole. */
static void copy_piece(struct job *job, uint64_t offset, size_t length) {
	uint8_t *to = write_target(job, offset, length);
	size_t done = read_client(job, offset, to, length);
	if (job->source->at_once) {
		job->copied.bytes += done;
		job->copied.missing += length - done;
	} else {
		zero_missing(to, length, done, &job->copied);
	}
}

void sp_copy_row(const struct sp_copy_target *target, uint64_t offset,
		const uint8_t *from, size_t length) {
	const struct job job = { .target = target };
	memcpy(write_target(&job, offset, length), from, length);
}

static void batch_read(struct job *job, struct batch *batch) {
	if (batch->len == 0) {
		return;
	}
	if (sp_bounce_copy(job->source->bounce, batch->from, batch->to,
			batch->len)) {
		job->copied.bytes += batch->bytes;
	} else {
		/* Most likely, the file has ended. */
		for (size_t i = 0; i < batch->len; i++) {
			uint64_t offset =
				(uintptr_t)batch->from[i].iov_base -
				(uintptr_t)job->base;
			copy_piece(job, offset, batch->from[i].iov_len);
		}
		job->base = NULL;
	}
	batch->len = batch->bytes = 0;
}

/* Several short rows with one call. */
static void copy_in_batches(struct job *job, const struct sp_span *span,
		size_t stride) {
	struct batch batch = { .len = 0 };
	size_t length = span->row_bytes;
	for (uint32_t row = 0; row < span->rows; row++) {
		uint64_t offset = span->offset + (uint64_t)stride * row;
		if (batch.len == ROWS_AT_ONCE ||
				length > SP_BOUNCE_SIZE - batch.bytes) {
			batch_read(job, &batch);
		}
		/* The one before may have failed. */
		if (job->base == NULL) {
			copy_piece(job, offset, length);
			continue;
		}
		batch.from[batch.len] = (struct iovec){
			.iov_base = sp_untrusted_for_kernel(
				job->base + offset),
			.iov_len = length,
		};
		batch.to[batch.len++] = (struct iovec){
			.iov_base = write_target(job, offset, length),
			.iov_len = length,
		};
		batch.bytes += length;
	}
	batch_read(job, &batch);
}

/* Row by row. */
static void copy_in_rows(struct job *job, const struct sp_span *span,
		size_t stride) {
	for (uint32_t row = 0; row < span->rows; row++) {
		uint64_t offset = span->offset + (uint64_t)stride * row;
		size_t length;
		for (size_t i = 0; i < span->row_bytes; i += length) {
			length = min(job->holes.fd >= 0 ? SPARSE_PIECE_SIZE :
				PIECE_SIZE, span->row_bytes - i);
			uint64_t from = offset + i;
			if (!is_hole(&job->holes, from, from + length)) {
				copy_piece(job, from, length);
				continue;
			}
			zero_target(job, from, length);
			note_hole(job, from, length);
		}
	}
}

/* Several rows at once. */
/* What is not at hand is left as it is. */
static void take_row(struct job *job, uint64_t offset, const uint8_t *from,
		size_t done, size_t length) {
	if (done > 0) {
		memcpy(write_target(job, offset, done), from, done);
	}
	job->copied.bytes += done;
	job->copied.missing += length - done;
}

static void copy_in_scattered(struct job *job,
		const struct sp_span *span, size_t stride) {
	uint8_t scratch[SCRATCH_SIZE];
	size_t rows_max = (sizeof(scratch) - span->row_bytes) / stride + 1;
	size_t rows;
	for (size_t row = 0; row < span->rows; row += rows) {
		rows = min(rows_max, span->rows - row);
		uint64_t offset = span->offset + (uint64_t)stride * row;
		size_t length = stride * (rows - 1) + span->row_bytes;
		bool hole = is_hole(&job->holes, offset, offset + length);
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
			if (job->source->at_once) {
				take_row(job, offset + start, scratch + start,
					done, span->row_bytes);
				continue;
			}
			zero_missing(scratch + start, span->row_bytes, done,
				&job->copied);
			memcpy(write_target(job, offset + start,
				span->row_bytes), scratch + start,
				span->row_bytes);
		}
	}
}

static bool is_for_batches(const struct sp_span *span) {
	return span->rows >= ROWS_MIN && span->row_bytes <= ROW_BYTES_MAX;
}

bool sp_copy_in_wants_mapping(const struct sp_layout *layout,
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
	} else if (in_batches) {
		copy_in_batches(job, &span, stride);
	} else {
		copy_in_rows(job, &span, stride);
	}
}

/* How far apart two boxes in the same rows are, in bytes of a plane. */
static size_t gap_between(const struct sp_plane *plane,
		const pixman_box32_t *left, const pixman_box32_t *right) {
	const struct sp_block *block = &plane->block;
	return (size_t)(right->x1 - left->x2) * block->bytes /
		((size_t)block->width * block->hsub);
}

/* The boxes of a region come in bands: those in the same rows follow one
 * another from left to right. What is between two is pixels too. */
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

struct sp_copied sp_copy_in(const struct sp_copy_source *source,
		const struct sp_layout *layout,
		const pixman_region32_t *region,
		const struct sp_copy_target *target) {
	struct job job = {
		.source = source,
		.target = target,
		.holes = { .fd = -1, .chunk = UINT64_MAX },
	};
	struct stat st = { 0 };
	bool large = layout->end - sp_layout_start(layout) >=
		HOLES_LOOKED_FOR_MIN;
	bool known = (large || source->base != NULL) && !source->at_once &&
		fstat(source->fd, &st) == 0;
	job.size = (uint64_t)st.st_size;
	/* To read a hole through a mapping would fill it, and the rest of a
	 * file's last page is there, though it is not the file's. */
	if (known && (uint64_t)st.st_size >= layout->end &&
			(uint64_t)st.st_blocks * 512 >=
				(uint64_t)st.st_size) {
		job.base = source->base;
	}
	/* The pages of any other file are not all of its data. */
	if (large && known && !source->counts_as_full &&
			(uint64_t)st.st_blocks * 512 < layout->end) {
		job.holes.fd = source->fd;
		job.holes.size = (uint64_t)st.st_size;
		job.holes.allocated = (uint64_t)st.st_blocks * 512;
	}
	int boxes_len;
	const pixman_box32_t *boxes = pixman_region32_rectangles(
		(pixman_region32_t *)region, &boxes_len);
	for (uint32_t i = 0; i < layout->format->planes_len; i++) {
		copy_in_plane(&job, &layout->planes[i], boxes, boxes_len);
	}
	if (job.holes.base != NULL) {
		munmap(job.holes.base, job.holes.size);
	}
	return job.copied;
}

static void copy_out_box(int fd, const struct sp_plane *plane,
		const pixman_box32_t *box, uint8_t SP_UNTRUSTED *client_base,
		uint64_t client_size, struct sp_copied *copied) {
	struct sp_span span = sp_plane_span(plane, box);
	for (uint32_t row = 0; row < span.rows; row++) {
		/* What lies between the rows may be another buffer's: hand back
		 * pixels only. */
		uint64_t offset = span.offset + (uint64_t)plane->stride * row;
		size_t length = span.row_bytes;
		/* The last page has bytes past the file's end that would come
		 * to light if the file grew. */
		if (offset >= client_size) {
			length = 0;
		} else if (length > client_size - offset) {
			length = (size_t)(client_size - offset);
		}
		size_t done = read_at(fd, offset,
			sp_untrusted_for_kernel(client_base + offset), length,
			copied);
		copied->bytes += done;
		copied->missing += span.row_bytes - done;
	}
}

struct sp_copied sp_copy_out(int shadow_fd, const struct sp_layout *layout,
		const pixman_region32_t *region, uint8_t SP_UNTRUSTED *client_base,
		uint64_t client_size) {
	struct sp_copied copied = { 0 };
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
