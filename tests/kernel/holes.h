/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_HOLES_H
#define KERNEL_HOLES_H

/**
 * A compositor of which a child uses a client's buffer, and may die of it.
 */

#include <sys/types.h>
#include <wayland-client.h>

#include "peer.h"
#include "server.h"

#define WIDTH 512
#define HEIGHT 512
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

/** The kernel has MAP_NOFAULT; has it for shared mappings, which show zeroes in
 * holes, too. */
extern bool nofault, coherent;

bool write_setting(const char *path, const char *value);
/** Fails the test if it cannot. */
void set_setting(const char *path, const char *value);

/** In a child. cmocka would catch it, and go on with the next test. */
void die_of_signals(void);

/** What a child of the compositor came to. */
enum {
	SAW_ZEROES,
	SAW_FRAME,
	SAW_SOMETHING,
	GOT_NO_ACCESS,
};

struct end {
	int signal, status;
};

/** Lets a child of the compositor use the buffer once "prepare" has been done:
 * a process that is yet to be forked would not be. */
struct end use_in_child(struct sealpool_buffer *buffer, uint32_t flags,
	void (*prepare)(pid_t child), void (*restore)(void));
void expect_end(struct end end, int signal, int status);

/** A client punches all of its file. */
bool punch(struct actor *actor, const struct args *args);

int holes_teardown(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, \
	server_setup_lenient, holes_teardown)

/* The groups */
int run_commit(void);
int run_hugetlb(void);
int run_cgroup(void);

#endif
