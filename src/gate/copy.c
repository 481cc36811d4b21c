/* SPDX-License-Identifier: MIT */
/*
 * Copies of clients' files, for receivers that map what they are sent.
 *
 * Only the compositor has a copy. It has no seal against writing, since Linux before 6.7
 * refuses to map a file with such a seal as MAP_SHARED, even for reading.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "copy.h"
#include "memory/file.h"
#include "memory/io.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static int create(uint64_t size) {
	if (!sp_file_may_be_as_long(size)) {
		return -EFBIG;
	}
	int copy = memfd_create("sealpool-copy",
		MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0) {
		return -errno;
	}
	if (ftruncate(copy, (off_t)size) < 0) {
		int error = errno;
		close(copy);
		return -error;
	}
	return copy;
}

/* Returns 0 or a negative errno. */
static int fill(int copy, int fd, const struct sp_range *range,
		uint64_t *found) {
	uint8_t bytes[64 * 1024];
	int error = 0;
	*found = 0;
	while (*found < range->length) {
		uint64_t left = range->length - *found;
		size_t wanted = left < sizeof(bytes) ? (size_t)left :
			sizeof(bytes);
		uint64_t offset = range->offset + *found;
		size_t got = sp_io_read(fd, offset, bytes, wanted, &error);
		if (error == 0) {
			sp_io_write(copy, offset, bytes, got, &error);
		}
		if (error != 0) {
			return -error;
		}
		*found += got;
		if (got < wanted) {
			break;
		}
	}
	return 0;
}

int sp_copy_range(int fd, const struct sp_range *range, uint64_t *found) {
	*found = 0;
	int copy = create(range->offset + range->length);
	if (copy < 0) {
		return copy;
	}
	int ret = fill(copy, fd, range, found);
	if (ret == 0 && *found < range->length &&
			ftruncate(copy, (off_t)(range->offset + *found)) < 0) {
		ret = -errno;
	}
	if (ret == 0 && fcntl(copy, F_ADD_SEALS, SEALS) < 0) {
		ret = -errno;
	}
	if (ret < 0) {
		close(copy);
		return ret;
	}
	return copy;
}

int sp_copy_find_zero(int copy, uint64_t size) {
	uint8_t bytes[4096];
	int error = 0;
	while (size > 0) {
		size_t wanted = size < sizeof(bytes) ? (size_t)size :
			sizeof(bytes);
		size -= wanted;
		size_t got = sp_io_read(copy, size, bytes, wanted, &error);
		if (error != 0) {
			return -error;
		}
		if (memrchr(bytes, 0, got) != NULL) {
			return 1;
		}
	}
	return 0;
}

int sp_copy_nothing(uint64_t size) {
	int copy = create(size);
	if (copy >= 0 && fcntl(copy, F_ADD_SEALS, SEALS) < 0) {
		int error = errno;
		close(copy);
		return -error;
	}
	return copy;
}
