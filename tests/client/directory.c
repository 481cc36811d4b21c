/* SPDX-License-Identifier: MIT */
/*
 * A directory for files with names.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory.h"

bool client_directory_create(char *path, size_t size, const char *name) {
	const char *parent = getenv("TMPDIR");
	int length = parent != NULL ?
		snprintf(path, size, "%s/%s-XXXXXX", parent, name) : -1;
	if (length < 0 || (size_t)length >= size) {
		snprintf(path, size, "/tmp/%s-XXXXXX", name);
	}
	return mkdtemp(path) != NULL;
}
