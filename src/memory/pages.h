/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_PAGES_H
#define SEALPOOL_MEMORY_PAGES_H

#include <stdint.h>
#include <unistd.h>

/* sysconf() takes ten times the instructions. */
static inline uint64_t sp_pages_get_size(void) {
	return (uint64_t)getpagesize();
}

static inline uint64_t sp_pages_round_down(uint64_t bytes) {
	return bytes & ~(sp_pages_get_size() - 1);
}

static inline uint64_t sp_pages_round_up(uint64_t bytes) {
	return sp_pages_round_down(bytes + sp_pages_get_size() - 1);
}

#endif
