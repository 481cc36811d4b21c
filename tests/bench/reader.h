/* SPDX-License-Identifier: MIT */
#ifndef BENCH_READER_H
#define BENCH_READER_H

#include <pixman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * What a compositor does with the pixels of a surface, all of them ARGB8888.
 */
struct reader {
	/* enum bench_reader */
	uint32_t kind;
	int32_t width, height;
	/* What is composed into. */
	pixman_image_t *framebuffer;
	unsigned texture;
	/* So that nothing is left out for being of no use. */
	uint32_t sum;
};

/** Returns false, after a message, where it cannot be had. */
bool reader_init(struct reader *reader, uint32_t kind, int32_t width,
	int32_t height);

/** Reads the damaged part of a buffer as large as the framebuffer. */
void reader_read(struct reader *reader, void *data, size_t stride,
	const pixman_region32_t *damage);

#endif
