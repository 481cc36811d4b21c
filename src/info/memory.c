/* SPDX-License-Identifier: MIT */
/*
 * One file of each sort of memory. None can harm a compositor: each byte that it may
 * read exists, except for one hole of a page, which takes memory when it is read. The
 * file that is too short has one byte, and the rest of its page reads as zero. Huge
 * pages are allocated before they are sent, and their pools have whole pages, so that
 * they can be unmapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "memory.h"

static bool fail(struct memory *memory, const char *what) {
	snprintf(memory->error, sizeof(memory->error), "%s: %s", what,
		strerror(errno));
	return false;
}

/* Takes ownership of the fd, and draws a file as long as the pool. */
static bool init(struct memory *memory, int fd, const char *what) {
	memory->fd = fd;
	memory->pool_size = MEMORY_BYTES;
	if (fd < 0) {
		return fail(memory, what);
	}
	uint8_t pixels[MEMORY_BYTES];
	memset(pixels, 0x7f, sizeof(pixels));
	if (pwrite(fd, pixels, sizeof(pixels), 0) != (ssize_t)sizeof(pixels)) {
		return fail(memory, "drawing");
	}
	return true;
}

static bool create_memfd(struct memory *memory, const struct sort *sort) {
	int fd = memfd_create("sealpool-info", MFD_CLOEXEC |
		(sort->unsealable ? 0 : MFD_ALLOW_SEALING));
	if (!init(memory, fd, "memfd_create")) {
		return false;
	}
	return sort->seals == 0 || fcntl(fd, F_ADD_SEALS, sort->seals) == 0 ||
		fail(memory, "sealing it");
}

static bool create_shm_open(struct memory *memory, const struct sort *sort) {
	char name[64];
	snprintf(name, sizeof(name), "/sealpool-info-%ld", (long)getpid());
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		shm_unlink(name);
	}
	return init(memory, fd, "shm_open");
}

static bool reopen(struct memory *memory, int flags) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory->fd);
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0) {
		return fail(memory, path);
	}
	close(memory->fd);
	memory->fd = fd;
	return true;
}

static bool create_read_only(struct memory *memory, const struct sort *sort) {
	return create_memfd(memory, sort) && reopen(memory, O_RDONLY);
}

static bool create_write_only(struct memory *memory, const struct sort *sort) {
	return create_memfd(memory, sort) && reopen(memory, O_WRONLY);
}

/* The file is grown before the pool is resized. */
static bool create_grown(struct memory *memory, const struct sort *sort) {
	if (!create_memfd(memory, sort)) {
		return false;
	}
	memory->resized = 2 * MEMORY_BYTES;
	return ftruncate(memory->fd, memory->resized) == 0 ||
		fail(memory, "growing it");
}

static bool create_short(struct memory *memory, const struct sort *sort) {
	return create_memfd(memory, sort) && (ftruncate(memory->fd, 1) == 0 ||
		fail(memory, "truncating it"));
}

static bool create_sparse(struct memory *memory, const struct sort *sort) {
	memory->fd = memfd_create("sealpool-info",
		MFD_CLOEXEC | MFD_ALLOW_SEALING);
	memory->pool_size = MEMORY_BYTES;
	return (memory->fd >= 0 &&
		ftruncate(memory->fd, MEMORY_BYTES) == 0 &&
		fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0) ||
		fail(memory, "memfd_create");
}

static bool create_hugetlb(struct memory *memory, const struct sort *sort) {
	memory->fd = memfd_create("sealpool-info",
		MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
	struct statfs fs;
	if (memory->fd < 0 || fstatfs(memory->fd, &fs) < 0) {
		return fail(memory, "memfd_create with MFD_HUGETLB");
	}
	if (fs.f_bsize > INT32_MAX) {
		errno = EFBIG;
		return fail(memory, "huge pages");
	}
	memory->pool_size = (int32_t)fs.f_bsize;
	if (fallocate(memory->fd, 0, 0, fs.f_bsize) < 0) {
		return fail(memory, "no free huge page");
	}
	return fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0 ||
		fail(memory, "sealing it");
}

static bool create_disk_file(struct memory *memory, const struct sort *sort) {
	static const char *const dirs[] = { "/var/tmp", "/tmp", "." };
	const char *home = getenv("HOME");
	memory->fd = -1;
	for (int i = 0; i < 4; i++) {
		const char *dir = i > 0 ? dirs[i - 1] : home;
		struct statfs fs;
		if (dir == NULL || statfs(dir, &fs) < 0 ||
				(unsigned long)fs.f_type == TMPFS_MAGIC) {
			continue;
		}
		char path[4096];
		snprintf(path, sizeof(path), "%.4000s/.sealpool-info-XXXXXX",
			dir);
		int fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0) {
			unlink(path);
			return init(memory, fd, path);
		}
	}
	snprintf(memory->error, sizeof(memory->error),
		"found no writable folder on a disk");
	return false;
}

static bool create_pipe(struct memory *memory, const struct sort *sort) {
	int fds[2];
	memory->fd = -1;
	memory->pool_size = MEMORY_BYTES;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		return fail(memory, "pipe");
	}
	close(fds[1]);
	memory->fd = fds[0];
	return true;
}

const struct sort sorts[] = {
	{ "sealed", "a memfd with F_SEAL_SHRINK", create_memfd,
		.seals = F_SEAL_SHRINK },
	{ "fixed", "a memfd with F_SEAL_SHRINK, _GROW and _SEAL", create_memfd,
		.seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL },
	{ "grown", "a sealed memfd that grew, and its pool with it",
		create_grown, .seals = F_SEAL_SHRINK },
	{ "sparse", "a sealed memfd that was not drawn", create_sparse },
	{ "unsealed", "a memfd that could be sealed and is not", create_memfd },
	{ "unsealable", "a memfd made without MFD_ALLOW_SEALING", create_memfd,
		.unsealable = true },
	{ "shm-open", "a POSIX shared memory object", create_shm_open },
	{ "read-only", "a sealed memfd, by an fd that can only be read",
		create_read_only, .seals = F_SEAL_SHRINK },
	{ "sealed-write", "a sealed memfd with F_SEAL_WRITE as well",
		create_memfd, .seals = F_SEAL_SHRINK | F_SEAL_WRITE },
	{ "sealed-future-write",
		"a sealed memfd with F_SEAL_FUTURE_WRITE as well", create_memfd,
		.seals = F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE },
	{ "short", "a file of one byte for a pool of 1024", create_short },
	{ "hugetlb", "a sealed memfd of huge pages", create_hugetlb },
	{ "disk-file", "a file on a disk", create_disk_file },
	{ "write-only", "a sealed memfd, by an fd that can only be written",
		create_write_only, .seals = F_SEAL_SHRINK },
	{ "pipe", "no memory at all", create_pipe },
	{ 0 },
};

void memory_destroy(struct memory *memory) {
	if (memory->fd >= 0) {
		close(memory->fd);
		memory->fd = -1;
	}
}
