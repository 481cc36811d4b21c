/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_PROTOCOL_LAYOUTS_H
#define CONFORMANCE_PROTOCOL_LAYOUTS_H

/**
 * How the pixels of a format lie in a buffer.
 */

#include "case.h"

/* The bytes of a row with a number of pixels, and the ratio of all planes' bytes to those
 * of the first. */
struct layout {
	uint32_t format;
	uint8_t bytes, pixels;
	uint8_t total, first;
};

/** The formats that libwayland 1.21 has a name for, except tiled ones. */
extern const struct layout layouts[];
extern const size_t layouts_len;

/* Multiples of all group sizes and subsamplings. */
#define FORMAT_WIDTH 48
#define FORMAT_HEIGHT 16

/* A list of formats for messages. */
struct names {
	char text[300];
	size_t count;
};

bool is_planar(const struct layout *layout);
void add_name(struct names *names, uint32_t format);
int32_t tight_stride(const struct layout *layout);

/** Creates an invalid buffer on a connection of its own, which is then replaced. Returns
 * false if it was accepted. */
bool is_refused(struct test *test, const struct layout *layout,
	int32_t stride, int32_t size, bool committed,
	const char *const errors[]);

void expect_none(struct test *test, const struct names *accepted);

#endif
