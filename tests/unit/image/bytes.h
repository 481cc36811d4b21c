/* SPDX-License-Identifier: MIT */
#ifndef UNIT_BYTES_H
#define UNIT_BYTES_H

/**
 * Bytes in and out of a client's file: those asked for are exact, and all others stay
 * as they were. Both sides are compared byte by byte. Where a file has its own bytes,
 * byte number i is pattern(i), which is never UNTOUCHED nor zero.
 */

#include <drm_fourcc.h>
#include <sys/types.h>

#include "image/transfer.h"
#include "layout.h"
#include "traces.h"

#define UNTOUCHED 0xee

/** Rows that lie far enough apart to be copied one by one. */
#define STRIDE 4096
/** Of files and of what they are copied to. */
#define SIZE (128 * 1024)

uint8_t pattern(uint64_t i);

/** A file of "size" bytes of its own. */
int create_pattern_file(off_t size);
/** Memory that is UNTOUCHED, for free(). */
uint8_t *create_bytes(size_t size);

/** What a range of bytes should be. */
struct part {
	uint64_t start, end;
	enum { FROM_FILE, ZERO } holds;
};

/** All but the parts should be UNTOUCHED. */
void expect_bytes(const uint8_t *bytes, size_t size, const struct part *parts,
	size_t parts_len);
#define expect_parts(bytes, size, ...) do { \
	const struct part parts[] = { __VA_ARGS__ }; \
	expect_bytes(bytes, size, parts, sizeof(parts) / sizeof(parts[0])); \
} while (0)

void expect_copied(struct sp_transferred copied, uint64_t bytes,
	uint64_t missing);
/** The same, where something else than the file's end was in the way. */
void expect_error(struct sp_transferred copied, uint64_t bytes, uint64_t missing,
	int error);

/** By calls that read it. */
#define from_file(file) (&(const struct sp_transfer_source){ .fd = (file) })

struct sp_transferred copy_in(int fd, const struct sp_layout *layout,
	pixman_box32_t box, uint8_t *base);
struct sp_transferred copy_all_in(int fd, const struct sp_layout *layout,
	uint8_t *base);
struct sp_transferred copy_region_in(const struct sp_transfer_source *source,
	const struct sp_layout *layout, const pixman_region32_t *region,
	uint8_t *base);

#endif
