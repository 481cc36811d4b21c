/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_WATCH_H
#define SEALPOOL_RUN_WATCH_H

#include "settings.h"

/**
 * Starts a process that waits so many seconds for a guard in what this process is
 * about to become, and says on standard error that "name" has none; and ends it, if
 * one is required. Returns false and sets errno on failure.
 */
bool watch_start(const struct settings *settings, int patience,
	const char *name);

#endif
