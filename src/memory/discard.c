/* SPDX-License-Identifier: MIT */
/*
 * Closes a client's fd without blocking the event loop.
 *
 * close() can block uninterruptibly for reasons that the client chooses: a file on FUSE
 * waits for its server, a lingering socket for its peer, a file watched by an epoll
 * instance for that instance's lock; and closing the last fd of a deleted file on a disk
 * frees its blocks (8 minutes for 2 GiB of scattered blocks, measured). The fd's number is
 * free before that, so it blocks only a thread, never the compositor; but the process
 * cannot end until close() returns.
 *
 * Closing memory does not block, but the last close() or munmap() frees its pages: 45 to
 * 70 ms for 1 GiB (measured). So a thread closes large files. The caller has unmapped them
 * before: munmap() on another thread would hold the process's mmap lock for that time,
 * and mmap() on the event loop would wait for it.
 *
 * If the guarded wl_shm has mapped a large file, it unmaps it on the event loop, at any
 * time. So one fd of the file is kept until /proc/self/maps has no mapping of it.
 *
 * The number of threads is limited for the process, and for the user (RLIMIT_NPROC). A
 * client that keeps reconnecting with fds that block for ever can use them up. Then memory
 * is closed at once, and other files wait for a thread.
 */
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

/* At most a 32nd of the process's fds is kept for files that are still mapped. These are
 * charged to nobody. The limits and their reserve leave an eighth to the compositor, and
 * these are a part of it. */
#define KEPT_PART 32

/* Starting a thread costs as much as freeing this (35 us, measured). */
#define LITTLE ((uint64_t)1 << 20)

/* This much memory is freed at once in one period, of one file or of many, since a client
 * may destroy hundreds of pools together: 2 ms, or some 30 if the kernel clears freed
 * memory. The windows of most clients have less. */
#define FREED_AT_ONCE ((uint64_t)32 << 20)
#define PERIOD_MS 100

/* The interval of checks whether files that the guarded wl_shm got are still mapped. The
 * first is short, since a file is usually about to be unmapped. */
#define LOOK_FIRST_MS 50
#define LOOK_MAX_MS 1000

/* This many fds can wait for a thread without memory being allocated for them. Without
 * such a reserve, an fd would leak whenever there is no memory: closing it at once could
 * block the event loop. */
#define RESERVED 64

struct discard {
	int fd;
	/* Of the reserve, and in use. */
	bool reserved;
	struct discard *next;

	/* Of a file that the guarded wl_shm got: */
	dev_t device;
	ino_t inode;
	/* At the last check; only for the thread that checks. */
	bool mapped;
};

static struct {
	struct sp_lock lock;
	struct discard reserve[RESERVED];
	int threads;
	/* Waiting for a thread. */
	struct discard *waiting;
	/* Files that the guarded wl_shm got, the newest first. Only the thread that
	 * checks them removes any. */
	struct discard *passed;
	uint64_t passed_len;
	/* The current period, and how much memory was freed at once in it. */
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

/* Returns NULL if the reserve is used up as well. */
static struct discard *discard_create(int fd) SP_REQUIRES(discards.lock) {
	struct discard *discard = calloc(1, sizeof(*discard));
	for (size_t i = 0; i < RESERVED && discard == NULL; i++) {
		if (!discards.reserve[i].reserved) {
			discard = &discards.reserve[i];
			*discard = (struct discard){ .reserved = true };
		}
	}
	if (discard != NULL) {
		discard->fd = fd;
	}
	return discard;
}

static void discard_destroy(struct discard *discard) SP_REQUIRES(discards.lock) {
	if (discard->reserved) {
		discard->reserved = false;
	} else {
		free(discard);
	}
}

static void *close_all(void *data) {
	struct discard *discard = data;
	while (discard != NULL) {
		close(discard->fd);
		sp_lock_acquire(&discards.lock);
		discard_destroy(discard);
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
	sp_lock_acquire(&discards.lock);
	struct discard *discard = discard_create(fd);
	/* Else the fd stays open: leaking it until the process ends is better than
	 * blocking the compositor. */
	if (discard != NULL && !start_closing(discard)) {
		discard->next = discards.waiting;
		discards.waiting = discard;
	}
	sp_lock_release(&discards.lock);
}

/* Files that the guarded wl_shm got */

/* Sets "mapped" of all files from the first on. If that cannot be found out, none counts
 * as mapped: most have been unmapped by now, and if there is no fd to check with, closing
 * these frees some. */
static void look(struct discard *first) {
	for (struct discard *discard = first; discard != NULL;
			discard = discard->next) {
		discard->mapped = false;
	}
	FILE *maps = fopen("/proc/self/maps", "re");
	if (maps == NULL) {
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

/* Removes and returns the files that are not mapped. */
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
	/* One fd for each file is enough. */
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
	/* Neither the file's size nor the pool's shows how much memory it has. A process
	 * that still allocates memory in it has an fd or a mapping, so that this close
	 * does not free it. */
	struct stat st;
	if (fstat(fd, &st) == 0) {
		/* st_blocks counts units of 512 bytes on every file system. */
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
