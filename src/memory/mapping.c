/* SPDX-License-Identifier: MIT */
/*
 * Mappings of a pool's file, or of its shadow.
 *
 * A mapping may be longer than its file: only touching the rest is illegal, and nothing
 * here touches any byte. So a pool that grows seldom needs a new mapping. If it does,
 * buffers that use the old mapping keep it alive, so nothing moves under a reader.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mapping.h"

/*
 * No pool is larger than INT32_MAX. With 47 bits of addresses, 60,000 mappings
 * of this size fit, as many as the kernel allows a process in number.
 */
#define ROOMY_SIZE ((size_t)1 << 31)
#define ZEROES_SIZE ROOMY_SIZE

const struct sp_mapping_mode sp_mapping_read = { .flags = MAP_SHARED };
const struct sp_mapping_mode sp_mapping_write = { .writable = true };

/*
 * mmap() for writing grows a file on hugetlbfs to the size of the mapping, and reserves
 * as many huge pages; mprotect() does neither (seen on Linux 6.18).
 */
static uint8_t SP_UNTRUSTED *map_for_writing(int fd, size_t size) {
	uint8_t SP_UNTRUSTED *data = mmap(NULL, size, PROT_READ,
		MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (data != MAP_FAILED && mprotect(sp_untrusted_for_kernel(data),
			size, PROT_READ | PROT_WRITE) < 0) {
		int error = errno;
		munmap(sp_untrusted_for_kernel(data), size);
		errno = error;
		return MAP_FAILED;
	}
	return data;
}

static uint8_t SP_UNTRUSTED *map(int fd, const struct sp_mapping_mode *mode,
		size_t size) {
	if (mode->writable) {
		return map_for_writing(fd, size);
	}
	uint8_t SP_UNTRUSTED *data = mmap(NULL, size, PROT_READ, mode->flags,
		fd, 0);
	/* Before Linux 6.7 a shared mapping of a memfd with F_SEAL_WRITE was refused,
	 * even for reading. A private one that is never written shows the same
	 * pages. */
	if (data == MAP_FAILED && errno == EPERM && mode->flags == MAP_SHARED) {
		data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	return data;
}

static struct sp_mapping *wrap(uint8_t SP_UNTRUSTED *data, size_t size,
		const struct sp_mapping_mode *mode) {
	struct sp_mapping *mapping = malloc(sizeof(*mapping));
	if (mapping == NULL) {
		int error = errno;
		munmap(sp_untrusted_for_kernel(data), size);
		errno = error;
		return NULL;
	}
	atomic_init(&mapping->refs, 1);
	mapping->data = data;
	mapping->size = size;
	mapping->mode = mode;
	atomic_init(&mapping->outdated, false);
	return mapping;
}

struct sp_mapping *sp_mapping_create_zeroes(void) {
	/* A page that is only read is the kernel's zero page, which is not charged,
	 * even under strict overcommit. */
	uint8_t SP_UNTRUSTED *data = mmap(NULL, ZEROES_SIZE, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return data != MAP_FAILED ? wrap(data, ZEROES_SIZE, NULL) : NULL;
}

struct sp_mapping *sp_mapping_create(int fd,
		const struct sp_mapping_mode *mode, size_t size,
		size_t page_size, bool roomy) {
	size = (size + page_size - 1) & ~(page_size - 1);

	uint8_t SP_UNTRUSTED *data = MAP_FAILED;
	size_t mapped = size;
	if (roomy && sizeof(void *) >= 8 && size < ROOMY_SIZE) {
		mapped = ROOMY_SIZE;
		data = map(fd, mode, mapped);
		/* It may exceed RLIMIT_AS: then try a smaller one. */
	}
	if (data == MAP_FAILED) {
		mapped = size;
		data = map(fd, mode, mapped);
	}
	return data != MAP_FAILED ? wrap(data, mapped, mode) : NULL;
}

struct sp_mapping *sp_mapping_ref(struct sp_mapping *mapping) {
	atomic_fetch_add_explicit(&mapping->refs, 1, memory_order_relaxed);
	return mapping;
}

void sp_mapping_unref(struct sp_mapping *mapping) {
	if (mapping == NULL || atomic_fetch_sub_explicit(&mapping->refs, 1,
			memory_order_acq_rel) > 1) {
		return;
	}
	munmap(sp_untrusted_for_kernel(mapping->data), mapping->size);
	free(mapping);
}
