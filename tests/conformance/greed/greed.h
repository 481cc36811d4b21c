/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_GREED_GREED_H
#define CONFORMANCE_GREED_GREED_H

/**
 * The compositor's resources, and a client that requests them.
 */

#include "case.h"

#define MIB ((int64_t)1 << 20)

/* The time for the requests of one case, in milliseconds. */
#define GREED_MS 3000

/* How many requests are sent before checking whether they were too many. libwayland holds
 * back at most 28 descriptors. */
#define BATCH 64

/* A buffer of one page. */
#define SIDE 32
#define PAGE_BYTES (SIDE * SIDE * 4)

/* The largest pool. */
#define WIDE 16384
#define STRIDE (WIDE * 4)
#define ROWS 32767
#define HUGE (STRIDE * ROWS)

/* How much memory the compositor may allocate for a client's buffers: a copy and a
 * texture of 512 MiB, which an honest client may use, and as much again for other
 * work. */
#define GROWTH_MAX (1536 * MIB)
/* The same for several clients. It is limited by what this host can spare. */
#define GROWTH_OF_MANY_MAX (3 * 1024 * MIB)

/* The distance of the dots: at most a row of any buffer. */
#define DOT_STEP 32768
/* A flag in addition to seals. */
#define DOTTED (1 << 16)

/** The client's own file of create_large_file(). */
extern ino_t greed_large_file;

/** Returns bytes, or -1 if they are unknown. "field" includes its colon. */
int64_t get_memory(const struct test *test, const char *field);

int64_t need_memory(struct test *test, const char *field);

/** Returns -1 if the number is unknown. */
int count_fds(const struct test *test);

/** Returns the compositor's limit of descriptors, if that is not too high to be tried. */
int get_fd_limit(const struct test *test);

struct wl_surface *greed_create_surface(struct test *test,
	struct client *client);
void greed_commit(struct wl_surface *surface, struct wl_buffer *buffer);

/** Creates a window without a buffer. Returns NULL if there is no xdg_wm_base. */
struct wl_surface *greed_create_window(struct test *test,
	struct client *client, struct client_window *window);

int greed_create_file(struct test *test, off_t size, unsigned seals);

/** Creates a sparse file of 2 GiB. */
int create_large_file(struct test *test);

/** Allocates and writes memory in a file. Memory that was only reserved counts as a hole
 * in many places. */
void greed_fill(struct test *test, int fd, off_t size);

struct wl_buffer *create_page_buffer(struct wl_shm_pool *pool);

/** Creates a file of one page, and a pool of all of it. */
struct wl_shm_pool *create_page_pool(struct test *test,
	struct client *client);

/** Returns the number of pools when another one is refused, time is over, or there are
 * this many. */
int create_pools(struct test *test, struct client *client, int count,
	int64_t deadline);

/** Waits, so that the bystander meets the shortage. */
void linger(void);

/** With a large file of each kind. The name ends with a colon. */
#define sparse_kinds(name, run, text) \
	robustness(name "unsealed", run, text, 0), \
	robustness(name "sealed", run, text, F_SEAL_SHRINK), \
	robustness(name "dotted", run, text, DOTTED), \
	robustness(name "dotted-sealed", run, text, DOTTED | F_SEAL_SHRINK)

#endif
