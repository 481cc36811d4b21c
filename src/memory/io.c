/* SPDX-License-Identifier: MIT */
/*
 * The system calls that move a client's bytes.
 *
 * At the end of a file, a system call returns a short count, and at a missing page EFAULT,
 * where a load or store of our own would raise SIGBUS. So the kernel touches the client's
 * bytes, here and in bounce.c.
 *
 * No call may take the inode lock of shared memory, which the client can hold for ever:
 * a write to the file holds it while it waits for the page that it writes from, and the
 * server of that page can be the client itself (FUSE). pread() does not take it for shared
 * memory; page faults never do.
 */
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "file.h"
#include "io.h"

/* Returns whether to continue after one call. */
static bool add(ssize_t n, size_t *done, int *error) {
	if (n > 0) {
		*done += (size_t)n;
	} else if (n < 0 && errno != EINTR) {
		*error = errno;
		return false;
	}
	return n != 0;
}

size_t sp_io_read(int fd, uint64_t offset, uint8_t SP_UNTRUSTED *to,
		size_t length, int *error) {
	size_t done = 0;
	while (done < length && add(pread(fd,
			sp_untrusted_for_kernel(to + done), length - done,
			(off_t)(offset + done)), &done, error)) {
	}
	return done;
}

size_t sp_io_read_at_once(int fd, uint64_t offset, uint8_t *to, size_t length,
		int *error) {
	size_t done = 0;
	while (done < length) {
		ssize_t n = sp_file_read_at_once(fd, to + done, length - done,
			offset + done);
		if (n <= 0) {
			/* EAGAIN also at the file's end: its size is not read here. */
			*error = n < 0 ? errno : EAGAIN;
			break;
		}
		done += (size_t)n;
	}
	return done;
}

size_t sp_io_write(int fd, uint64_t offset, const uint8_t *from, size_t length,
		int *error) {
	size_t done = 0;
	while (done < length) {
		ssize_t n = pwrite(fd, from + done, length - done,
			(off_t)(offset + done));
		if (n == 0) {
			*error = EIO;
			break;
		}
		if (!add(n, &done, error)) {
			break;
		}
	}
	return done;
}
