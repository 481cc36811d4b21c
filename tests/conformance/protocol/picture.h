/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_PROTOCOL_PICTURE_H
#define CONFORMANCE_PROTOCOL_PICTURE_H

/**
 * Pools and pictures of which everything is right, and what is expected of
 * requests that are not.
 */

#include "case.h"

/* A buffer of which everything is right. */
#define WIDTH 16
#define HEIGHT 8
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

/* The next page, for any page size of the kernel. */
#define FAR 65536

#define SEEN_MS 2000
/* Until an event has come that is due. */
#define DUE_MS 10000
/* Until an event has come that should not. */
#define UNDUE_MS 300

struct place {
	int32_t offset, width, height, stride;
	/* Of the pool; 0 is that of a right buffer. */
	int32_t size;
};

/** Whether the newest window can be seen. If it is not, a compositor has others
 * before it, or the output is scaled: that is no matter of wl_shm. */
extern bool picture_visible;

/** What there is to say of a size, a stride or a place: the text makes no clear
 * difference between a bad place and memory that cannot be mapped. */
void expect_place_error(struct test *test);

/** The request may be refused, with an error that says so, or be let pass. */
bool passes(struct test *test);

/** "what" says after what. */
void expect_alive_after(struct test *test, const char *what);

void create_pool(struct test *test, struct client_memory *memory,
	struct client_pool *pool, enum client_memory_kind kind,
	int32_t size);

/** A pool of a wl_shm other than the client's own. */
void create_pool_of(struct test *test, struct wl_shm *shm,
	struct client_memory *memory, struct client_pool *pool,
	int32_t size);

void create_buffer(struct test *test, struct client_pool *pool,
	struct client_buffer *buffer, int32_t offset);
void commit_buffer(struct client_surface *surface,
	struct client_buffer *buffer);

/** In a surface that has no role, so that no size is wrong for it, but which a
 * compositor may read from. */
void commit_without_role(struct test *test,
	struct client_buffer *buffer);

/** It shows a picture of which everything is right, to know whether others can
 * be looked for. */
void create_window(struct test *test, struct client_window *window);

/** Draws, commits, and looks for it in the newest window. */
void show(struct test *test, struct client_window *window,
	struct client_buffer *buffer, uint32_t frame,
	const char *what);

/** In a window of its own. */
void show_alone(struct test *test, struct client_buffer *buffer,
	uint32_t frame, const char *what);

/** What a client does that believes that its file has more, but is content with
 * what there is. */
void use_existing_part(struct test *test, struct client_pool *pool);

#endif
