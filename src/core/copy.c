/* SPDX-License-Identifier: MIT */
/*
 * Bytes in and out of a client's file, without a fault.
 *
 * A system call meets the end of a file with a short count, and a page that is
 * not there with EFAULT, where a load or store of our own would raise SIGBUS.
 * So in both directions it is the kernel that touches the client's bytes:
 *
 *   in:   pread() of the client's file into the shadow's mapping. Holes of the
 *         client's file are read without being filled.
 *   out:  pread() of the *shadow's* file into a mapping of the client's. Not
 *         pwrite() to the client's file, which would make a short file longer,
 *         and which appends, whatever the offset, once the client has set
 *         O_APPEND on the open file that it shares with us.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "copy.h"

/* Strides are padded to the cache lines or the texture units of the client. */
#define PADDING_MAX 256

/* Returns how many bytes there were; less than asked for at the file's end, or
 * where a page of the destination cannot be had. */
static size_t read_at(int fd, uint64_t offset, uint8_t *to, size_t length) {
	size_t done = 0;
	while (done < length) {
		ssize_t n = pread(fd, to + done, length - done,
			(off_t)(offset + done));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			break;
		}
		done += (size_t)n;
	}
	return done;
}

static void copy_in_span(int fd, uint64_t offset, uint8_t *base, size_t length,
		struct sp_copied *copied) {
	size_t done = read_at(fd, offset, base + offset, length);
	memset(base + offset + done, 0, length - done);
	copied->bytes += done;
	copied->missing += length - done;
}

static void copy_in_box(int fd, const struct sp_plane *plane,
		const pixman_box32_t *box, uint8_t *base,
		struct sp_copied *copied) {
	struct sp_span span = sp_plane_span(plane, box);
	/* Rows with little between them, padding most likely, are cheaper to
	 * read in one call: entering the kernel costs as much as 2 KiB do. */
	size_t gap = plane->stride - span.row_bytes;
	if (span.rows > 1 && gap <= PADDING_MAX) {
		span.row_bytes += (size_t)plane->stride * (span.rows - 1);
		span.rows = 1;
	}
	for (uint32_t row = 0; row < span.rows; row++) {
		copy_in_span(fd, span.offset + (uint64_t)plane->stride * row,
			base, span.row_bytes, copied);
	}
}

struct sp_copied sp_copy_in(int client_fd, const struct sp_layout *layout,
		const pixman_region32_t *region, uint8_t *base) {
	struct sp_copied copied = { 0 };
	int boxes_len;
	const pixman_box32_t *boxes = pixman_region32_rectangles(
		(pixman_region32_t *)region, &boxes_len);
	for (uint32_t i = 0; i < layout->planes_len; i++) {
		for (int j = 0; j < boxes_len; j++) {
			copy_in_box(client_fd, &layout->planes[i], &boxes[j],
				base, &copied);
		}
	}
	return copied;
}

struct sp_copied sp_copy_out(int shadow_fd, const struct sp_layout *layout,
		uint8_t *client_base, uint64_t client_size) {
	struct sp_copied copied = { 0 };
	pixman_box32_t all = { 0, 0, layout->width, layout->height };
	for (uint32_t i = 0; i < layout->planes_len; i++) {
		const struct sp_plane *plane = &layout->planes[i];
		struct sp_span span = sp_plane_span(plane, &all);
		for (uint32_t row = 0; row < span.rows; row++) {
			/* What lies between the rows may be another buffer's:
			 * hand back pixels only. */
			uint64_t offset =
				span.offset + (uint64_t)plane->stride * row;
			size_t length = span.row_bytes;
			/* The last page has bytes past the file's end that
			 * would come to light if the file grew. */
			if (offset >= client_size) {
				length = 0;
			} else if (length > client_size - offset) {
				length = (size_t)(client_size - offset);
			}
			size_t done = read_at(shadow_fd, offset,
				client_base + offset, length);
			copied.bytes += done;
			copied.missing += span.row_bytes - done;
		}
	}
	return copied;
}
