/* SPDX-License-Identifier: MIT */
/*
 * Reader threads: a job that never ends delays only its own reader, and the event loop
 * waits no longer than its allowance.
 */
#include <errno.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "memory/clock.h"
#include "memory/look.h"
#include "memory/reader.h"
#include "traces.h"

static struct sp_readers readers;
static atomic_uint woken;

static void wake(struct sp_readers *all) {
	woken++;
}

static int setup(void **state) {
	traces_setup(state);
	return sp_readers_init(&readers, wake);
}

static int teardown(void **state) {
	sp_readers_drain(&readers);
	bool left = !sp_list_is_empty(&readers.running) ||
		!sp_list_is_empty(&readers.waiting);
	sp_readers_finish(&readers);
	return left ? -1 : traces_teardown(state);
}

static int64_t now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A job that waits until the test writes to the pipe, like a read from a server that does
 * not respond. */
struct waiting {
	struct sp_job job;
	int fds[2];
	unsigned order;
	bool finished;
};

static atomic_uint done_len;

static void run_waiting(struct sp_job *job) {
	struct waiting *waiting = sp_list_entry(job, struct waiting, job);
	char byte;
	while (read(waiting->fds[0], &byte, 1) < 0 && errno == EINTR) {
	}
	waiting->order = ++done_len;
}

static void finish_waiting(struct sp_job *job) {
	sp_list_entry(job, struct waiting, job)->finished = true;
}

static void waiting_begin(struct waiting *waiting, struct sp_reader *reader) {
	*waiting = (struct waiting){
		.job = {
			.run = run_waiting,
			.finish = finish_waiting,
			.owner = reader,
		},
	};
	assert_int_equal(pipe(waiting->fds), 0);
	assert_int_equal(sp_reader_submit(reader, &waiting->job), 0);
}

static void waiting_answer(struct waiting *waiting) {
	assert_int_equal(write(waiting->fds[1], "+", 1), 1);
}

static void wait_for(struct waiting *waiting) {
	while (!sp_reader_is_done(waiting->job.reader, &waiting->job)) {
		usleep(1000);
	}
}

static void waiting_end(struct waiting *waiting) {
	wait_for(waiting);
	sp_readers_handle_finished(&readers);
	assert_true(waiting->finished);
	close(waiting->fds[0]);
	close(waiting->fds[1]);
}

static void job_that_answers_is_waited_for(void **state) {
	struct sp_reader reader;
	struct waiting waiting;
	sp_reader_init(&reader, &readers);
	waiting_begin(&waiting, &reader);
	waiting_answer(&waiting);
	/* On a busy machine, the allowance may run out. */
	for (int i = 0; i < 100 && !sp_reader_wait(&reader, &waiting.job);
			i++) {
		usleep(100000);
	}
	assert_true(waiting.order > 0);
	assert_false(waiting.finished);
	assert_true(woken > 0);
	waiting_end(&waiting);
}

static void silence_is_waited_for_no_longer_than_allowed(void **state) {
	enum { READERS = 20 };
	struct sp_reader many[READERS];
	struct waiting waiting[READERS];
	for (int i = 0; i < READERS; i++) {
		sp_reader_init(&many[i], &readers);
		waiting_begin(&waiting[i], &many[i]);
	}
	int64_t allowance = readers.allowance, start = now_ms();
	for (int i = 0; i < READERS; i++) {
		assert_false(sp_reader_wait(&many[i], &waiting[i].job));
	}
	/* Each millisecond adds 50 microseconds. */
	assert_true(allowance == 50000);
	assert_true(readers.allowance < 10000);
	print_message("%d silent readers: waited %d ms\n", READERS,
		(int)(now_ms() - start));
	for (int i = 0; i < READERS; i++) {
		waiting_answer(&waiting[i]);
		waiting_end(&waiting[i]);
	}
}

