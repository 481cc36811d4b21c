/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_DIRECTORY_H
#define CLIENT_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Creates an empty directory, "NAME-" and six more characters, and writes its path. It is
 * in $TMPDIR, or in /tmp if that is not set or the path would not fit. With a size of 64,
 * a socket's name fits into a socket address. Returns false with errno set.
 */
bool client_directory_create(char *path, size_t size, const char *name);

#endif
