/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_ATTIC_H
#define SEALPOOL_CORE_ATTIC_H

#include <stdbool.h>
#include <stddef.h>

struct sealpool_shm;
struct sp_mapping;
struct wl_event_source;

/* How many mappings wait to be unmapped together, and of how many bytes each. */
#define SP_ATTIC_LEN 32
#define SP_ATTIC_SIZE_MAX ((size_t)128 * 1024)

/** Small mappings that nobody uses any more. */
struct sp_attic {
	struct sp_mapping *mappings[SP_ATTIC_LEN];
	size_t len;
	struct wl_event_source *timer;
	/* The timer is set. */
	bool waiting;
};

/** Returns 0 or a negative errno. */
int sp_attic_init(struct sealpool_shm *shm);
/** Unmaps all of them, and from then on each at once. */
void sp_attic_detach(struct sealpool_shm *shm);

/** Gives a reference, perhaps the last one, back. On the display's thread. */
void sp_attic_unref_mapping(struct sealpool_shm *shm,
	struct sp_mapping *mapping);

#endif
