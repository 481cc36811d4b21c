/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_DISCARD_H
#define SEALPOOL_MEMORY_DISCARD_H

#include <stdbool.h>

/* Each of these takes an fd over, and returns without waiting for the file. */

/** Closes an fd whose file may keep whoever closes it waiting: on a thread of its
 * own, or later where none can be had. Any thread. */
void sp_discard_fd(int fd);

/**
 * Closes an fd of shared memory, or of huge pages: at once, unless the kernel may
 * have much to free then. "Passed" says that another wl_shm may have mapped the file:
 * an fd is kept then until it has not. Any thread.
 */
void sp_discard_memory(int fd, bool passed);

#endif
