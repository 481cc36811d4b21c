/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_INTERPOSE_H
#define FAULTS_INTERPOSE_H

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>

/** Whether the call that returns to "address" is to fail. Notes it. */
bool interpose_fails(const void *address);

/** Whether nothing of a file on disk is in memory now. */
bool interpose_is_cold(void);

/** Sets *function to what is behind this library. */
void interpose_find(void **function, const char *name);

#endif
