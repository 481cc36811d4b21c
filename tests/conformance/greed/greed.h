/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_GREED_GREED_H
#define CONFORMANCE_GREED_GREED_H

/**
 * What the compositor has, and what a client asks of it.
 */

#include "case.h"

#define MIB ((int64_t)1 << 20)

/* For the requests of one case, in milliseconds. */
#define GREED_MS 3000

/* How many requests are sent before it is looked whether they were too many.
 * libwayland holds no more than 28 descriptors back. */
#define BATCH 64

/* A buffer of a page. */
#define SIDE 32
#define PAGE_BYTES (SIDE * SIDE * 4)

/* As much as a pool can have. */
#define WIDE 16384
#define STRIDE (WIDE * 4)
#define ROWS 32767
#define HUGE (STRIDE * ROWS)

/* How much memory the compositor may allocate for a client's buffers: a copy and a texture
 * of 512 MiB, which an honest client may use, and as much again for other work. */
#define GROWTH_MAX (1536 * MIB)
/* The same of several clients, and as much as this host can spare. */
#define GROWTH_OF_MANY_MAX (3 * 1024 * MIB)

/* How far the dots are apart: no more than a row of any buffer. */
#define DOT_STEP 32768
/* Beside seals. */
#define DOTTED (1 << 16)

/** Of create_large_file(): the one that is the client's. */
extern ino_t greed_large_file;

/** In bytes, "field" with its colon, or -1 where it is not known. */
int64_t get_memory(const struct test *test, const char *field);

int64_t need_memory(struct test *test, const char *field);

/** -1 where it is not known. */
int count_fds(const struct test *test);

/** How many descriptors it can have, where that is not too many to ask for. */
int get_fd_limit(const struct test *test);

struct wl_surface *greed_create_surface(struct test *test,
	struct client *client);
void greed_commit(struct wl_surface *surface, struct wl_buffer *buffer);

/** A window that shows nothing yet, or NULL where there are none. */
struct wl_surface *greed_create_window(struct test *test,
	struct client *client, struct client_window *window);

int greed_create_file(struct test *test, off_t size, unsigned seals);

/** Sparse, of 2 GiB. */
int create_large_file(struct test *test);

/** Gives a file memory that has been written to: what was only reserved counts as
 * empty in many places. */
void greed_fill(struct test *test, int fd, off_t size);

struct wl_buffer *create_page_buffer(struct wl_shm_pool *pool);

/** A whole file of the size of a page and a pool of it. */
struct wl_shm_pool *create_page_pool(struct test *test,
	struct client *client);

/** Returns how many there are when it is refused more, time is over, or these
 * are enough. */
int create_pools(struct test *test, struct client *client, int count,
	int64_t deadline);

/** For the bystander to meet what is left. */
void linger(void);

#endif
