/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_HOLES_H
#define KERNEL_HOLES_H

/**
 * A compositor, a child of which uses a client's buffer and may die of it.
 */

#include <sys/types.h>
#include <wayland-client.h>

#include "peer.h"
#include "server.h"

#define WIDTH 512
#define HEIGHT 512
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

/** The kernel has MAP_NOFAULT; it has it for shared mappings, which show zeroes in holes
 * too. */
extern bool nofault, coherent;

bool write_setting(const char *path, const char *value);
/** Fails the test if the setting cannot be changed. */
void set_setting(const char *path, const char *value);

/** In a child: otherwise, cmocka would catch signals, and continue with the next test. */
void die_of_signals(void);

/** How a child of the compositor ended. */
enum {
	SAW_ZEROES,
	SAW_FRAME,
	SAW_SOMETHING,
	GOT_NO_ACCESS,
};

struct end {
	int signal, status;
};

/** Has a child of the compositor use the buffer after "prepare" was called. It is forked
 * before that, since there may be no memory for a fork afterwards. */
struct end use_in_child(struct sealpool_buffer *buffer, uint32_t flags,
	void (*prepare)(pid_t child), void (*restore)(void));
void expect_end(struct end end, int signal, int status);

/** A client punches its whole file. */
bool punch(struct actor *actor, const struct args *args);

int holes_teardown(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, \
	server_setup_lenient, holes_teardown)

/* The groups */
int run_commit(void);
int run_hugetlb(void);
int run_cgroup(void);

#endif
