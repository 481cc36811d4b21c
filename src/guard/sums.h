/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GUARD_SUMS_H
#define SEALPOOL_GUARD_SUMS_H

#include <pixman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/slow.h"

struct sealpool_buffer;
struct sp_view;

/** A number for so many rows of pixels each, over all planes. */
struct sp_sums {
	struct sealpool_buffer *buffer;
	int32_t rows;
	size_t len;
	uint64_t *values;
};

/* How much of the client's file is read at once; on the stack. */
#define SP_SUM_PIECE_SIZE (16 * 1024)

/** The client's file, and a piece of it. */
struct sp_client_file {
	struct sp_view *view;
	/* All of a file that may never answer, as a reader thread has read it; NULL
	 * if it has not answered in time. */
	struct sp_slow *slow;
	/* Bytes were asked for that could not be read. */
	bool missing;
	uint8_t piece[SP_SUM_PIECE_SIZE];
};

void sp_client_file_init(struct sp_client_file *file,
	struct sealpool_buffer *buffer);
void sp_client_file_finish(struct sp_client_file *file);

/** Where the bytes of a sum's rows are looked at. */
enum sp_sum_where {
	SP_SUM_IN_SHADOW,
	SP_SUM_IN_FILE,
	/* And copied to the shadow. */
	SP_SUM_IN_FILE_TO_SHADOW,
};

/** Takes a number anew. "file" may be NULL in the shadow. */
uint64_t sp_sums_add_up(const struct sp_sums *sums, size_t i,
	enum sp_sum_where where, struct sp_client_file *file);

/** Where the rows of a number are. */
pixman_box32_t sp_sums_get_box(const struct sp_sums *sums, size_t i);

/** Some of the sums, from the first up to the end: none if that is not behind
 * it. */
struct sp_sum_range {
	size_t first, end;
};

struct sp_sum_range sp_sums_get_all(const struct sp_sums *sums);

/** The numbers that a change of a buffer concerns: of the rows that have bytes of the
 * box around the region, or lie between those. */
struct sp_sum_range sp_sums_find(const struct sp_sums *sums,
	const struct sealpool_buffer *buffer, const pixman_region32_t *region);

/** Takes some numbers anew, in the shadow, and keeps them. */
void sp_sums_take(struct sp_sums *sums, struct sp_sum_range range);

#endif
