/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_READER_H
#define SEALPOOL_MEMORY_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "lock.h"

struct sp_reader;

/** Work that may block for ever, done by a reader's thread. */
struct sp_job {
	struct sp_list link; /* sp_reader.jobs, then sp_readers.finished */
	struct sp_reader *reader;
	/* Who is at fault if the job blocks; only compared. */
	const void *owner;
	/* Called on the reader's thread. */
	void (*run)(struct sp_job *job);
	/* Called afterwards on the event loop's thread; frees the job. The object that
	 * submitted the job may be destroyed by then. */
	void (*finish)(struct sp_job *job);
	bool done; /* under the readers' lock */
};

/** All reader threads. */
struct sp_readers {
	struct sp_lock lock; /* over all below, and all readers */
	pthread_cond_t done;
	struct sp_list running; /* sp_reader.link, of those that have a thread */
	struct sp_list waiting; /* sp_reader.link, of those that have only jobs */
	/* Jobs that have run, and whose finish() was not called yet. */
	struct sp_list finished; /* sp_job.link */
	/* Called with the lock held when a job has run. Any thread. */
	void (*wake)(struct sp_readers *readers);
	/* How long the event loop may still wait, for all readers together, in
	 * microseconds, as of allowance_at, in milliseconds. */
	int64_t allowance;
	/* The allowance after a second without a wait. Tests of other things set more,
	 * since a busy machine is slow. */
	int64_t allowance_max;
	uint64_t allowance_at;
	/* The number of slow files, closed or not; on the event loop's thread. */
	uint32_t files_len;
};

/** The reader of one identity. It has at most one thread, which does its jobs one after
 * another. */
struct sp_reader {
	struct sp_readers *readers;
	struct sp_list link; /* sp_readers.running or waiting, or empty */
	/* It has a thread, which does the first job or is about to. */
	bool has_thread;
	/* The one that does it, while busy_since is not 0. */
	pthread_t thread;
	struct sp_list jobs; /* sp_job.link; the first is being done */
	/* When the first job began, in milliseconds; 0 for none. */
	uint64_t busy_since;
	/* The number of its slow files. */
	uint32_t files_len;
};

/** Returns 0 or a negative errno. */
int sp_readers_init(struct sp_readers *readers,
	void (*wake)(struct sp_readers *readers));
/** Call it when there is no job left. */
void sp_readers_finish(struct sp_readers *readers);

void sp_reader_init(struct sp_reader *reader, struct sp_readers *readers);

/** Counts a slow file, or with -1 one less. On the event loop's thread. */
static inline void sp_reader_count_file(struct sp_reader *reader, int change) {
	reader->files_len += (uint32_t)change;
	reader->readers->files_len += (uint32_t)change;
}

/** Submits a job whose functions and owner are set. It is done at once if there is a
 * thread for it, or later. Returns 0, or a negative errno if there is no thread and none
 * can be created: then it is not done. Any thread. */
int sp_reader_submit(struct sp_reader *reader, struct sp_job *job);

/**
 * Waits until a job is done, within the allowance of 50 ms per second for all readers
 * together. Returns whether it is done. Any thread; the job is not finished meanwhile,
 * since the caller is on the event loop's thread or holds a reference to it.
 */
bool sp_reader_wait(struct sp_reader *reader, const struct sp_job *job);

/** Waits until a job is done, for as long as that takes: not for jobs of slow files. Any
 * thread. */
void sp_reader_join(struct sp_reader *reader, const struct sp_job *job);

/** Returns whether a job is done. Any thread. */
bool sp_reader_is_done(struct sp_reader *reader, const struct sp_job *job);

/** Cancels a job that has not begun: its finish() is not called then. Returns whether it
 * did. Any thread. */
bool sp_reader_cancel(struct sp_reader *reader, struct sp_job *job);

/** How long a file may take to answer, in milliseconds. */
#define SP_READER_PATIENCE 10000

/** Returns whether the current job has run for "patience" milliseconds (at least 1), and the
 * owner has that job or one that waits for it. Any thread. */
bool sp_reader_is_silent(struct sp_reader *reader, const void *owner,
	uint64_t patience);

/** Returns whether a new job is likely to be done. Any thread. */
bool sp_reader_is_available(struct sp_reader *reader);

/** Returns whether there are jobs for which no thread could be created, nor does one work
 * that is going to do them. Any thread. */
bool sp_reader_is_stranded(struct sp_reader *reader);

/** Tries again to create threads for waiting readers. Returns whether any reader has
 * jobs. Any thread. */
bool sp_readers_retry(struct sp_readers *readers);

/** Returns whether the calling thread is doing a job. Any thread. */
bool sp_readers_are_here(struct sp_readers *readers);

/** Returns whether any reader has jobs. Any thread. */
bool sp_readers_are_busy(struct sp_readers *readers);

/** Waits for all jobs except those of stuck readers, at most 500 ms, and calls finish() for
 * each job that has run. On the event loop's thread. */
void sp_readers_drain(struct sp_readers *readers);

/** Calls finish() for each job that has run. On the event loop's thread. */
void sp_readers_handle_finished(struct sp_readers *readers);

#endif
