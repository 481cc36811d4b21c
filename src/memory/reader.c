/* SPDX-License-Identifier: MIT */
/*
 * Reader threads: make calls on slow files, which may never answer.
 *
 * A slow file may have a server: FUSE's is often the client itself, and NFS's may be
 * unreachable. Then fstat(), read(), write() and even close() block uninterruptibly. So
 * only these threads make such calls.
 *
 * Each identity (identity.c) has at most one thread, and its jobs queue behind the one
 * that waits: a silent file delays only its own program. Identities that have no thread
 * take turns with those that have one, job by job. A thread that has waited for a
 * second is stuck, and does not count among those that work.
 *
 * The event loop may wait for a result, but for all clients together at most 50 ms per
 * second:
 *
 *   allowance = min(50 ms, allowance + 50 ms for each second since), minus each wait
 *
 * The threads share one descriptor table. A table for each thread would not help the
 * process to end: the client's descriptor is in the event loop's table, and the kernel
 * asks the server when it closes that, even in a process that is being killed (seen on
 * Linux 6.18).
 */
#include <errno.h>
#include <time.h>

#include "clock.h"
#include "reader.h"
#include "thread.h"

#define WORKING_MAX 64
#define STUCK_MAX 512
/* A thread that has waited this long is stuck. In milliseconds. */
#define STUCK_AFTER 1000
/* In microseconds. */
#define ALLOWANCE_MAX 50000
/* How long the end of a display waits for threads that are not stuck, in microseconds:
 * longer than for a frame, as what they have open then stays open. */
#define DRAIN_MAX 500000

int sp_readers_init(struct sp_readers *readers,
		void (*wake)(struct sp_readers *readers)) {
	*readers = (struct sp_readers){
		.wake = wake,
		.allowance = ALLOWANCE_MAX,
		.allowance_max = ALLOWANCE_MAX,
		.allowance_at = sp_clock_now(),
	};
	sp_list_init(&readers->running);
	sp_list_init(&readers->waiting);
	sp_list_init(&readers->finished);
	int ret = sp_lock_init(&readers->lock);
	if (ret < 0) {
		return ret;
	}
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	ret = -pthread_cond_init(&readers->done, &attr);
	pthread_condattr_destroy(&attr);
	if (ret < 0) {
		sp_lock_finish(&readers->lock);
	}
	return ret;
}

void sp_readers_finish(struct sp_readers *readers) {
	pthread_cond_destroy(&readers->done);
	sp_lock_finish(&readers->lock);
}

void sp_reader_init(struct sp_reader *reader, struct sp_readers *readers) {
	*reader = (struct sp_reader){ .readers = readers };
	sp_list_init(&reader->link);
	sp_list_init(&reader->jobs);
}

static struct sp_job *first_job(const struct sp_reader *reader) {
	return sp_list_entry(reader->jobs.next, struct sp_job, link);
}

/* Does the first job of a reader. Releases the lock while it runs. */
static void do_job(struct sp_readers *readers, struct sp_reader *reader)
		SP_REQUIRES(readers->lock) {
	struct sp_job *job = first_job(reader);
	reader->thread = pthread_self();
	reader->busy_since = sp_clock_now();
	sp_lock_release(&readers->lock);
	job->run(job);
	sp_lock_acquire(&readers->lock);
	reader->busy_since = 0;
	job->done = true;
	sp_list_remove(&job->link);
	sp_list_append(&readers->finished, &job->link);
	readers->wake(readers);
	pthread_cond_broadcast(&readers->done);
}

static struct sp_reader *take_waiting(struct sp_readers *readers)
		SP_REQUIRES(readers->lock) {
	if (sp_list_is_empty(&readers->waiting)) {
		return NULL;
	}
	struct sp_reader *reader = sp_list_entry(readers->waiting.next,
		struct sp_reader, link);
	sp_list_remove(&reader->link);
	sp_list_append(&readers->running, &reader->link);
	reader->has_thread = true;
	return reader;
}

/* Returns the reader whose job a thread does after one of "reader"'s, or NULL. Readers that
 * wait come first: clients can submit jobs without end. */
static struct sp_reader *take_next(struct sp_readers *readers,
		struct sp_reader *reader) SP_REQUIRES(readers->lock) {
	reader->has_thread = false;
	/* From here on, its identity may be destroyed if it has no job. */
	sp_list_remove(&reader->link);
	if (!sp_list_is_empty(&reader->jobs)) {
		sp_list_append(&readers->waiting, &reader->link);
	}
	return take_waiting(readers);
}