static void jobs_of_a_reader_are_done_in_order(void **state) {
	struct sp_reader reader;
	struct waiting first, second;
	sp_reader_init(&reader, &readers);
	waiting_begin(&first, &reader);
	waiting_begin(&second, &reader);
	waiting_answer(&second);
	assert_false(sp_reader_is_done(&reader, &second.job));
	waiting_answer(&first);
	waiting_end(&second);
	assert_true(first.finished);
	assert_int_equal(first.order + 1, second.order);
	waiting_end(&first);
}

static void silent_reader_holds_up_no_other(void **state) {
	struct sp_reader silent, other;
	struct waiting stuck, quick;
	sp_reader_init(&silent, &readers);
	sp_reader_init(&other, &readers);
	waiting_begin(&stuck, &silent);
	for (int i = 0; i < 10; i++) {
		waiting_begin(&quick, &other);
		waiting_answer(&quick);
		waiting_end(&quick);
	}
	assert_false(sp_reader_is_done(&silent, &stuck.job));
	waiting_answer(&stuck);
	waiting_end(&stuck);
}

/* Starting many threads may take so long that the first ones count as stuck. */
static void make_all_work(void) {
	struct sp_reader *reader;
	sp_lock_acquire(&readers.lock);
	sp_list_for_each(reader, &readers.running, struct sp_reader, link) {
		if (reader->busy_since != 0) {
			reader->busy_since = sp_clock_now();
		}
	}
	sp_lock_release(&readers.lock);
}

/* There are more readers than threads, so they take turns. */
static void readers_without_a_thread_get_one_later(void **state) {
	enum { MANY = 80 };
	static struct sp_reader many[MANY];
	static struct waiting waiting[MANY];
	for (int i = 0; i < MANY; i++) {
		sp_reader_init(&many[i], &readers);
		make_all_work();
		waiting_begin(&waiting[i], &many[i]);
	}
	assert_false(sp_list_is_empty(&readers.waiting));
	for (int i = 0; i < MANY; i++) {
		waiting_answer(&waiting[i]);
	}
	for (int i = 0; i < MANY; i++) {
		waiting_end(&waiting[i]);
	}
}

/* Makes a reader's thread count as stuck, as if it had waited for the whole time. */
static void make_stuck(struct sp_reader *reader) {
	while (!sp_reader_is_silent(reader, reader, 1)) {
		usleep(1000);
	}
	sp_lock_acquire(&readers.lock);
	reader->busy_since -= SP_READER_PATIENCE;
	sp_lock_release(&readers.lock);
}

static void stuck_readers_take_no_threads_from_others(void **state) {
	enum { STUCK = 64 };
	static struct sp_reader many[STUCK], other;
	static struct waiting waiting[STUCK], others;
	for (int i = 0; i < STUCK; i++) {
		sp_reader_init(&many[i], &readers);
		waiting_begin(&waiting[i], &many[i]);
		make_stuck(&many[i]);
	}
	sp_reader_init(&other, &readers);
	waiting_begin(&others, &other);
	sp_lock_acquire(&readers.lock);
	bool has_thread = other.has_thread;
	sp_lock_release(&readers.lock);
	waiting_answer(&others);
	for (int i = 0; i < STUCK; i++) {
		waiting_answer(&waiting[i]);
		waiting_end(&waiting[i]);
	}
	waiting_end(&others);
	assert_true(has_thread);
}

