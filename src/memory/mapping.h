/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_MAPPING_H
#define SEALPOOL_MEMORY_MAPPING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "untrusted.h"

/** How a file is mapped. */
struct sp_mapping_mode {
	/* For mmap(). */
	int flags;
	/* For writing as well. */
	bool writable;
	/* Zeroes show where the file has no page, take no memory, and go when the file
	 * gets a page there. */
	bool coherent;
};

/** Both shared. */
extern const struct sp_mapping_mode sp_mapping_read, sp_mapping_write;

/** A file's first bytes in memory. References keep it alive. */
struct sp_mapping {
	atomic_uint refs;
	uint8_t SP_UNTRUSTED *data;
	size_t size;
	const struct sp_mapping_mode *mode;
	/* Zeroes may show where the file has bytes by now: see struct sp_unsealed. */
	atomic_bool outdated;
};

/**
 * Maps at least the first "size" bytes of a file, whether the file has them or not.
 * "roomy": maps much more on 64-bit systems, for a file that is expected to grow. Returns
 * NULL and sets errno on failure.
 */
struct sp_mapping *sp_mapping_create(int fd,
	const struct sp_mapping_mode *mode, size_t size, size_t page_size,
	bool roomy);

/**
 * Maps zeroes, as many as the largest pool has bytes. They take no memory. Returns NULL
 * and sets errno on failure.
 */
struct sp_mapping *sp_mapping_create_zeroes(void);

/** Any thread. */
struct sp_mapping *sp_mapping_ref(struct sp_mapping *mapping);
void sp_mapping_unref(struct sp_mapping *mapping);

#endif
