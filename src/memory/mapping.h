/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_MAPPING_H
#define SEALPOOL_MEMORY_MAPPING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "untrusted.h"

enum sp_mapping_mode {
	/* shared, for reading */
	SP_MAPPING_READ,
	/* shared, for reading and writing */
	SP_MAPPING_WRITE,
	/* private, for reading, with MAP_NOFAULT */
	SP_MAPPING_NOFAULT,
};

/** A file's first bytes in memory; kept alive by whoever uses them. */
struct sp_mapping {
	atomic_uint refs;
	uint8_t SP_UNTRUSTED *data;
	size_t size;
	/* With MAP_NOFAULT: zeroes may show where the file has bytes by now. */
	atomic_bool outdated;
};

/**
 * Maps at least the first "size" bytes of a file, whether the file has them or
 * not. With "roomy", much more is mapped where addresses are plentiful, for a
 * file that is expected to grow. Returns NULL and sets errno on failure.
 */
struct sp_mapping *sp_mapping_create(int fd, enum sp_mapping_mode mode,
	size_t size, size_t page_size, bool roomy);

/**
 * Maps zeroes, as many as the largest pool has bytes. They take addresses, but no
 * memory. Returns NULL and sets errno on failure.
 */
struct sp_mapping *sp_mapping_create_zeroes(void);

/** Any thread, both. */
struct sp_mapping *sp_mapping_ref(struct sp_mapping *mapping);
void sp_mapping_unref(struct sp_mapping *mapping);

/**
 * Drops the zero pages that MAP_NOFAULT has put in where the file was too short,
 * if the mapping is outdated. Readers see either state meanwhile. Any thread.
 */
void sp_mapping_renew(struct sp_mapping *mapping);

#endif
