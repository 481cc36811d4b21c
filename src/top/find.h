/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_TOP_FIND_H
#define SEALPOOL_TOP_FIND_H

#include <stdbool.h>
#include <stddef.h>

/** How long to wait for a compositor. One that is busy for longer paints nothing either. */
#define PATIENCE_S 5

/** Connects to a socket. Returns an fd, or a negative errno; -ETIMEDOUT if so many others
 * wait at the socket that this one cannot. */
int socket_connect(const char *path);

/**
 * Finds the monitor's socket of the compositor at $WAYLAND_DISPLAY. If it has none, and
 * there is exactly one other monitor's socket, finds that. Returns false after a
 * message.
 */
bool find_socket(char *path, size_t size);

#endif
