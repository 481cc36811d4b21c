/* SPDX-License-Identifier: MIT */
#ifndef CONTENT_COMPOSITOR_H
#define CONTENT_COMPOSITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** A sealpool-tiny in a process of its own. */
struct compositor {
	pid_t pid;
	/* The directory of its socket, and of nothing else. */
	char runtime_dir[64];
	/* The socket's path, which wl_display_connect() accepts as a name. */
	char display[128];
	/* It counts the costs of shared memory. */
	bool counts;
	/* See compositor_tell_to_end(). */
	bool told_to_end;
	char error[256];

	int out;
	char line[1024];
	size_t line_length;
};

/** The pools of all clients, and their costs. */
struct compositor_counts {
	/* The number of buffers, by memory kind. */
	uint64_t direct, nofault, shadow;
	/* Bytes, for all clients that are connected. */
	uint64_t copied_in, copied_out;
};

/**
 * Starts the compositor, headless, with a command line that ends with NULL, and waits
 * until clients can connect. Functions return false with "error" set on failure.
 */
bool compositor_start(struct compositor *compositor, char *const command[]);

/** Stops it. Fails if it had ended before, or does not exit with success. */
bool compositor_stop(struct compositor *compositor);

/** Tells it to exit. compositor_stop() waits for that later. */
void compositor_tell_to_end(struct compositor *compositor);

bool compositor_is_alive(struct compositor *compositor);

bool compositor_count(struct compositor *compositor,
	struct compositor_counts *counts);

#endif
