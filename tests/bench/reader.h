/* SPDX-License-Identifier: MIT */
#ifndef BENCH_READER_H
#define BENCH_READER_H

#include <pixman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * How a compositor reads the pixels of a surface, all of them ARGB8888.
 */
struct reader {
	/* enum bench_reader */
	uint32_t kind;
	int32_t width, height;
	/* The framebuffer. */
	pixman_image_t *framebuffer;
	unsigned texture;
	/* Keeps the compiler from leaving out the reads. */
	uint32_t sum;
};

/** Returns false, after a message, if the reader is not available. */
bool reader_init(struct reader *reader, uint32_t kind, int32_t width,
	int32_t height);

/** Reads the damaged part of a buffer that has the framebuffer's size. */
void reader_read(struct reader *reader, void *data, size_t stride,
	const pixman_region32_t *damage);

#endif
