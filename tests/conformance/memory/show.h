/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_MEMORY_SHOW_H
#define CONFORMANCE_MEMORY_SHOW_H

/**
 * A window, and a pool of the memory under test.
 */

#include "case.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif

#define WIDTH 118
#define HEIGHT 86
#define BYTES (WIDTH * HEIGHT * 4)
/* The space of each of the two buffers of a pool, which share no page. */
#define ROOM ((BYTES + 0xffff) & ~0xffff)
#define FRAMES 4

/* After the compositor has waited for a file, it needs this time before it may wait
 * again. */
#define LATE_WAIT_MS 200
#define LATE_TRIES 100

#define SPARSE_BYTES (1 << 30)

/* A pool with two buffers, and their window. */
struct show {
	struct test *test;
	struct client_memory memory;
	/* The pool's size, and the offset of the buffers. */
	int32_t size, offset;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	struct client_image expected;
	bool can_see;
	/* The file is not memory. A busy compositor may not wait for such a file, and
	 * show its bytes only at the next commit. */
	bool may_be_late;
	uint32_t frames;
};

#define quality(name, KIND, more, text, run) \
	{ "memory/" name, CASE_QUALITY, text, run, WITH(KIND, more) }
#define quality_of_both(name, more, text, run) \
	quality(name "sealed", SEALED, more, text, run), \
	quality(name "unsealed", UNSEALED, more, text, run)
#define quality_of_three(name, more, text, run) \
	quality_of_both(name, more, text, run), \
	quality(name "file", FILE, more, text, run)

_Noreturn void fail_errno(struct test *test, const char *doing);

/** Prepares everything but the pool: its memory has not been drawn. */
void show_init(struct test *test, struct show *show,
	enum client_memory_kind kind);

void show_create_buffers(struct show *show);

/** Creates a pool of the memory as it is. */
void show_begin(struct show *show);

void show_draw_expected(struct show *show);

/** Commits the next buffer, which must have the expected picture. */
void show_frame(struct show *show);

struct client_buffer *show_take_buffer(struct show *show);

/** Draws through the mapping. */
void show_draw_buffer(struct show *show, const struct client_buffer *buffer);

void show_draw_frames(struct show *show, int count);

/** Writes the expected picture to the file, at a buffer's place. */
void show_write_buffer(struct show *show, const struct client_buffer *buffer);

void show_set_append(struct show *show);
void show_unmap(struct show *show);

/** Adds F_SEAL_* flags. Skips the case if the system does not have them. */
void show_seal(struct show *show, unsigned seals);

#endif
