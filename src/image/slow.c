/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes slow files on reader threads.
 *
 * Bytes are read to memory of their own first, since the copy that needs them may not
 * wait, or be destroyed before they arrive. The file is never mapped: a page fault that
 * waits for the file's server can hold the process's mmap lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memory/account.h"
#include "memory/io.h"
#include "slow.h"

static uint64_t get_start(const struct sp_slow *slow) {
	return sp_layout_start(&slow->layout);
}

void sp_slow_unref(struct sp_slow *slow) {
	if (atomic_fetch_sub(&slow->refs, 1) > 1) {
		return;
	}
	if (slow->store.data != NULL) {
		sp_store_finish(&slow->store);
	}
	pixman_region32_fini(&slow->region);
	free(slow);
}

struct sp_slow *sp_slow_ref(struct sp_slow *slow) {
	atomic_fetch_add(&slow->refs, 1);
	return slow;
}

static void finish(struct sp_job *job) {
	struct sp_slow *slow = sp_list_entry(job, struct sp_slow, job);
	slow->file->jobs_len--;
	sp_slow_unref(slow);
}

void sp_slow_cancel(struct sp_slow *slow) {
	if (sp_reader_cancel(slow->job.reader, &slow->job)) {
		finish(&slow->job);
	}
}

/* Returns the file's size, or a negative errno; -EINVAL unless it is a regular file. */
static int64_t look(int fd) {
	struct stat st;
	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	return S_ISREG(st.st_mode) ? st.st_size : -EINVAL;
}

static void read_all(struct sp_job *job) {
	struct sp_slow *slow = sp_list_entry(job, struct sp_slow, job);
	slow->size = look(slow->file->fd);
	if (slow->size < 0) {
		slow->copied.error = (int)-slow->size;
		/* The bytes of another answer. */
		if (slow->reused) {
			memset(slow->store.data, 0, slow->store.size);
		}
		return;
	}
	const struct sp_transfer_source source = {
		.fd = slow->file->fd,
		.counts_as_full = true,
	};
	const struct sp_transfer_target target = {
		.data = slow->store.data,
		.start = get_start(slow),
		.written = &slow->written,
		.aside = true,
	};
	slow->copied = sp_transfer_in(&source, &slow->layout, &slow->region,
		&target);
}

/* Calls a function for each row of the region, with its offset in the pool. */
static void for_each_row(struct sp_slow *slow,
		void (*func)(struct sp_slow *slow, uint64_t offset,
			size_t length, void *data), void *data) {
	int boxes_len;
	const pixman_box32_t *boxes =
		pixman_region32_rectangles(&slow->region, &boxes_len);
	for (uint32_t i = 0; i < slow->layout.format->planes_len; i++) {
		const struct sp_plane *plane = &slow->layout.planes[i];
		for (int j = 0; j < boxes_len; j++) {
			struct sp_span span = sp_plane_span(plane, &boxes[j]);
			for (uint32_t row = 0; row < span.rows; row++) {
				func(slow, span.offset + (uint64_t)plane->stride
					* row, span.row_bytes, data);
			}
		}
	}
}

static void take_row(struct sp_slow *slow, uint64_t offset, size_t length,
		void *data) {
	sp_transfer_row(data, offset, slow->store.data +
		(offset - get_start(slow)), length);
}

void sp_slow_take(struct sp_slow *slow, const struct sp_transfer_target *target) {
	for_each_row(slow, take_row, (void *)target);
}

static void store_row(struct sp_slow *slow, uint64_t offset, size_t length,
		void *data) {
	const uint8_t *from = data;
	offset -= get_start(slow);
	memcpy(slow->store.data + offset, from + offset, length);
}

static void write_row(struct sp_slow *slow, uint64_t offset, size_t length,
		void *data) {
	uint64_t size = (uint64_t)slow->size;
	size_t there = offset >= size ? 0 : length <= size - offset ? length :
		(size_t)(size - offset);
	const uint8_t *from = slow->store.data + (offset - get_start(slow));
	size_t done = slow->copied.error != 0 ? 0 : sp_io_write(slow->file->fd,
		offset, from, there, &slow->copied.error);
	slow->copied.bytes += done;
	slow->copied.missing += length - done;
}

static void write_all(struct sp_job *job) {
	struct sp_slow *slow = sp_list_entry(job, struct sp_slow, job);
	slow->size = look(slow->file->fd);
	int flags = fcntl(slow->file->fd, F_GETFL);
	if (slow->size < 0) {
		slow->copied.error = (int)-slow->size;
	} else if (flags < 0 || (flags & O_APPEND)) {
		/* The client shares the open file, and may set this flag. Then the kernel
		 * ignores the offset and appends. */
		slow->copied.error = EINVAL;
	} else {
		for_each_row(slow, write_row, NULL);
	}
}

/* All of the region is written before it is read, also where the file is too short. */
static int init_store(struct sp_slow *slow, struct sp_backing *backing,
		size_t size, bool for_reading) {
	slow->reused = for_reading && sp_spare_take(&backing->memory->cache,
		backing->spare, size, &slow->store);
	if (!slow->reused) {
		return sp_store_init(&slow->store, backing->account, size);
	}
	sp_chunks_set_all(&slow->written);
	return 0;
}

static int create(const struct sp_view *view, const pixman_region32_t *region,
		bool for_reading, struct sp_slow **slow_ptr) {
	const struct sp_layout *layout = &view->layout;
	struct sp_backing *backing = view->backing;
	struct sp_slow *slow = calloc(1, sizeof(*slow));
	if (slow == NULL) {
		return -ENOMEM;
	}
	int ret = init_store(slow, backing,
		(size_t)(layout->end - sp_layout_start(layout)), for_reading);
	if (ret < 0) {
		free(slow);
		return ret;
	}
	slow->file = &backing->file;
	slow->layout = *layout;
	pixman_region32_init(&slow->region);
	atomic_init(&slow->refs, 2);
	slow->job.finish = finish;
	slow->job.owner = backing->account;
	if (!pixman_region32_copy(&slow->region,
			(pixman_region32_t *)region)) {
		atomic_init(&slow->refs, 1);
		sp_slow_unref(slow);
		return -ENOMEM;
	}
	*slow_ptr = slow;
	return 0;
}

static int submit(struct sp_reader *reader, struct sp_slow *slow,
		void (*run)(struct sp_job *job), struct sp_slow **slow_ptr) {
	slow->job.run = run;
	slow->file->jobs_len++;
	int ret = sp_reader_submit(reader, &slow->job);
	if (ret < 0) {
		slow->file->jobs_len--;
		atomic_init(&slow->refs, 1);
		sp_slow_unref(slow);
		return ret;
	}
	*slow_ptr = slow;
	return 0;
}

int sp_slow_read(const struct sp_view *view, const pixman_region32_t *region,
		struct sp_slow **slow_ptr) {
	struct sp_slow *slow;
	int ret = create(view, region, true, &slow);
	return ret == 0 ? submit(view->backing->reader, slow, read_all, slow_ptr) :
		ret;
}

int sp_slow_write(const struct sp_view *view, const pixman_region32_t *region,
		const uint8_t *data, struct sp_slow **slow_ptr) {
	struct sp_slow *slow;
	int ret = create(view, region, false, &slow);
	if (ret < 0) {
		return ret;
	}
	for_each_row(slow, store_row, (void *)data);
	return submit(view->backing->reader, slow, write_all, slow_ptr);
}
