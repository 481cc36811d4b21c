/* SPDX-License-Identifier: MIT */
/*
 * MAP_NOFAULT: a fault that would end in SIGBUS maps a page of zeroes then.
 *
 * Linux has it in no release so far. There are two patches, by which the zeroes differ:
 *
 *   private mappings  The patch series of 2021 used 0x200000. The zeroes hide what the
 *                     file gets there later, until the mapping is renewed.
 *   shared mappings   MAP_ZEROHOLES (tests/kernel). Zeroes show in holes as well, which
 *                     stay holes, and go when the file gets a page there.
 *
 * Linux ignores flags that it does not know on private mappings, so that mmap() says
 * nothing. The probe maps a file of its own and has the kernel read there.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "file.h"
#include "nofault.h"

const struct sp_mapping_mode sp_nofault_mode = {
	.flags = MAP_PRIVATE | SEALPOOL_MAP_NOFAULT,
};

const struct sp_mapping_mode sp_nofault_shared_mode = {
	.flags = MAP_SHARED_VALIDATE | SP_MAP_ZEROHOLES,
	.coherent = true,
};

void sp_nofault_renew(struct sp_mapping *mapping) {
	/* Of a private mapping that nobody writes to, this forgets the zero
	 * pages and nothing else. It fails only where it makes no sense. */
	if (!mapping->mode->coherent &&
			atomic_exchange(&mapping->outdated, false)) {
		madvise(sp_untrusted_for_kernel(mapping->data),
			mapping->size, MADV_DONTNEED);
	}
}

static bool write_byte(int fd, size_t offset, uint8_t byte) {
	return pwrite(fd, &byte, 1, (off_t)offset) == 1;
}

/*
 * Returns whether the page begins with this byte, and the rest is zero. The kernel reads
 * on our behalf: where a load of our own would raise SIGBUS, it returns EFAULT.
 */
static bool shows(const struct sp_mapping *mapping, size_t offset,
		size_t page_size, uint8_t first) {
	/* The smallest page size. */
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

static bool has_size(int fd, size_t size, blkcnt_t *blocks) {
	struct stat st;
	if (fstat(fd, &st) < 0) {
		return false;
	}
	*blocks = st.st_blocks;
	return st.st_size == (off_t)size;
}

/*
 * Checks everything that a nofault buffer depends on, with a file of two pages and a
 * mapping of three. A kernel where the flag means something else does not pass.
 */
static bool keeps_its_promises(struct sp_mapping *mapping, int fd, size_t page) {
	bool coherent = mapping->mode->coherent;
	blkcnt_t before, after;
	/* Past the end of the file: zeroes, and the file does not grow. */
	if (!shows(mapping, 2 * page, page, 0) || !has_size(fd, 2 * page, &after)) {
		return false;
	}
	/* Within it: the file's bytes, also if they change after a read. */
	if (!shows(mapping, 0, page, 1) || !write_byte(fd, 0, 2) ||
			!shows(mapping, 0, page, 2)) {
		return false;
	}
	/* Truncated after a read: zeroes. */
	if (!shows(mapping, page, page, 1) ||
			ftruncate(fd, (off_t)page) < 0 ||
			!shows(mapping, page, page, 0) ||
			!has_size(fd, page, &before)) {
		return false;
	}
	/* Holes: zeroes, and no memory is allocated. */
	if (coherent && (ftruncate(fd, (off_t)(2 * page)) < 0 ||
			!shows(mapping, page, page, 0) ||
			!has_size(fd, 2 * page, &after) || after != before)) {
		return false;
	}
	/* Grown again: the file's bytes, at once or when the mapping is renewed. */
	if (!write_byte(fd, page, 3) || !write_byte(fd, 2 * page, 4)) {
		return false;
	}
	mapping->outdated = true;
	sp_nofault_renew(mapping);
	return shows(mapping, page, page, 3) &&
		shows(mapping, 2 * page, page, 4) &&
		shows(mapping, 0, page, 2);
}

static bool probe(const struct sp_mapping_mode *mode) {
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
	struct sp_mapping *mapping = sp_mapping_create(fd, mode, 3 * page_size,
		page_size, false);
	if (mapping == NULL) {
		goto out_fd;
	}
	present = keeps_its_promises(mapping, fd, page_size);
	sp_mapping_unref(mapping);
out_fd:
	close(fd);
	return present;
}

const struct sp_mapping_mode *sp_nofault_probe(void) {
	if (probe(&sp_nofault_shared_mode)) {
		return &sp_nofault_shared_mode;
	}
	return probe(&sp_nofault_mode) ? &sp_nofault_mode : NULL;
}
