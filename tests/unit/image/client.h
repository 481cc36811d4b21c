/* SPDX-License-Identifier: MIT */
#ifndef UNIT_CLIENT_H
#define UNIT_CLIENT_H

/**
 * One client with one file and one view of it, in <sealpool/memory.h>.
 */

#include <stdbool.h>

#include <sealpool/memory.h>

#include "traces.h"

#define SIDE 64
#define STRIDE (SIDE * 4)
#define BYTES (STRIDE * SIDE)

/** What there is in most tests, and what hooks were called with. */
struct client {
	struct sealpool_memory *memory;
	struct sealpool_account *account;
	struct sealpool_file *file;
	struct sealpool_view *view;
	/* The client's own fd of its file. */
	int fd;

	unsigned short_files, failures, answers, refusals, pressures;
	unsigned exceeded_len;
	uint64_t file_size;
	const void *data;
	const char *reason;
};

extern struct client the;

extern const struct sealpool_layout layout;
extern const struct sealpool_box all;

/** For cmocka. Teardown destroys what a test has not destroyed. */
int public_setup(void **state);
int public_teardown(void **state);
#define TEST_PUBLIC(name) \
	cmocka_unit_test_setup_teardown(name, public_setup, public_teardown)

/** With all hooks but that for pressure. */
struct sealpool_memory_options make_options(void);
void create_memory(const struct sealpool_memory_options *options,
	const struct sealpool_account_limits *limits);

/** A file of "size" bytes that are all "byte". The client has an fd of its own, and
 * another one is returned. */
int create_file(size_t size, int byte, int seals);
void fill(size_t offset, size_t size, int byte);

void open_view(int fd);
void expect_refused(int fd, uint64_t size, int error);
/** The byte at a pixel. */
uint8_t read_at(int x, int y);

/** Whether there is something to dispatch, within so many milliseconds. */
bool is_ready(int ms);
/** Dispatches as an event loop does, until the counter is not zero; for ten seconds at
 * most. */
void dispatch_until(const unsigned *counter);
void dispatch_now(void);

#endif
