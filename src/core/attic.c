/* SPDX-License-Identifier: MIT */
/*
 * Where small mappings wait for others, to be unmapped together.
 *
 * To unmap what was touched costs more than to map it and to read it: every
 * processor that runs a thread of this process has to forget the addresses, and
 * in a virtual machine its host does (140 us of the 180 us that a pool of 16 KiB
 * costs, which is read once, measured). Mappings that were made one after the
 * other mostly lie side by side, and go with one call.
 *
 * What waits here keeps a file's memory that its client may have given up: 4 MiB
 * at most, for a second at most.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <wayland-server-core.h>

#include "attic.h"
#include "mapping.h"
#include "shm.h"

#define WAIT_MS 1000

static int compare(const void *a, const void *b) {
	uintptr_t x = (uintptr_t)(*(struct sp_mapping *const *)a)->data;
	uintptr_t y = (uintptr_t)(*(struct sp_mapping *const *)b)->data;
	return (x > y) - (x < y);
}

static void clear(struct sp_attic *attic) {
	qsort(attic->mappings, attic->len, sizeof(attic->mappings[0]), compare);
	size_t i = 0;
	while (i < attic->len) {
		uint8_t SP_UNTRUSTED *start = attic->mappings[i]->data;
		size_t size = 0;
		while (i < attic->len &&
				attic->mappings[i]->data == start + size) {
			size += attic->mappings[i]->size;
			free(attic->mappings[i++]);
		}
		munmap(sp_untrusted_for_kernel(start), size);
	}
	attic->len = 0;
}

static int handle_timer(void *data) {
	struct sealpool_shm *shm = data;
	shm->attic.waiting = false;
	clear(&shm->attic);
	return 0;
}

int sp_attic_init(struct sealpool_shm *shm) {
	shm->attic.timer = wl_event_loop_add_timer(
		wl_display_get_event_loop(shm->display), handle_timer, shm);
	return shm->attic.timer != NULL ? 0 : -ENOMEM;
}

void sp_attic_detach(struct sealpool_shm *shm) {
	clear(&shm->attic);
	wl_event_source_remove(shm->attic.timer);
	shm->attic.timer = NULL;
}

void sp_attic_unref_mapping(struct sealpool_shm *shm,
		struct sp_mapping *mapping) {
	struct sp_attic *attic = &shm->attic;
	/* Nobody else can have the last reference and make another one of it. */
	if (mapping == NULL || attic->timer == NULL ||
			mapping->size > SP_ATTIC_SIZE_MAX ||
			atomic_load_explicit(&mapping->refs,
				memory_order_acquire) > 1) {
		sp_mapping_unref(mapping);
		return;
	}
	attic->mappings[attic->len++] = mapping;
	if (attic->len == SP_ATTIC_LEN) {
		clear(attic);
	} else if (!attic->waiting) {
		attic->waiting = wl_event_source_timer_update(attic->timer,
			WAIT_MS) == 0;
	}
}
