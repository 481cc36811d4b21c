/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_COMPOSITOR_H
#define CONFORMANCE_COMPOSITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** The compositor under test. */
struct compositor {
	/* A name or path for wl_display_connect(). */
	char display[160];
	/* The process that listens there; 0 if it is unknown. */
	pid_t pid;
	int pidfd;

	/* The suite has started it. */
	bool ours;
	pid_t child;
	char runtime_dir[64];
};

/**
 * Starts a command with a runtime directory of its own, and waits until clients can
 * connect. Its output goes to "log", or to stderr for -1. Returns false with a message in
 * "error".
 */
bool compositor_start(struct compositor *compositor, const char *command, int log,
	char *error, size_t error_size);

/** Uses the compositor at $WAYLAND_DISPLAY. */
bool compositor_find(struct compositor *compositor, char *error,
	size_t error_size);

bool compositor_is_alive(const struct compositor *compositor);

/** Describes how it died: "killed by SIGBUS". */
void compositor_describe_death(struct compositor *compositor, char *text,
	size_t size);

/** Stops it, and all that it has started, if the suite has started it. */
void compositor_stop(struct compositor *compositor);

#endif
