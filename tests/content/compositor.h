/* SPDX-License-Identifier: MIT */
#ifndef CONTENT_COMPOSITOR_H
#define CONTENT_COMPOSITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** A sealpool-tiny that runs as a process of its own. */
struct compositor {
	pid_t pid;
	/* Where its socket is, and nothing else. */
	char runtime_dir[64];
	/* The socket's path, which wl_display_connect() takes as a name. */
	char display[128];
	/* It counts what shared memory costs. */
	bool counts;
	char error[256];

	int out;
	char line[1024];
	size_t line_length;
};

/** What all pools of all clients are, and have cost. */
struct compositor_counts {
	/* Buffers, by memory kind. */
	uint64_t direct, nofault, shadow;
	/* Bytes, since the clients that are there have connected. */
	uint64_t copied_in, copied_out;
};

/**
 * Starts it, with a command line that ends with NULL, headless, and waits until
 * clients can connect. Functions return false with "error" set on failure.
 */
bool compositor_start(struct compositor *compositor, char *const command[]);

/** Ends it. Fails when it had ended before, or ends in another way than well. */
bool compositor_stop(struct compositor *compositor);

bool compositor_is_alive(struct compositor *compositor);

bool compositor_count(struct compositor *compositor,
	struct compositor_counts *counts);

#endif
