/* SPDX-License-Identifier: MIT */
/*
 * The end of a client's fd, off the event loop.
 *
 * close() can wait, beyond the reach of signals, for what is the client's to
 * choose: a file on FUSE for its server's answer, a socket that lingers for its
 * other end, whatever an epoll instance watches for that instance's lock; and the
 * last one of a file on disk that has no name any more frees its blocks (8 minutes
 * for 2 GiB in scattered ones, measured). The fd's number is free before that, so
 * all that this can hold up is a thread: never the compositor, though the process
 * stays until it is over.
 *
 * Memory answers, but its pages are freed by whoever lets go of the file last, by
 * close() or by munmap(): 45 to 70 ms for 1 GiB (measured). So large files are closed by
 * a thread. The caller has unmapped them before: munmap() on another thread would have
 * the process's mmap lock for as long, for which mmap() on the event loop would wait.
 *
 * Where another wl_shm has mapped a large file, that one unmaps it on the event loop,
 * and when is its own affair. So one fd of the file is kept until /proc/self/maps has
 * no mapping of it any more.
 *
 * The threads are the process's, so these are as well. A client that comes back
 * again and again with fds that are never closed can use them up, and the user's
 * processes may be as many as are allowed (RLIMIT_NPROC). Then memory is closed at
 * once, and what could wait for ever waits until there is a thread.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "discard.h"
#include "lock.h"
#include "thread.h"

#define THREADS_MAX 1024

/* A 32nd of the fds that the process may have can be kept here until their files are
 * unmapped. They count in no budget. The budgets and their reserve leave an eighth to the
 * compositor, and these are a part of it. */
#define KEPT_PART 32

/* A thread costs as much as it does to free this (35 us, measured). */
#define LITTLE ((uint64_t)1 << 20)

/* In one period, so much memory is freed at once, of one file or of many, as a client
 * may end hundreds of pools in one go: 2 ms, and some 30 where the kernel clears what it
 * frees. Most clients' windows have less. */
#define FREED_AT_ONCE ((uint64_t)32 << 20)
#define PERIOD_MS 100

/* How often it is looked whether files that were passed to another wl_shm are still
 * mapped: at first they are about to be unmapped. */
#define LOOK_FIRST_MS 50
#define LOOK_MAX_MS 1000

struct discard {
	int fd;
	struct discard *next;

	/* Of a file that was passed to another wl_shm: */
	dev_t device;
	ino_t inode;
	/* As far as the last look has told; only for the thread that looks. */
	bool mapped;
};

static struct {
	struct sp_lock lock;
	int threads;
	/* For a thread. */
	struct discard *waiting;
	/* To another wl_shm, the newest first. Only the one thread that looks
	 * removes any. */
	struct discard *passed;
	uint64_t passed_len;
	/* When memory was last freed at once, and how much of it. */
	uint64_t period;
	uint64_t freed;
} discards = { .lock = SP_LOCK_INITIALIZER };

static uint64_t get_kept_max(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		limit.rlim_cur = 1024;
	}
	return (uint64_t)limit.rlim_cur / KEPT_PART;
}

static void *close_all(void *data) {
	struct discard *discard = data;
	while (discard != NULL) {
		close(discard->fd);
		free(discard);
		sp_lock_acquire(&discards.lock);
		discard = discards.waiting;
		if (discard != NULL) {
			discards.waiting = discard->next;
		} else {
			discards.threads--;
		}
		sp_lock_release(&discards.lock);
	}
	return NULL;
}

static bool start_closing(struct discard *discard)
		SP_REQUIRES(discards.lock) {
	bool started = discards.threads < THREADS_MAX &&
		sp_thread_start(close_all, discard) == 0;
	discards.threads += started;
	return started;
}

void sp_discard_fd(int fd) {
	struct discard *discard = calloc(1, sizeof(*discard));
	if (discard == NULL) {
		/* The fd stays open: a leak that ends with the process is
		 * better than a compositor that stands still. */
		return;
	}
	discard->fd = fd;
	sp_lock_acquire(&discards.lock);
	if (!start_closing(discard)) {
		discard->next = discards.waiting;
		discards.waiting = discard;
	}
	sp_lock_release(&discards.lock);
}

/* Files that were passed to another wl_shm */

