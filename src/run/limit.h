/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_LIMIT_H
#define SEALPOOL_RUN_LIMIT_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/** Lets this process have so many file descriptors, or as many as it may let
 * itself have. Once for a process. */
void limit_raise(rlim_t fds);

/**
 * Sets the limit to what it was before, unless it is another by now than the one
 * that was set: then it is somebody else's. Returns whether it did. May be called
 * in a child that shares the parent's memory.
 */
bool limit_lower(void);
/** The other way around. */
void limit_raise_again(void);

/** As limit_lower(), for another process. */
void limit_lower_of(pid_t pid);

#endif
