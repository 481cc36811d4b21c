/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_INTERPOSE_H
#define FAULTS_INTERPOSE_H

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>

/** Records the call that returns to "address". Returns whether it fails. */
bool interpose_fails(const void *address);

/** Returns whether nothing of a file on a disk is in the page cache. */
bool interpose_is_cold(void);

/** Sets *function to the function that this library replaces. */
void interpose_find(void **function, const char *name);

#endif
