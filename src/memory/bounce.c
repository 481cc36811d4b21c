/* SPDX-License-Identifier: MIT */
/*
 * Copies many small pieces out of a mapping that can fault, with one system call.
 *
 * A load from a truncated part of the mapping would raise SIGBUS; a system call that
 * reads it returns early. So pwritev() writes the pieces to a file of our own, one after
 * the other. That file is mapped and stays in the processor's cache, and memcpy() copies
 * the pieces from there. process_vm_readv() would copy them once instead of twice, but
 * takes a lock and looks up a page for each piece: 23 us for 100 rows of 400 bytes,
 * where pwritev() takes 5.3 and memcpy() 1.6; 12 us for 20 rows of 40 bytes, instead of
 * 1.9 and 0.3 (measured).
 *
 * The file only grows, by being written to, so all bytes that are read here exist.
 *
 * pwritev() can wait for a client's page: while the client punches a hole, or for a disk.
 * So each thread uses a file of its own and holds no lock: a client that blocks one
 * thread blocks no other. There are as many files as threads have copied at the same
 * time.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bounce.h"

struct sp_bounce_file {
	struct sp_bounce_file *next; /* sp_bounce.unused */
	int fd;
	uint8_t *data;
};

int sp_bounce_init(struct sp_bounce *bounce) {
	bounce->unused = NULL;
	return sp_lock_init(&bounce->lock);
}

static void file_destroy(struct sp_bounce_file *file) {
	munmap(file->data, SP_BOUNCE_SIZE);
	close(file->fd);
	free(file);
}

void sp_bounce_finish(struct sp_bounce *bounce) {
	while (bounce->unused != NULL) {
		struct sp_bounce_file *file = bounce->unused;
		bounce->unused = file->next;
		file_destroy(file);
	}
	sp_lock_finish(&bounce->lock);
}

static struct sp_bounce_file *file_create(void) {
	struct sp_bounce_file *file = malloc(sizeof(*file));
	if (file == NULL) {
		return NULL;
	}
	file->fd = memfd_create("sealpool-bounce", MFD_CLOEXEC);
	if (file->fd < 0) {
		goto error_file;
	}
	file->data = mmap(NULL, SP_BOUNCE_SIZE, PROT_READ, MAP_SHARED,
		file->fd, 0);
	if (file->data == MAP_FAILED) {
		goto error_fd;
	}
	return file;

error_fd:
	close(file->fd);
error_file:
	free(file);
	return NULL;
}

/* Returns an unused file, or a new one; NULL if that cannot be created. */
static struct sp_bounce_file *take_file(struct sp_bounce *bounce) {
	sp_lock_acquire(&bounce->lock);
	struct sp_bounce_file *file = bounce->unused;
	if (file != NULL) {
		bounce->unused = file->next;
	}
	sp_lock_release(&bounce->lock);
	return file != NULL ? file : file_create();
}

static void give_back_file(struct sp_bounce *bounce,
		struct sp_bounce_file *file) {
	sp_lock_acquire(&bounce->lock);
	file->next = bounce->unused;
	bounce->unused = file;
	sp_lock_release(&bounce->lock);
}

/* Returns whether all pieces were read. */
static bool bring(struct sp_bounce_file *file,
		const uint8_t SP_UNTRUSTED *base,
		const struct sp_bounce_piece *pieces, size_t len) {
	struct iovec from[SP_BOUNCE_PIECES_MAX];
	size_t bytes = 0;
	for (size_t i = 0; i < len; i++) {
		from[i] = (struct iovec){
			.iov_base = sp_untrusted_for_kernel(
				base + pieces[i].offset),
			.iov_len = pieces[i].length,
		};
		bytes += pieces[i].length;
	}
	ssize_t n;
	do {
		n = pwritev(file->fd, from, (int)len, 0);
	} while (n < 0 && errno == EINTR);
	return n >= 0 && (size_t)n == bytes;
}

bool sp_bounce_copy(struct sp_bounce *bounce, const uint8_t SP_UNTRUSTED *base,
		const struct sp_bounce_piece *pieces, size_t len) {
	assert(len <= SP_BOUNCE_PIECES_MAX);
	struct sp_bounce_file *file = take_file(bounce);
	if (file == NULL) {
		return false;
	}
	bool moved = bring(file, base, pieces, len);
	if (moved) {
		const uint8_t *data = file->data;
		for (size_t i = 0; i < len; i++) {
			memcpy(pieces[i].to, data, pieces[i].length);
			data += pieces[i].length;
		}
	}
	give_back_file(bounce, file);
	return moved;
}