static void *run(void *data) {
	struct sp_reader *reader = data;
	struct sp_readers *readers = reader->readers;
	sp_lock_acquire(&readers->lock);
	do {
		do_job(readers, reader);
		reader = take_next(readers, reader);
	} while (reader != NULL);
	sp_lock_release(&readers->lock);
	return NULL;
}

static uint64_t get_silence(const struct sp_reader *reader) {
	return reader->busy_since != 0 ?
		sp_clock_now() - reader->busy_since : 0;
}

/* Counts the readers with a thread, those that are stuck or those that are not. */
static unsigned count(const struct sp_readers *readers, bool stuck)
		SP_REQUIRES(readers->lock) {
	unsigned number = 0;
	const struct sp_reader *reader;
	sp_list_for_each(reader, &readers->running, struct sp_reader, link) {
		number += (get_silence(reader) >= STUCK_AFTER) == stuck;
	}
	return number;
}

static bool has_room(const struct sp_readers *readers)
		SP_REQUIRES(readers->lock) {
	return count(readers, false) < WORKING_MAX &&
		count(readers, true) < STUCK_MAX;
}

bool sp_reader_is_available(struct sp_reader *reader) {
	struct sp_readers *readers = reader->readers;
	sp_lock_acquire(&readers->lock);
	bool available = get_silence(reader) < SP_READER_PATIENCE &&
		count(readers, true) < STUCK_MAX;
	sp_lock_release(&readers->lock);
	return available;
}

bool sp_reader_is_stranded(struct sp_reader *reader) {
	struct sp_readers *readers = reader->readers;
	sp_lock_acquire(&readers->lock);
	bool stranded = !sp_list_is_empty(&reader->jobs) &&
		!reader->has_thread && count(readers, false) == 0;
	sp_lock_release(&readers->lock);
	return stranded;
}

/* Starts a thread for the reader that has waited longest. */
static int serve_waiting(struct sp_readers *readers)
		SP_REQUIRES(readers->lock) {
	if (sp_list_is_empty(&readers->waiting) || !has_room(readers)) {
		return 0;
	}
	struct sp_reader *next = take_waiting(readers);
	int ret = sp_thread_start(run, next);
	if (ret < 0) {
		sp_list_remove(&next->link);
		sp_list_append(&readers->waiting, &next->link);
		next->has_thread = false;
	}
	return ret;
}

int sp_reader_submit(struct sp_reader *reader, struct sp_job *job) {
	struct sp_readers *readers = reader->readers;
	job->reader = reader;
	job->done = false;
	sp_lock_acquire(&readers->lock);
	sp_list_append(&reader->jobs, &job->link);
	if (sp_list_is_empty(&reader->link)) {
		sp_list_append(&readers->waiting, &reader->link);
	}
	int ret = serve_waiting(readers);
	if (!sp_list_is_empty(&readers->running)) {
		/* One of these threads will take the job. */
		ret = 0;
	}
	if (ret < 0) {
		sp_list_remove(&job->link);
		if (sp_list_is_empty(&reader->jobs)) {
			sp_list_remove(&reader->link);
		}
	}
	sp_lock_release(&readers->lock);
	return ret;
}

static bool are_busy(const struct sp_readers *readers)
		SP_REQUIRES(readers->lock) {
	return !sp_list_is_empty(&readers->waiting) ||
		!sp_list_is_empty(&readers->running);
}

bool sp_readers_retry(struct sp_readers *readers) {
	sp_lock_acquire(&readers->lock);
	while (!sp_list_is_empty(&readers->waiting) && has_room(readers) &&
			serve_waiting(readers) == 0) {
	}
	bool busy = are_busy(readers);
	sp_lock_release(&readers->lock);
	return busy;
}

bool sp_readers_are_here(struct sp_readers *readers) {
	bool here = false;
	const struct sp_reader *reader;
	sp_lock_acquire(&readers->lock);
	sp_list_for_each(reader, &readers->running, struct sp_reader, link) {
		here = here || (reader->busy_since != 0 &&
			pthread_equal(reader->thread, pthread_self()));
	}
	sp_lock_release(&readers->lock);
	return here;
}

