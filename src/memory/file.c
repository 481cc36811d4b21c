/* SPDX-License-Identifier: MIT */
/*
 * Finds out what an fd from a client is.
 *
 * The server of the file may be the client itself (FUSE), or be unreachable (NFS); then
 * fstat(), fstatfs(), read() and even close() wait for an answer that may never come. So
 * no file system is asked: fcntl(F_GET_SEALS) succeeds only on memfd, tmpfs and
 * hugetlbfs files, which are memory, and the VFS answers it for all others. Of the
 * others, a file with a path, on a disk, in an overlay or a container, is a slow file,
 * which only reader threads touch (slow.c). A file without a path, such as a pipe, a
 * socket or an anonymous inode, is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "discard.h"
#include "file.h"
#include "pages.h"

/* /proc does not ask the file system: a file without a path has a name like "pipe:[1]". */
static bool has_path(int fd) {
	char link[64], target[2];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, target, sizeof(target)) > 0 && target[0] == '/';
}

static bool has_holes(const struct stat *st) {
	/* st_blocks counts units of 512 bytes on every file system. */
	return (uint64_t)st->st_blocks * 512 < (uint64_t)st->st_size;
}

static void note_size(struct sp_file *file, const struct stat *st) {
	uint64_t size = (uint64_t)st->st_size;
	uint64_t allocated = (uint64_t)st->st_blocks * 512;
	file->allocated = allocated;
	uint64_t most = size > allocated ? size : allocated;
	file->buffers_min = most <= SP_FILE_SLACK ? 0 :
		(most - SP_FILE_SLACK + SP_FILE_MANY - 1) / SP_FILE_MANY;
}

static bool is_never_sealed(int seals) {
	return seals >= 0 &&
		(seals & (F_SEAL_SHRINK | F_SEAL_SEAL)) == F_SEAL_SEAL;
}

/* Initializes a file of memory, whose seals were read before: it is a regular file, since
 * no other has seals. */
static int init_memory(struct sp_file *file, int fd, int flags, int seals,
		const char **reason) {
	struct stat st;
	if (fstat(fd, &st) < 0) {
		*reason = "has no size";
		return -errno;
	}

	enum sp_file_kind kind = SP_FILE_SHMEM;
	size_t page_size = (size_t)sp_pages_get_size();
	/* tmpfs with transparent huge pages also reports a huge block size, so ask which
	 * file system this is. */
	if ((size_t)st.st_blksize != page_size) {
		struct statfs fs;
		if (fstatfs(fd, &fs) < 0) {
			*reason = "has no file system";
			return -errno;
		}
		if ((unsigned long)fs.f_type == HUGETLBFS_MAGIC) {
			kind = SP_FILE_HUGETLB;
			page_size = (size_t)fs.f_bsize;
		}
	}

	file->fd = fd;
	file->kind = kind;
	file->writable = (flags & O_ACCMODE) == O_RDWR;
	file->page_size = page_size;
	if (seals & F_SEAL_SHRINK) {
		atomic_store(&file->sealed_size, (uint64_t)st.st_size);
	}
	file->never_sealed = is_never_sealed(seals);
	/* That seal also forbids allocating memory past the file's end (seen on Linux
	 * 6.18). */
	file->never_grows = seals & F_SEAL_GROW;
	note_size(file, &st);
	file->filled_size = has_holes(&st) ? 0 : (uint64_t)st.st_size;
	return 0;
}

/* Initializes a file that has a path and is not memory. */
static void init_slow(struct sp_file *file, int fd, int flags) {
	*file = (struct sp_file){
		.fd = fd,
		.kind = SP_FILE_SLOW,
		.writable = (flags & O_ACCMODE) == O_RDWR,
		.never_sealed = true,
		.page_size = (size_t)sp_pages_get_size(),
	};
}

