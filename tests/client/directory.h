/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_DIRECTORY_H
#define CLIENT_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Creates an empty directory, "NAME-" and six more characters, and writes its
 * path: in $TMPDIR, or in /tmp where that is not set or the path would not fit.
 * A size of 64 leaves room for a socket's name in it. Returns false with errno.
 */
bool client_directory_create(char *path, size_t size, const char *name);

#endif
