/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_PROTOCOL_PICTURE_H
#define CONFORMANCE_PROTOCOL_PICTURE_H

/**
 * Valid pools and pictures, and what is expected of invalid requests.
 */

#include "case.h"

/* A valid buffer. */
#define WIDTH 16
#define HEIGHT 8
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

/* The next page, for any page size of the kernel. */
#define FAR 65536

#define SEEN_MS 2000
/* The time limit for an event that must come. */
#define DUE_MS 10000
/* How long to wait for an event that must not come. */
#define UNDUE_MS 300

struct place {
	int32_t offset, width, height, stride;
	/* The size of the pool; 0 is that of a valid buffer. */
	int32_t size;
};

/** The newest window is visible. If it is not, the compositor has other windows in front
 * of it, or the output is scaled, which is not a matter of wl_shm. */
extern bool picture_visible;

/** Expects an error about a size, a stride or a place. The text does not clearly
 * distinguish an invalid place from memory that cannot be mapped. */
void expect_place_error(struct test *test);

/** The request may be refused with such an error, or be accepted. */
bool passes(struct test *test);

/** "what" names the last request. */
void expect_alive_after(struct test *test, const char *what);

void create_pool(struct test *test, struct client_memory *memory,
	struct client_pool *pool, enum client_memory_kind kind,
	int32_t size);

/** Creates a pool with a wl_shm other than the client's own. */
void create_pool_of(struct test *test, struct wl_shm *shm,
	struct client_memory *memory, struct client_pool *pool,
	int32_t size);

void create_buffer(struct test *test, struct client_pool *pool,
	struct client_buffer *buffer, int32_t offset);
void commit_buffer(struct client_surface *surface,
	struct client_buffer *buffer);

/** Commits on a surface without a role, so that no size is wrong for it. A compositor may
 * still read it. */
void commit_without_role(struct test *test,
	struct client_buffer *buffer);

/** Creates a window with a valid picture, to find out whether pictures can be looked
 * for. */
void create_window(struct test *test, struct client_window *window);

/** Draws, commits, and looks for the picture in the newest window. */
void show(struct test *test, struct client_window *window,
	struct client_buffer *buffer, uint32_t frame,
	const char *what);

/** The same in a window of its own. */
void show_alone(struct test *test, struct client_buffer *buffer,
	uint32_t frame, const char *what);

/** Creates a pool that exceeds its file, and uses only the part within the file. */
void use_existing_part(struct test *test, struct client_pool *pool);

#endif
