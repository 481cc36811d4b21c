/* SPDX-License-Identifier: MIT */
/*
 * Mappings of a pool's file, or of its shadow.
 *
 * A mapping may be longer than its file: that is legal, only touching the rest
 * is not, and nothing here touches anything. So a pool that grows seldom needs
 * a new mapping. When it does, the old one lives on for the buffers that point
 * into it, and nothing moves under a reader.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "file.h"
#include "mapping.h"

/*
 * Linux has no MAP_NOFAULT in a release so far; the patch series of 2021 used
 * 0x200000, for private mappings. Linux ignores flags that it does not know on
 * those, so asking for it says nothing: see sp_mapping_probe_nofault().
 */
#define NOFAULT_FLAG SEALPOOL_MAP_NOFAULT

/*
 * No pool is larger than INT32_MAX. With 47 bits of addresses, 60,000 mappings
 * of this size fit, as many as the kernel allows a process in number.
 */
#define ROOMY_SIZE ((size_t)1 << 31)
#define ZEROES_SIZE ROOMY_SIZE

/*
 * mmap() for writing makes a file on hugetlbfs as long as the mapping, and takes
 * as many huge pages off the system, while mprotect() does neither (seen on
 * Linux 6.18).
 */
static void *map_for_writing(int fd, size_t size) {
	void *data = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_NORESERVE,
		fd, 0);
	if (data != MAP_FAILED &&
			mprotect(data, size, PROT_READ | PROT_WRITE) < 0) {
		int error = errno;
		munmap(data, size);
		errno = error;
		return MAP_FAILED;
	}
	return data;
}

static void *map(int fd, enum sp_mapping_mode mode, size_t size) {
	switch (mode) {
	case SP_MAPPING_READ:;
		void *data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
		/* Before Linux 6.7 a shared mapping of a memfd with
		 * F_SEAL_WRITE was refused, even for reading. A private one
		 * that is never written shows the same pages. */
		if (data == MAP_FAILED && errno == EPERM) {
			data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		}
		return data;
	case SP_MAPPING_WRITE:
		return map_for_writing(fd, size);
	case SP_MAPPING_NOFAULT:
		return mmap(NULL, size, PROT_READ, MAP_PRIVATE | NOFAULT_FLAG,
			fd, 0);
	}
	abort();
}

static struct sp_mapping *wrap(void *data, size_t size) {
	struct sp_mapping *mapping = malloc(sizeof(*mapping));
	if (mapping == NULL) {
		int error = errno;
		munmap(data, size);
		errno = error;
		return NULL;
	}
	atomic_init(&mapping->refs, 1);
	mapping->data = data;
	mapping->size = size;
	atomic_init(&mapping->outdated, false);
	return mapping;
}

struct sp_mapping *sp_mapping_create_zeroes(void) {
	/* A page that is only ever read is the kernel's zero page, and is not
	 * charged, under strict overcommit neither. */
	void *data = mmap(NULL, ZEROES_SIZE, PROT_READ, MAP_PRIVATE |
		MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return data != MAP_FAILED ? wrap(data, ZEROES_SIZE) : NULL;
}

struct sp_mapping *sp_mapping_create(int fd, enum sp_mapping_mode mode,
		size_t size, size_t page_size, bool roomy) {
	size = (size + page_size - 1) & ~(page_size - 1);

	void *data = MAP_FAILED;
	size_t mapped = size;
	if (roomy && sizeof(void *) >= 8 && size < ROOMY_SIZE) {
		mapped = ROOMY_SIZE;
		data = map(fd, mode, mapped);
		/* RLIMIT_AS, say: do with less. */
	}
	if (data == MAP_FAILED) {
		mapped = size;
		data = map(fd, mode, mapped);
	}
	return data != MAP_FAILED ? wrap(data, mapped) : NULL;
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

void sp_mapping_renew(struct sp_mapping *mapping) {
	/* Of a private mapping that nobody writes to, this forgets the zero
	 * pages and nothing else. It fails only where it makes no sense. */
	if (atomic_exchange(&mapping->outdated, false)) {
		madvise(sp_untrusted_for_kernel(mapping->data),
			mapping->size, MADV_DONTNEED);
	}
}

static bool write_byte(int fd, size_t offset, uint8_t byte) {
	return pwrite(fd, &byte, 1, (off_t)offset) == 1;
}

/*
 * Whether the page begins with that byte, and is zero in the rest. It is the
 * kernel that reads on our behalf: where a load of our own would raise SIGBUS,
 * it returns EFAULT.
 */
static bool shows(const struct sp_mapping *mapping, size_t offset,
		size_t page_size, uint8_t first) {
	/* As large as the smallest page that there is. */
	static const uint8_t zeroes[4096];
	uint8_t bytes[sizeof(zeroes)];
	for (size_t i = 0; i < page_size; i += sizeof(bytes)) {
		struct iovec local = {
			.iov_base = bytes,
			.iov_len = sizeof(bytes),
		};
		struct iovec remote = {
			.iov_base = sp_untrusted_for_kernel(
				mapping->data + offset + i),
			.iov_len = sizeof(bytes),
		};
		if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) !=
				(ssize_t)sizeof(bytes)) {
			return false;
		}
		if (i == 0) {
			if (bytes[0] != first) {
				return false;
			}
			bytes[0] = 0;
		}
		if (memcmp(bytes, zeroes, sizeof(bytes)) != 0) {
			return false;
		}
	}
	return true;
}

static bool has_size(int fd, size_t size) {
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_size == (off_t)size;
}

/*
 * All that a nofault buffer leans on, with a file of two pages that is mapped
 * for three. A kernel in which the flag means something else would have to do
 * all of this with it.
 */
static bool keeps_its_promises(struct sp_mapping *mapping, int fd, size_t page) {
	/* Past the end of the file: zeroes, which are not written to it. */
	if (!shows(mapping, 2 * page, page, 0) || !has_size(fd, 2 * page)) {
		return false;
	}
	/* Within it: what it holds, also when that changes after a look. */
	if (!shows(mapping, 0, page, 1) || !write_byte(fd, 0, 2) ||
			!shows(mapping, 0, page, 2)) {
		return false;
	}
	/* Cut off after a look: zeroes. */
	if (!shows(mapping, page, page, 1) ||
			ftruncate(fd, (off_t)page) < 0 ||
			!shows(mapping, page, page, 0) ||
			!has_size(fd, page)) {
		return false;
	}
	/* Longer again: what is there by now, once the mapping is renewed. */
	if (!write_byte(fd, page, 3) || !write_byte(fd, 2 * page, 4)) {
		return false;
	}
	mapping->outdated = true;
	sp_mapping_renew(mapping);
	return shows(mapping, page, page, 3) &&
		shows(mapping, 2 * page, page, 4) &&
		shows(mapping, 0, page, 2);
}

bool sp_mapping_probe_nofault(void) {
	bool present = false;
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	if (!sp_file_may_be_as_long(3 * page_size)) {
		return false;
	}
	int fd = memfd_create("sealpool-probe", MFD_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	if (!write_byte(fd, 0, 1) || !write_byte(fd, page_size, 1) ||
			ftruncate(fd, (off_t)(2 * page_size)) < 0) {
		goto out_fd;
	}
	struct sp_mapping *mapping = sp_mapping_create(fd, SP_MAPPING_NOFAULT,
		3 * page_size, page_size, false);
	if (mapping == NULL) {
		goto out_fd;
	}
	present = keeps_its_promises(mapping, fd, page_size);
	sp_mapping_unref(mapping);
out_fd:
	close(fd);
	return present;
}