int sp_file_init(struct sp_file *file, int fd, const char **reason) {
	*file = (struct sp_file){ .fd = -1 };

	int flags = fcntl(fd, F_GETFL);
	if (flags < 0) {
		*reason = "is not open";
		return -errno;
	}
	/* All further calls would fail with EBADF on an O_PATH fd. */
	if ((flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY) {
		*reason = "cannot be read through this fd";
		return -EACCES;
	}

	/* Seals first, size second: in this order, the size is a guaranteed minimum. */
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0) {
		if (!has_path(fd)) {
			*reason = "is not shared memory, nor a file that has a path";
			return -EINVAL;
		}
		init_slow(file, fd, flags);
		return 0;
	}
	return init_memory(file, fd, flags, seals, reason);
}

void sp_file_discard_fd(int fd) {
	/* A file with seals is memory, which close() does not block on. */
	if (fcntl(fd, F_GET_SEALS) >= 0) {
		sp_discard_memory(fd, false);
	} else {
		sp_discard_fd(fd);
	}
}

void sp_file_finish(struct sp_file *file) {
	if (file->fd >= 0 && file->kind != SP_FILE_SLOW) {
		sp_discard_memory(file->fd, file->passed);
		file->fd = -1;
	}
}

ssize_t sp_file_read_at_once(int fd, void *bytes, size_t length,
		uint64_t offset) {
	const struct iovec all = { bytes, length };
	/* A file system declares for each open file whether it supports this flag. ext4
	 * does. FUSE and overlays do not, and are not called (all tried, Linux 6.18). */
	return preadv2(fd, &all, 1, (off_t)offset, RWF_NOWAIT);
}

int64_t sp_file_look(const struct sp_file *file, bool *holes) {
	struct stat st;
	if (fstat(file->fd, &st) < 0) {
		*holes = true;
		return -errno;
	}
	*holes = has_holes(&st);
	return st.st_size;
}

bool sp_file_may_be_as_long(uint64_t size) {
	struct rlimit limit;
	return getrlimit(RLIMIT_FSIZE, &limit) < 0 ||
		limit.rlim_cur == RLIM_INFINITY ||
		size <= (uint64_t)limit.rlim_cur;
}

int64_t sp_file_get_size(const struct sp_file *file) {
	bool holes;
	return sp_file_look(file, &holes);
}

/* Another thread may have read a larger size. */
static void raise(_Atomic uint64_t *size, uint64_t seen) {
	uint64_t old = atomic_load(size);
	while (old < seen && !atomic_compare_exchange_weak(size, &old, seen)) {
	}
}

bool sp_file_is_sealed_to(struct sp_file *file, uint64_t end) {
	uint64_t sealed = atomic_load(&file->sealed_size);
	if (end <= sealed) {
		return true;
	}
	if (file->never_sealed) {
		return false;
	}
	/* A seal can never be removed. */
	int seals = sealed > 0 ? F_SEAL_SHRINK :
		fcntl(file->fd, F_GET_SEALS);
	if (seals < 0 || !(seals & F_SEAL_SHRINK)) {
		file->never_sealed = is_never_sealed(seals);
		return false;
	}
	bool holes;
	int64_t size = sp_file_look(file, &holes);
	if (size < 0) {
		return false;
	}
	raise(&file->sealed_size, (uint64_t)size);
	if (!holes) {
		raise(&file->filled_size, (uint64_t)size);
	}
	return end <= (uint64_t)size;
}

bool sp_file_may_be_written(const struct sp_file *file) {
	if (!file->writable || file->kind == SP_FILE_SLOW) {
		return file->writable;
	}
	/* F_SEAL_FUTURE_WRITE does not forbid writing through existing mappings, such
	 * as one of an earlier access. */
	int seals = fcntl(file->fd, F_GET_SEALS);
	return seals < 0 || !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
}

bool sp_file_has_holes(const struct sp_file *file) {
	bool holes;
	sp_file_look(file, &holes);
	return holes;
}

void sp_file_look_again(struct sp_file *file) {
	struct stat st;
	if (fstat(file->fd, &st) == 0) {
		note_size(file, &st);
	}
}

bool sp_file_shows_pages(const struct sp_file *file) {
	struct stat st;
	return (fstat(file->fd, &st) == 0 && st.st_uid == geteuid()) ||
		faccessat(file->fd, "", W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0;
}
