/* SPDX-License-Identifier: MIT */
/*
 * Many small pieces out of a mapping that can fault, with one call.
 *
 * A load of ours from what the client has cut off raises SIGBUS; when the kernel
 * meets the same, the call ends early. So the pieces are written, with pwritev(),
 * to a file of our own, one behind another. That file is mapped, and stays in the
 * processor's cache: from there we copy them on ourselves. process_vm_readv()
 * would copy them once instead of twice, but takes a lock and looks up a page
 * for each: 23 us for 100 rows of 400 bytes, where the call takes 5.3 here and the
 * rest 1.6, and 12 us for 20 of 40 bytes, instead of 1.9 and 0.3, measured.
 *
 * The file becomes longer as it is written to, and only so: whatever is read here
 * is there.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bounce.h"

int sp_bounce_init(struct sp_bounce *bounce) {
	int ret = pthread_mutex_init(&bounce->lock, NULL);
	if (ret != 0) {
		return -ret;
	}
	bounce->fd = -1;
	bounce->data = NULL;
	return 0;
}

void sp_bounce_finish(struct sp_bounce *bounce) {
	if (bounce->fd >= 0) {
		munmap(bounce->data, SP_BOUNCE_SIZE);
		close(bounce->fd);
	}
	pthread_mutex_destroy(&bounce->lock);
}

static bool is_there(struct sp_bounce *bounce) {
	if (bounce->fd >= 0) {
		return true;
	}
	int fd = memfd_create("sealpool-bounce", MFD_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	void *data = mmap(NULL, SP_BOUNCE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED) {
		close(fd);
		return false;
	}
	bounce->fd = fd;
	bounce->data = data;
	return true;
}

static size_t sum_up(const struct iovec *pieces, size_t len) {
	size_t bytes = 0;
	for (size_t i = 0; i < len; i++) {
		bytes += pieces[i].iov_len;
	}
	return bytes;
}

/* Returns how many bytes of the pieces have come so far, or a negative errno.
 * Called with the lock held. */
static ssize_t bring(struct sp_bounce *bounce, const struct iovec *from,
		size_t len) {
	if (!is_there(bounce)) {
		return -ENOMEM;
	}
	ssize_t n;
	do {
		n = pwritev(bounce->fd, from, (int)len, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

bool sp_bounce_copy(struct sp_bounce *bounce, const struct iovec *from,
		const struct iovec *to, size_t len) {
	pthread_mutex_lock(&bounce->lock);
	ssize_t n = bring(bounce, from, len);
	bool moved = n >= 0 && (size_t)n == sum_up(from, len);
	if (moved) {
		const uint8_t *data = bounce->data;
		for (size_t i = 0; i < len; i++) {
			memcpy(to[i].iov_base, data, to[i].iov_len);
			data += to[i].iov_len;
		}
	}
	pthread_mutex_unlock(&bounce->lock);
	return moved;
}
