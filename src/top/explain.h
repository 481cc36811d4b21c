/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_TOP_EXPLAIN_H
#define SEALPOOL_TOP_EXPLAIN_H

#include <stddef.h>

#include "snapshot.h"

/** Writes a sentence about how a client's memory is read, and what its author can change.
 * "before" is the same client earlier, or NULL. */
void explain(const struct client *client, const struct client *before,
	char *text, size_t size);

#endif