bool sp_readers_are_busy(struct sp_readers *readers) {
	sp_lock_acquire(&readers->lock);
	bool busy = are_busy(readers);
	sp_lock_release(&readers->lock);
	return busy;
}

bool sp_reader_cancel(struct sp_reader *reader, struct sp_job *job) {
	struct sp_readers *readers = reader->readers;
	sp_lock_acquire(&readers->lock);
	/* The first job of a reader with a thread cannot be cancelled: the thread does it
	 * or is about to. */
	bool cancelled = !job->done &&
		!(reader->has_thread && first_job(reader) == job);
	if (cancelled) {
		sp_list_remove(&job->link);
	}
	if (cancelled && sp_list_is_empty(&reader->jobs)) {
		sp_list_remove(&reader->link);
	}
	sp_lock_release(&readers->lock);
	return cancelled;
}

static int64_t get_microseconds(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct timespec get_deadline(int64_t microseconds) {
	return (struct timespec){
		.tv_sec = microseconds / 1000000,
		.tv_nsec = microseconds % 1000000 * 1000,
	};
}

static int64_t get_allowance(struct sp_readers *readers)
		SP_REQUIRES(readers->lock) {
	uint64_t now = sp_clock_now();
	int64_t more = (int64_t)(now - readers->allowance_at) *
		(readers->allowance_max / 1000);
	readers->allowance_at = now;
	readers->allowance += more;
	if (readers->allowance > readers->allowance_max) {
		readers->allowance = readers->allowance_max;
	}
	return readers->allowance;
}

bool sp_reader_wait(struct sp_reader *reader, const struct sp_job *job) {
	struct sp_readers *readers = reader->readers;
	sp_lock_acquire(&readers->lock);
	int64_t start = get_microseconds();
	int64_t end = start + get_allowance(readers);
	const struct timespec deadline = get_deadline(end);
	int ret = 0;
	while (!job->done && ret == 0 && end > start) {
		ret = sp_lock_wait_until(&readers->done, &readers->lock,
			&deadline);
	}
	bool done = job->done;
	readers->allowance -= get_microseconds() - start;
	sp_lock_release(&readers->lock);
	return done;
}

void sp_reader_join(struct sp_reader *reader, const struct sp_job *job) {
	struct sp_readers *readers = reader->readers;
	sp_lock_acquire(&readers->lock);
	while (!job->done) {
		sp_lock_wait(&readers->done, &readers->lock);
	}
	sp_lock_release(&readers->lock);
}

bool sp_reader_is_done(struct sp_reader *reader, const struct sp_job *job) {
	sp_lock_acquire(&reader->readers->lock);
	bool done = job->done;
	sp_lock_release(&reader->readers->lock);
	return done;
}

bool sp_reader_is_silent(struct sp_reader *reader, const void *owner,
		uint64_t patience) {
	bool found = false;
	const struct sp_job *job;
	sp_lock_acquire(&reader->readers->lock);
	/* There may be ten thousand jobs, and as many owners ask. */
	if (get_silence(reader) >= patience) {
		sp_list_for_each(job, &reader->jobs, struct sp_job, link) {
			found = found || job->owner == owner;
		}
	}
	sp_lock_release(&reader->readers->lock);
	return found;
}

void sp_readers_drain(struct sp_readers *readers) {
	const struct timespec deadline =
		get_deadline(get_microseconds() + DRAIN_MAX);
	int ret = 0;
	bool left;
	do {
		sp_lock_acquire(&readers->lock);
		while (count(readers, false) > 0 && ret == 0) {
			ret = sp_lock_wait_until(&readers->done,
				&readers->lock, &deadline);
		}
		sp_lock_release(&readers->lock);
		/* A finish() may submit another job. */
		sp_readers_handle_finished(readers);
		sp_lock_acquire(&readers->lock);
		left = count(readers, false) > 0;
		sp_lock_release(&readers->lock);
	} while (left && ret == 0);
}

void sp_readers_handle_finished(struct sp_readers *readers) {
	sp_lock_acquire(&readers->lock);
	while (!sp_list_is_empty(&readers->finished)) {
		struct sp_job *job = sp_list_entry(readers->finished.next,
			struct sp_job, link);
		sp_list_remove(&job->link);
		sp_lock_release(&readers->lock);
		job->finish(job);
		sp_lock_acquire(&readers->lock);
	}
	sp_lock_release(&readers->lock);
}
