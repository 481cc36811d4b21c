/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GATE_SLOW_H
#define SEALPOOL_GATE_SLOW_H

#include <stdint.h>

#include "copy.h"

struct sp_client;

/*
 * The reader thread of the client's identity asks files whose server may never respond.
 * The event loop waits for that within its allowance for all such files. Both functions
 * take ownership of the fd. On the event loop's thread.
 */

/** Like sp_copy_range(), but fails with -EINVAL for a file that is not regular, and with
 * -ETIMEDOUT if it has not answered in time. */
int sp_slow_copy(struct sp_client *client, int fd,
	const struct sp_range *range, uint64_t *found);

/** Returns the file system's magic number, or 0 if the answer does not come in time. */
unsigned long sp_slow_get_magic(struct sp_client *client, int fd);

#endif
