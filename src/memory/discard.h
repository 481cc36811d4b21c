/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_DISCARD_H
#define SEALPOOL_MEMORY_DISCARD_H

#include <stdbool.h>

/* Each of these takes ownership of an fd, and returns without waiting for the file. */

/** Closes an fd whose close() may block, on a new thread, or later if none can be
 * created. Any thread. */
void sp_discard_fd(int fd);

/**
 * Closes an fd of shared memory or huge pages: on a thread if the kernel may have much to
 * free, else at once. "passed": the guarded wl_shm may have mapped the file, and the fd
 * is kept until it is unmapped. Any thread.
 */
void sp_discard_memory(int fd, bool passed);

#endif
