/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_LIMIT_H
#define SEALPOOL_RUN_LIMIT_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/** Raises this process's soft limit to "fds", or to the hard limit if that is less. Call
 * it once in a process. */
void limit_raise(rlim_t fds);

/**
 * Restores the original limit, unless the limit is no longer the one that
 * limit_raise() has set. Returns whether it did. May be called in a child that shares
 * the parent's memory.
 */
bool limit_lower(void);
/** Undoes limit_lower(). */
void limit_raise_again(void);

/** As limit_lower(), for another process. */
void limit_lower_of(pid_t pid);

#endif
