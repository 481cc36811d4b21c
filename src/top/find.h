/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_TOP_FIND_H
#define SEALPOOL_TOP_FIND_H

#include <stdbool.h>
#include <stddef.h>

/** Connects to a socket. Returns an fd, or a negative errno. */
int socket_connect(const char *path);

/**
 * Finds the monitor's socket of the compositor at $WAYLAND_DISPLAY, or if that
 * has none, the only one that there is. Returns false after a message.
 */
bool find_socket(char *path, size_t size);

#endif
