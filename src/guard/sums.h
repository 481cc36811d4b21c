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

/** The sums of a buffer, one for each "rows" rows of pixels in all planes. */
struct sp_sums {
	struct sealpool_buffer *buffer;
	int32_t rows;
	size_t len;
	uint64_t *values;
};

/* How much of the client's file is read at once, to the stack. */
#define SP_SUM_PIECE_SIZE (16 * 1024)

/** The client's file, and a piece of it. */
struct sp_client_file {
	struct sp_view *view;
	/* The contents of a slow file, read by a reader thread; NULL if it has not
	 * answered in time. */
	struct sp_slow *slow;
	/* Bytes could not be read. */
	bool missing;
	uint8_t piece[SP_SUM_PIECE_SIZE];
};

void sp_client_file_init(struct sp_client_file *file,
	struct sealpool_buffer *buffer);
void sp_client_file_finish(struct sp_client_file *file);

/** Where the bytes are that a sum is computed of. */
enum sp_sum_where {
	SP_SUM_IN_SHADOW,
	SP_SUM_IN_FILE,
	/* In the file; they are copied to the shadow. */
	SP_SUM_IN_FILE_TO_SHADOW,
};

/** Computes a sum. "file" may be NULL for SP_SUM_IN_SHADOW. */
uint64_t sp_sums_add_up(const struct sp_sums *sums, size_t i,
	enum sp_sum_where where, struct sp_client_file *file);

/** Returns the rows of a sum. */
pixman_box32_t sp_sums_get_box(const struct sp_sums *sums, size_t i);

/** Some of the sums, from "first" up to but not including "end"; empty unless first is
 * less than end. */
struct sp_sum_range {
	size_t first, end;
};

struct sp_sum_range sp_sums_get_all(const struct sp_sums *sums);

/** Returns the sums that a change of a buffer may affect: those of the rows that have
 * bytes of the box around the region, and of the rows between them. */
struct sp_sum_range sp_sums_find(const struct sp_sums *sums,
	const struct sealpool_buffer *buffer, const pixman_region32_t *region);

/** Computes and stores some sums of the shadow. */
void sp_sums_take(struct sp_sums *sums, struct sp_sum_range range);

#endif
