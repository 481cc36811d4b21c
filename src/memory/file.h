/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_FILE_H
#define SEALPOOL_MEMORY_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum sp_file_kind {
	/* memfd, shm_open(), a file on tmpfs */
	SP_FILE_SHMEM,
	/* MFD_HUGETLB, a file on hugetlbfs */
	SP_FILE_HUGETLB,
	/* anything else that has a path: only reader threads touch it */
	SP_FILE_SLOW,
};

struct sp_file {
	int fd;
	enum sp_file_kind kind;
	/* The fd was opened for writing. A seal may still forbid it. */
	bool writable;
	/* Of SP_FILE_SLOW: the fd is of an open file of our own, whose flags
	 * (O_DIRECT, say) no client can change. */
	atomic_bool own;
	/* Of that: what reader threads are to do with the fd, or have done just now. */
	atomic_uint jobs_len;
	/* Another wl_shm may have it mapped as well. */
	bool passed;
	/* Mappings of the file come in multiples of this many bytes. */
	size_t page_size;
	/* The bytes below this can never go away: the size as seen after
	 * F_SEAL_SHRINK was seen, 0 without the seal. It only grows. */
	_Atomic uint64_t sealed_size;
	/* It has no such seal, and one against more of them: as shm_open() makes
	 * files, and memfd_create() without MFD_ALLOW_SEALING. */
	atomic_bool never_sealed;
	/* Sealed against growing. */
	bool never_grows;
	/* As seen last: its size, and how many bytes of memory it has. */
	_Atomic uint64_t size, allocated;
	/* All bytes below this had memory when the pool was made; 0 if the file
	 * had holes. */
	uint64_t filled_size;
};

/**
 * Finds out what an fd from a client is, without asking a file system that
 * could keep us waiting. On success the fd belongs to the file; close it with
 * sp_file_finish(). On failure it remains the caller's, to be closed with
 * sp_file_discard_fd(), and "reason" is the end of a sentence for the client
 * that begins with "the file".
 *
 * Returns 0 or a negative errno: -EINVAL, -EACCES or -EBADF where the file is not what
 * it has to be, any other where the compositor lacks what it takes to find out.
 */
int sp_file_init(struct sp_file *file, int fd, const char **reason);
/** Closes it; one that may never answer is left for a reader thread to close. */
void sp_file_finish(struct sp_file *file);

/** As pread(), but nothing is waited for, neither a disk nor a lock nor a server: fails
 * with EAGAIN where the kernel does not have the bytes at hand, or EOPNOTSUPP where the
 * file system cannot tell. Of SP_FILE_SLOW that is "own". Any thread. */
ssize_t sp_file_read_at_once(int fd, void *bytes, size_t length,
	uint64_t offset);

/** Closes an fd of unknown make without waiting for it: see discard.h. */
void sp_file_discard_fd(int fd);

/** Whether this process may make a file of its own so many bytes long: beyond
 * RLIMIT_FSIZE that is not just refused, it raises SIGXFSZ. Any thread. */
bool sp_file_may_be_as_long(uint64_t size);

/* Of memory only, not of SP_FILE_SLOW: */

/** The file's size in bytes now, or a negative errno. Any thread. */
int64_t sp_file_get_size(const struct sp_file *file);

/**
 * Looks at seals and size again, unless "end" is below the sealed size
 * already, and returns whether the bytes below "end" are now sealed. Any
 * thread.
 */
bool sp_file_is_sealed_to(struct sp_file *file, uint64_t end);

/** Whether parts of the file have no memory now, or that cannot be told. Any
 * thread. */
bool sp_file_has_holes(const struct sp_file *file);

/** Both at once. */
int64_t sp_file_look(const struct sp_file *file, bool *has_holes);

/** Looks at the size and the memory again. Any thread. */
void sp_file_look_again(struct sp_file *file);

/** Whether mincore() tells us which pages of the file there are: it does to those
 * who own the file, or may write to it, and otherwise says that all are there. Any
 * thread. */
bool sp_file_shows_pages(const struct sp_file *file);

#endif
