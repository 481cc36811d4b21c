/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GATE_SLOW_H
#define SEALPOOL_GATE_SLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "copy.h"

struct sp_client;

/*
 * Files that may never answer are asked by the reader thread of their client's
 * identity. The event loop waits for that, as long as it may wait for all such files
 * together. Both functions take the fd over. On the event loop's thread.
 */

/** As sp_copy_range(), but fails with -EINVAL where the file is not a regular one, and
 * with -ETIMEDOUT where it has not answered in time. */
int sp_slow_copy(struct sp_client *client, int fd,
	const struct sp_range *range, uint64_t *found);

/** Asks for the file system's magic number. Returns 0 where it has not been told in
 * time. */
unsigned long sp_slow_get_magic(struct sp_client *client, int fd);

#endif
