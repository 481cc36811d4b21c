/* SPDX-License-Identifier: MIT */
/*
 * Finds holes of files that are read through system calls: holes need not be copied.
 *
 * cachestat() (since Linux 6.5) also counts pages that are swapped out; mincore() does
 * not.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chunks.h"
#include "holes.h"
#include "pages.h"
#include "sparse.h"

/* Linux 6.5 */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct cachestat_range {
	uint64_t offset, length;
};

struct cachestat {
	uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

void sp_sparse_init(struct sp_sparse *sparse, int fd, uint64_t size,
		uint64_t allocated) {
	*sparse = (struct sp_sparse){
		.fd = fd,
		.size = size,
		.allocated = allocated,
		.chunk = UINT64_MAX,
	};
}

void sp_sparse_finish(struct sp_sparse *sparse) {
	if (sparse->base != NULL) {
		munmap(sp_untrusted_for_kernel(sparse->base), sparse->size);
	}
}

/* mincore() does not show swapped pages, so it is used only if the file has none. */
static bool map_holes(struct sp_sparse *sparse) {
	uint8_t SP_UNTRUSTED *base = mmap(NULL, sparse->size, PROT_READ,
		MAP_PRIVATE, sparse->fd, 0);
	if (base == MAP_FAILED) {
		return false;
	}
	sparse->base = base;
	if (sp_holes_count_pages(sparse->base, sparse->size) * sp_pages_get_size() ==
			sparse->allocated) {
		return true;
	}
	munmap(sp_untrusted_for_kernel(base), sparse->size);
	sparse->base = NULL;
	return false;
}

/* If this is unknown, the file counts as full. */
static bool is_empty(struct sp_sparse *sparse, uint64_t offset,
		uint64_t length) {
	struct cachestat_range range = { offset, length };
	struct cachestat stat;
	if (sparse->base == NULL) {
		if (syscall(SYS_cachestat, (unsigned)sparse->fd, &range, &stat,
				0) == 0) {
			return stat.cached == 0 && stat.evicted == 0;
		}
		/* Linux before 6.5 */
		if (errno != ENOSYS || !map_holes(sparse)) {
			sparse->fd = -1;
			return false;
		}
	}
	if (offset >= sparse->size) {
		return true;
	}
	uint64_t start = sp_pages_round_down(offset);
	uint64_t end = offset + length < sparse->size ? offset + length :
		sparse->size;
	return sp_holes_count_pages(sparse->base + start, end - start) == 0;
}

bool sp_sparse_has_hole(struct sp_sparse *sparse, uint64_t start, uint64_t end) {
	while (sparse->fd >= 0 && start < end) {
		uint64_t chunk = start & ~(SP_CHUNK_SIZE - 1);
		if (chunk != sparse->chunk) {
			sparse->chunk = chunk;
			sparse->empty = is_empty(sparse, chunk, SP_CHUNK_SIZE);
		}
		if (!sparse->empty) {
			return sparse->fd >= 0 &&
				is_empty(sparse, start, end - start);
		}
		start = chunk + SP_CHUNK_SIZE;
	}
	return sparse->fd >= 0;
}
