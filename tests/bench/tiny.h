/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TINY_H
#define BENCH_TINY_H

#include "results.h"

/**
 * Frames on a whole compositor: the sealpool-tiny at "path", with wlroots' own wl_shm and
 * with Sealpool's. If it does not start, nothing is measured, after a message.
 */
void measure_tiny(struct results *results, const char *path);

#endif