/* A reader that always submits another job could keep its thread. */
static void reader_without_a_thread_comes_before_the_next_job(void **state) {
	enum { THREADS = 64 };
	static struct sp_reader many[THREADS], other;
	static struct waiting waiting[THREADS], next, others;
	for (int i = 0; i < THREADS; i++) {
		sp_reader_init(&many[i], &readers);
		make_all_work();
		waiting_begin(&waiting[i], &many[i]);
	}
	waiting_begin(&next, &many[0]);
	sp_reader_init(&other, &readers);
	make_all_work();
	waiting_begin(&others, &other);
	waiting_answer(&next);
	waiting_answer(&others);
	waiting_answer(&waiting[0]);
	wait_for(&next);
	for (int i = 1; i < THREADS; i++) {
		waiting_answer(&waiting[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		waiting_end(&waiting[i]);
	}
	waiting_end(&others);
	assert_true(others.order < next.order);
	waiting_end(&next);
}

static void job_can_be_taken_back_until_it_is_done(void **state) {
	struct sp_reader reader;
	struct waiting first, second;
	sp_reader_init(&reader, &readers);
	waiting_begin(&first, &reader);
	waiting_begin(&second, &reader);
	assert_false(sp_reader_cancel(&reader, &first.job));
	assert_true(sp_reader_cancel(&reader, &second.job));
	close(second.fds[0]);
	close(second.fds[1]);
	waiting_answer(&first);
	wait_for(&first);
	assert_false(sp_reader_cancel(&reader, &first.job));
	waiting_end(&first);
	assert_false(second.finished);
	assert_int_equal(second.order, 0);
}

#define FDS 1000

static void who_never_answers_gets_no_more(void **state) {
	struct sp_reader reader;
	struct waiting waiting;
	sp_reader_init(&reader, &readers);
	assert_true(sp_reader_is_available(&reader));
	assert_true(sp_look_has_room(&reader, FDS));
	waiting_begin(&waiting, &reader);
	make_stuck(&reader);
	assert_false(sp_reader_is_available(&reader));
	assert_false(sp_look_has_room(&reader, FDS));
	waiting_answer(&waiting);
	waiting_end(&waiting);
	assert_true(sp_reader_is_available(&reader));
}

static const char *submit_without_threads(void) {
	/* The limit does not apply to root. */
	if (setuid(65534) < 0 && geteuid() == 0) {
		return child_wrong("setuid: %d", errno);
	}
	child_set_limit(RLIMIT_NPROC, 0);
	struct sp_reader reader;
	struct sp_job job = { .run = run_waiting, .finish = finish_waiting };
	sp_reader_init(&reader, &readers);
	int ret = sp_reader_submit(&reader, &job);
	if (ret != -EAGAIN) {
		return child_wrong("submitting returned %d", ret);
	}
	return sp_list_is_empty(&reader.jobs) &&
		sp_list_is_empty(&readers.waiting) ? NULL :
		"the job is still pending";
}

static void nothing_is_submitted_where_no_thread_can_be_had(void **state) {
	child_run(submit_without_threads);
}

static void silence_is_told(void **state) {
	struct sp_reader reader;
	struct waiting waiting;
	sp_reader_init(&reader, &readers);
	assert_false(sp_reader_is_silent(&reader, &reader, 1));
	waiting_begin(&waiting, &reader);
	while (!sp_reader_is_silent(&reader, &reader, 20)) {
		usleep(1000);
	}
	/* Another owner's reader is not. */
	assert_false(sp_reader_is_silent(&reader, &readers, 1));
	waiting_answer(&waiting);
	waiting_end(&waiting);
	assert_false(sp_reader_is_silent(&reader, &reader, 1));
}

#define TEST_READER(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		/* The first test: it forks, and so no thread may be running. */
		TEST_READER(nothing_is_submitted_where_no_thread_can_be_had),
		TEST_READER(job_that_answers_is_waited_for),
		TEST_READER(silence_is_waited_for_no_longer_than_allowed),
		TEST_READER(jobs_of_a_reader_are_done_in_order),
		TEST_READER(silent_reader_holds_up_no_other),
		TEST_READER(readers_without_a_thread_get_one_later),
		TEST_READER(stuck_readers_take_no_threads_from_others),
		TEST_READER(reader_without_a_thread_comes_before_the_next_job),
		TEST_READER(job_can_be_taken_back_until_it_is_done),
		TEST_READER(who_never_answers_gets_no_more),
		TEST_READER(silence_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