/* Notes which of the files, from the first on, this process has mapped. */
static void look(struct discard *first) {
	FILE *maps = fopen("/proc/self/maps", "re");
	if (maps == NULL && errno != ENOENT) {
		/* There may be an fd for it the next time. */
		return;
	}
	for (struct discard *discard = first; discard != NULL;
			discard = discard->next) {
		discard->mapped = false;
	}
	if (maps == NULL) {
		/* It is not to be found out without /proc. Most have been
		 * unmapped by now. */
		return;
	}
	char *line = NULL;
	size_t capacity = 0;
	while (getline(&line, &capacity, maps) >= 0) {
		unsigned major, minor;
		uint64_t inode;
		if (sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major, &minor,
				&inode) != 3 || inode == 0) {
			continue;
		}
		for (struct discard *discard = first; discard != NULL;
				discard = discard->next) {
			discard->mapped |= discard->inode == inode &&
				discard->device == makedev(major, minor);
		}
	}
	free(line);
	fclose(maps);
}

/* Takes those out that are not mapped. */
static struct discard *take_unmapped(void) SP_REQUIRES(discards.lock) {
	struct discard *unmapped = NULL, **link = &discards.passed;
	while (*link != NULL) {
		struct discard *discard = *link;
		if (discard->mapped) {
			link = &discard->next;
			continue;
		}
		*link = discard->next;
		discards.passed_len--;
		discard->next = unmapped;
		unmapped = discard;
	}
	return unmapped;
}

static void *close_passed(void *data) {
	long wait_ms = LOOK_FIRST_MS;
	bool over = false;
	while (!over) {
		const struct timespec wait = {
			.tv_sec = wait_ms / 1000,
			.tv_nsec = wait_ms % 1000 * 1000000,
		};
		nanosleep(&wait, NULL);
		wait_ms = wait_ms * 2 < LOOK_MAX_MS ? wait_ms * 2 : LOOK_MAX_MS;
		sp_lock_acquire(&discards.lock);
		struct discard *first = discards.passed;
		sp_lock_release(&discards.lock);
		look(first);
		sp_lock_acquire(&discards.lock);
		struct discard *unmapped = take_unmapped();
		over = discards.passed == NULL;
		sp_lock_release(&discards.lock);
		while (unmapped != NULL) {
			struct discard *next = unmapped->next;
			close(unmapped->fd);
			free(unmapped);
			unmapped = next;
		}
	}
	return NULL;
}

static bool is_kept(const struct stat *st) SP_REQUIRES(discards.lock) {
	for (const struct discard *discard = discards.passed; discard != NULL;
			discard = discard->next) {
		if (discard->inode == st->st_ino && discard->device == st->st_dev) {
			return true;
		}
	}
	return false;
}

static bool keep_passed(struct discard *discard, const struct stat *st,
		uint64_t kept_max) SP_REQUIRES(discards.lock) {
	/* One fd of a file is enough. */
	if (is_kept(st) || discards.passed_len >= kept_max) {
		return false;
	}
	if (discards.passed == NULL && sp_thread_start(close_passed, NULL) < 0) {
		return false;
	}
	discard->device = st->st_dev;
	discard->inode = st->st_ino;
	discard->mapped = true;
	discard->next = discards.passed;
	discards.passed = discard;
	discards.passed_len++;
	return true;
}

/* Memory */

static bool may_free_at_once(uint64_t bytes) SP_REQUIRES(discards.lock) {
	if (bytes <= LITTLE) {
		return true;
	}
	uint64_t period = sp_clock_now() / PERIOD_MS;
	if (discards.period != period) {
		discards.period = period;
		discards.freed = 0;
	}
	if (bytes > FREED_AT_ONCE - discards.freed) {
		return false;
	}
	discards.freed += bytes;
	return true;
}

/* Returns whether another thread closes it. */
static bool discard_large(int fd, bool passed, const struct stat *st) {
	struct discard *discard = calloc(1, sizeof(*discard));
	if (discard == NULL) {
		return false;
	}
	discard->fd = fd;
	uint64_t kept_max = passed ? get_kept_max() : 0;
	sp_lock_acquire(&discards.lock);
	bool taken = passed ? keep_passed(discard, st, kept_max) :
		start_closing(discard);
	sp_lock_release(&discards.lock);
	if (!taken) {
		free(discard);
	}
	return taken;
}

void sp_discard_memory(int fd, bool passed) {
	/* How long the file is says nothing, and less does the pool's size. To give
	 * it memory takes an fd or a mapping of it: whoever does that meanwhile is not
	 * done before we are. */
	struct stat st;
	if (fstat(fd, &st) == 0) {
		/* st_blocks counts 512 bytes, whatever the block size. */
		uint64_t bytes = (uint64_t)st.st_blocks * 512;
		sp_lock_acquire(&discards.lock);
		bool at_once = may_free_at_once(bytes);
		sp_lock_release(&discards.lock);
		if (!at_once && discard_large(fd, passed, &st)) {
			return;
		}
	}
	close(fd);
}
