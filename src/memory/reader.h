/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_READER_H
#define SEALPOOL_MEMORY_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "lock.h"

struct sp_reader;

/** Something that may wait for ever, to be done by a reader's thread. */
struct sp_job {
	struct sp_list link; /* sp_reader.jobs, then sp_readers.finished */
	struct sp_reader *reader;
	/* Who is to blame if it waits; only compared. */
	const void *owner;
	/* On the reader's thread. */
	void (*run)(struct sp_job *job);
	/* On the event loop's thread, after that; frees the job. The job may have
	 * been submitted by something that has gone. */
	void (*finish)(struct sp_job *job);
	bool done; /* under the readers' lock */
};

/** All threads that do such. */
struct sp_readers {
	struct sp_lock lock; /* over all below, and all readers */
	pthread_cond_t done;
	struct sp_list running; /* sp_reader.link, of those that have a thread */
	struct sp_list waiting; /* sp_reader.link, of those that have jobs only */
	/* Has run, and is to be finished. */
	struct sp_list finished; /* sp_job.link */
	/* Called with the lock held when there is one. Any thread. */
	void (*wake)(struct sp_readers *readers);
	/* How long all together may be waited for: what is left of the allowance,
	 * in microseconds, and when that was so, in milliseconds. */
	int64_t allowance;
	/* The same after a second without a wait; more in tests of other things than
	 * that, since a busy machine is slow. */
	int64_t allowance_max;
	uint64_t allowance_at;
	/* Files that may never answer, closed or not; on the event loop's thread. */
	uint32_t files_len;
};

/** Of one identity: has one thread at most, so that its jobs are done one after
 * another. */
struct sp_reader {
	struct sp_readers *readers;
	struct sp_list link; /* sp_readers.running or waiting, or empty */
	/* It has a thread, which is about to do the first job or does it. */
	bool has_thread;
	struct sp_list jobs; /* sp_job.link; the first is being done */
	/* Since when the first job is being done, in milliseconds; 0 for none. */
	uint64_t busy_since;
	/* As that of all readers. */
	uint32_t files_len;
};

/** Returns 0 or a negative errno. */
int sp_readers_init(struct sp_readers *readers,
	void (*wake)(struct sp_readers *readers));
/** There is no job left. */
void sp_readers_finish(struct sp_readers *readers);

void sp_reader_init(struct sp_reader *reader, struct sp_readers *readers);

/** Has a job done, whose functions and owner are set: at once if there is a thread for
 * it, or later. Returns 0, or a negative errno where no thread can be made and there is
 * none: then it is not done. Any thread. */
int sp_reader_submit(struct sp_reader *reader, struct sp_job *job);

/**
 * Waits until a job is done, but no longer than what is left of 50 ms in each second,
 * for all readers together. Returns whether it is done. Any thread; the job cannot
 * be finished meanwhile, since the caller is on the event loop's thread or holds what
 * keeps it.
 */
bool sp_reader_wait(struct sp_reader *reader, const struct sp_job *job);

/** Whether a job is done. Any thread. */
bool sp_reader_is_done(struct sp_reader *reader, const struct sp_job *job);

/** Takes back a job that nobody has begun with: its finish() is not called then.
 * Returns whether it did. Any thread. */
bool sp_reader_cancel(struct sp_reader *reader, struct sp_job *job);

/** For how long the current job has been under way, in milliseconds, if the owner has
 * a job that waits for it, or is its own; else 0. Any thread. */
uint64_t sp_reader_get_silence(struct sp_reader *reader, const void *owner);

/** How long a file may take to answer, in milliseconds. */
#define SP_READER_PATIENCE 10000

/** Whether a new job has a chance to be done. Any thread. */
bool sp_reader_is_available(struct sp_reader *reader);

/** Tries again to get threads for those that wait. Returns whether there is anything
 * to be done. Any thread. */
bool sp_readers_retry(struct sp_readers *readers);

/** Waits for all jobs but those of readers that are stuck, for 50 ms at most, and
 * calls finish() for each that has been done. On the event loop's thread. */
void sp_readers_drain(struct sp_readers *readers);

/** Calls finish() for each job that has been done. On the event loop's thread. */
void sp_readers_handle_finished(struct sp_readers *readers);

#endif
