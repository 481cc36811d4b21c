/* SPDX-License-Identifier: MIT */
#ifndef UNIT_BYTES_H
#define UNIT_BYTES_H

/**
 * Copies from and to a client's file: the requested bytes are exact, and all others are
 * unchanged. Both sides are compared byte by byte. Where a file has its own bytes, byte i
 * is pattern(i), which is never UNTOUCHED or zero.
 */

#include <drm_fourcc.h>
#include <sys/types.h>

#include "image/transfer.h"
#include "layout.h"
#include "traces.h"

#define UNTOUCHED 0xee

/** Rows far enough apart to be copied one by one. */
#define STRIDE 4096
/** Size of the files and of the memory that they are copied to. */
#define SIZE (128 * 1024)

uint8_t pattern(uint64_t i);

/** Creates a file of "size" bytes of pattern(). */
int create_pattern_file(off_t size);
/** Allocates memory whose bytes are UNTOUCHED. To be freed with free(). */
uint8_t *create_bytes(size_t size);

/** The expected contents of a range of bytes. */
struct part {
	uint64_t start, end;
	enum { FROM_FILE, ZERO } holds;
};

/** Fails unless the parts are as given, and all other bytes are UNTOUCHED. */
void expect_bytes(const uint8_t *bytes, size_t size, const struct part *parts,
	size_t parts_len);
#define expect_parts(bytes, size, ...) do { \
	const struct part parts[] = { __VA_ARGS__ }; \
	expect_bytes(bytes, size, parts, sizeof(parts) / sizeof(parts[0])); \
} while (0)

void expect_copied(struct sp_transferred copied, uint64_t bytes,
	uint64_t missing);
/** The same, when an error and not the end of the file stopped the copy. */
void expect_error(struct sp_transferred copied, uint64_t bytes, uint64_t missing,
	int error);

/** The file is read with system calls. */
#define from_file(file) (&(const struct sp_transfer_source){ .fd = (file) })

struct sp_transferred copy_in(int fd, const struct sp_layout *layout,
	pixman_box32_t box, uint8_t *base);
struct sp_transferred copy_all_in(int fd, const struct sp_layout *layout,
	uint8_t *base);
struct sp_transferred copy_region_in(const struct sp_transfer_source *source,
	const struct sp_layout *layout, const pixman_region32_t *region,
	uint8_t *base);

#endif
