/* SPDX-License-Identifier: MIT */
/*
 * Finds out the type of a pool's file, and closes it.
 *
 * file.c recognizes memory at once. Any other file may never answer, so the client's
 * reader thread calls fstat(), open() and close(). A backing has one job at a time,
 * first the look, then the close. Its owner keeps it until closed() is called, so no job
 * needs a reference.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backing.h"
#include "look.h"

/* The fd of a file cannot be closed while a thread waits for that file. So all slow files
 * together may take a quarter of the fds, and those of one identity half of that. */
#define FDS_PART 4

static struct sp_backing *from_job(struct sp_job *job) {
	return sp_list_entry(job, struct sp_backing, look.job);
}

bool sp_look_has_room(struct sp_reader *reader, uint32_t all_fds) {
	uint32_t most = all_fds / FDS_PART;
	return sp_reader_is_available(reader) &&
		reader->readers->files_len < most &&
		reader->files_len < (most + 1) / 2;
}

/* Reopens the file: the client could switch the open file that it shares with us to
 * direct I/O at any time, and then sp_file_read_at_once() would wait. */
static bool open_anew(struct sp_backing *backing) {
	struct sp_file *file = &backing->file;
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	int fd = open(path, (file->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC |
		O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		return false;
	}
	int old = file->fd;
	sp_lock_acquire(&backing->lock);
	file->fd = fd;
	sp_lock_release(&backing->lock);
	close(old);
	return true;
}

static void look(struct sp_job *job) {
	struct sp_backing *backing = from_job(job);
	struct sp_file *file = &backing->file;
	struct stat st;
	bool known = fstat(file->fd, &st) == 0;
	/* If the server fails, the type is unknown, and the file is not refused. */
	backing->look.is_regular = !known || S_ISREG(st.st_mode);
	file->own = known && backing->look.is_regular && open_anew(backing);
}

static void close_file(struct sp_job *job) {
	close(from_job(job)->file.fd);
}

static void finish_close(struct sp_job *job) {
	struct sp_backing *backing = from_job(job);
	sp_reader_count_file(backing->reader, -1);
	backing->look.ops->closed(backing, true);
}

/* The fd stays charged until no thread uses it. */
static void close_slow(struct sp_backing *backing) {
	struct sp_job *job = &backing->look.job;
	job->run = close_file;
	job->finish = finish_close;
	if (backing->file.jobs_len == 0 ||
			sp_reader_submit(backing->reader, job) < 0) {
		sp_file_discard_fd(backing->file.fd);
		finish_close(job);
	}
}

static void close_now(struct sp_backing *backing) {
	bool had_fd = sp_backing_finish(backing);
	if (backing->file.kind == SP_FILE_SLOW) {
		close_slow(backing);
	} else {
		backing->look.ops->closed(backing, had_fd);
	}
}

static void finish_look(struct sp_job *job) {
	struct sp_backing *backing = from_job(job);
	backing->look.is_under_way = false;
	if (backing->look.closing) {
		close_now(backing);
	} else if (!backing->look.is_regular && !backing->look.cancelled) {
		backing->look.ops->refused(backing);
	}
}

/* Nothing waits for the type: a file that is not regular is refused once that is known. */
int sp_look_begin(struct sp_backing *backing, const struct sp_look_ops *ops) {
	backing->look.ops = ops;
	if (backing->file.kind != SP_FILE_SLOW) {
		return 0;
	}
	sp_reader_count_file(backing->reader, 1);
	struct sp_job *job = &backing->look.job;
	job->run = look;
	job->finish = finish_look;
	job->owner = backing->account;
	int ret = sp_reader_submit(backing->reader, job);
	backing->look.is_under_way = ret == 0;
	return ret;
}

void sp_look_cancel(struct sp_backing *backing) {
	backing->look.cancelled = true;
	if (backing->look.is_under_way && sp_reader_cancel(backing->reader,
			&backing->look.job)) {
		backing->look.is_under_way = false;
	}
}

void sp_look_close(struct sp_backing *backing) {
	sp_look_cancel(backing);
	if (backing->look.is_under_way) {
		backing->look.closing = true;
	} else {
		close_now(backing);
	}
}
