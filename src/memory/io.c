/* SPDX-License-Identifier: MIT */
/*
 * The system calls that move a client's bytes.
 *
 * A system call meets the end of a file with a short count, and a page that is not
 * there with EFAULT, where a load or store of our own would raise SIGBUS. So it is the
 * kernel that touches the client's bytes, here and in bounce.c.
 *
 * None of the calls may take the lock of the inode of shared memory. The client can hold
 * it for ever: who writes to a file does, while he waits for the page that he
 * writes from, and the server of that one can be the client itself (FUSE). pread() does
 * not take it there, and page faults do nowhere.
 */
#include <errno.h>
#include <stdbool.h>
#include <sys/uio.h>
#include <unistd.h>

#include "file.h"
#include "io.h"

/* Whether to go on after one call. */
static bool add(ssize_t n, size_t *done, int *error) {
	if (n > 0) {
		*done += (size_t)n;
	} else if (n < 0 && errno != EINTR) {
		*error = errno;
		return false;
	}
	return n != 0;
}

size_t sp_io_read_into_client(int fd, uint64_t offset,
		uint8_t SP_UNTRUSTED *to, size_t length, int *error) {
	size_t done = 0;
	while (done < length && add(pread(fd,
			sp_untrusted_for_kernel(to + done), length - done,
			(off_t)(offset + done)), &done, error)) {
	}
	return done;
}

size_t sp_io_read(int fd, uint64_t offset, uint8_t *to, size_t length,
		int *error) {
	return sp_io_read_into_client(fd, offset, to, length, error);
}

size_t sp_io_read_at_once(int fd, uint64_t offset, uint8_t *to, size_t length,
		int *error) {
	size_t done = 0;
	while (done < length) {
		ssize_t n = sp_file_read_at_once(fd, to + done, length - done,
			offset + done);
		if (n <= 0) {
			/* EAGAIN at the file's end too: nobody will look. */
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
