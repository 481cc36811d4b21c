/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_FILE_H
#define SEALPOOL_MEMORY_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A file is large if its memory exceeds MANY times the bytes of its client's buffers by more
 * than SLACK. */
#define SP_FILE_SLACK ((uint64_t)16 << 20)
#define SP_FILE_MANY 4

enum sp_file_kind {
	/* memfd, shm_open(), a file on tmpfs */
	SP_FILE_SHMEM,
	/* MFD_HUGETLB, a file on hugetlbfs */
	SP_FILE_HUGETLB,
	/* any other file with a path: only reader threads touch it */
	SP_FILE_SLOW,
};

struct sp_file {
	int fd;
	enum sp_file_kind kind;
	/* The fd was opened for writing. A seal may still forbid it. */
	bool writable;
	/* SP_FILE_SLOW: the fd is an open file of our own, whose flags (such as
	 * O_DIRECT) no client can change. */
	atomic_bool own;
	/* SP_FILE_SLOW: the number of jobs of reader threads that use the fd. */
	atomic_uint jobs_len;
	/* The guarded wl_shm may have mapped it, too. */
	bool passed;
	/* Mappings of the file are multiples of this many bytes. */
	size_t page_size;
	/* Bytes below this cannot disappear: the size as read after F_SEAL_SHRINK was
	 * seen, 0 without the seal. It only grows. */
	_Atomic uint64_t sealed_size;
	/* It lacks that seal, and another seal forbids adding it: so are files of
	 * shm_open(), and of memfd_create() without MFD_ALLOW_SEALING. */
	atomic_bool never_sealed;
	/* Sealed against growing. */
	bool never_grows;
	/* As last seen. The first is the file's memory. The second is how many bytes the
	 * client's buffers must have so that the file is not large, even if all of it
	 * gets memory. */
	_Atomic uint64_t allocated, buffers_min;
	/* All bytes below this had memory when the sealed size was last seen to have
	 * grown, or before; 0 if the file had holes each time. */
	_Atomic uint64_t filled_size;
};

/**
 * Finds out what an fd from a client is, without asking a file system that may never
 * answer. On success the file owns the fd; close it with sp_file_finish(). On failure
 * the caller keeps it, to be closed with sp_file_discard_fd(), and "reason" is the end
 * of a sentence for the client that begins with "the file".
 *
 * Returns 0 or a negative errno: -EINVAL, -EACCES or -EBADF for a file that cannot be a
 * pool's, any other if the compositor lacks a resource.
 */
int sp_file_init(struct sp_file *file, int fd, const char **reason);
/** Closes the file, except SP_FILE_SLOW, which a reader thread has to close. */
void sp_file_finish(struct sp_file *file);

/** Reads like pread(), but never waits for a disk, a lock or a server. Fails with EAGAIN
 * if the bytes are not in the page cache, or with EOPNOTSUPP if the file system does not
 * support it. An SP_FILE_SLOW must be "own". Any thread. */
ssize_t sp_file_read_at_once(int fd, void *bytes, size_t length,
	uint64_t offset);

/** Closes an fd of an unknown kind without waiting for it: see discard.h. */
void sp_file_discard_fd(int fd);

/** Returns whether RLIMIT_FSIZE allows a file of ours with this size: exceeding it would
 * raise SIGXFSZ. Any thread. */
bool sp_file_may_be_as_long(uint64_t size);

/** Returns whether neither the fd nor, for memory, a seal forbids writing. A seal can be
 * added at any time. Any thread. */
bool sp_file_may_be_written(const struct sp_file *file);

/* For memory only, not for SP_FILE_SLOW: */

/** Returns the file's current size in bytes, or a negative errno. Any thread. */
int64_t sp_file_get_size(const struct sp_file *file);

/**
 * Returns whether the bytes below "end" are below the sealed size. Reads seals and size
 * again unless that is known already. Any thread.
 */
bool sp_file_is_sealed_to(struct sp_file *file, uint64_t end);

/** Returns whether parts of the file have no memory, also if that is unknown. Any
 * thread. */
bool sp_file_has_holes(const struct sp_file *file);

/** Returns the size, and whether there are holes. */
int64_t sp_file_look(const struct sp_file *file, bool *has_holes);

/** Updates "size" and "allocated". Any thread. */
void sp_file_look_again(struct sp_file *file);

/** Returns whether mincore() shows which pages of the file have memory: only to the
 * owner of the file, and to those who may write to it. To others it reports that all
 * have. Any thread. */
bool sp_file_shows_pages(const struct sp_file *file);

#endif
