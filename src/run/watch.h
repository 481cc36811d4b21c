/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_WATCH_H
#define SEALPOOL_RUN_WATCH_H

#include "settings.h"

/**
 * Starts a process that waits up to "patience" seconds for a guard in the command that
 * this process is about to become. If there is none, that process prints so on standard
 * error, with "name", and terminates the command if a guard is required. Returns false
 * and sets errno on failure.
 */
bool watch_start(const struct settings *settings, int patience,
	const char *name);

#endif
