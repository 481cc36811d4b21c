/* SPDX-License-Identifier: MIT */
/*
 * Memfds for tests. Each function fails the test if it cannot do its work.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "memfd.h"

size_t page_size(void) {
	return (size_t)sysconf(_SC_PAGESIZE);
}

int create_memfd(off_t size, int seals) {
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	if (seals != 0) {
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	}
	return fd;
}

void fill_memfd(int fd, off_t filled, uint8_t byte) {
	uint8_t bytes[4096];
	memset(bytes, byte, sizeof(bytes));
	for (off_t at = 0; at < filled; at += (off_t)sizeof(bytes)) {
		size_t length = filled - at < (off_t)sizeof(bytes) ?
			(size_t)(filled - at) : sizeof(bytes);
		assert_int_equal(pwrite(fd, bytes, length, at), length);
	}
}

int reopen(int fd, int flags) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int opened = open(path, flags | O_CLOEXEC);
	assert_true(opened >= 0);
	return opened;
}
