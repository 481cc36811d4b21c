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

/** The objects of most tests, and the arguments of the hooks' calls. */
struct client {
	struct sealpool_memory *memory;
	struct sealpool_account *account;
	struct sealpool_file *file;
	struct sealpool_view *view;
	/* The client's own fd for its file. */
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

/** Options with all hooks except that for pressure. */
struct sealpool_memory_options make_options(void);
void create_memory(const struct sealpool_memory_options *options,
	const struct sealpool_account_limits *limits);

/** Creates a file of "size" bytes, all of value "byte". Returns a duplicate of the
 * client's fd. */
int create_file(size_t size, int byte, int seals);
void fill(size_t offset, size_t size, int byte);

void open_view(int fd);
void expect_refused(int fd, uint64_t size, int error);
/** Returns the byte at a pixel. */
uint8_t read_at(int x, int y);

/** Returns whether there is something to dispatch within this time. */
bool is_ready(int ms);
/** Dispatches as an event loop does, until the counter is not zero, for at most ten
 * seconds. */
void dispatch_until(const unsigned *counter);
void dispatch_now(void);

#endif
