/* SPDX-License-Identifier: MIT */
/*
 * Slow files that respond just when the event loop gives up waiting.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "image/changes.h"
#include "server/buffer.h"
#include "server/client.h"
#include "server/pool.h"
#include "tracker.h"

/* How the wait for an answer ends. */
static enum {
	IS_AWAITED,
	/* The wait ends at once, without an answer. */
	COMES_LATER,
	/* The wait ends without an answer, which is there right after. */
	COMES_NOW,
} answer;

bool __wrap_sp_reader_wait(struct sp_reader *reader, const struct sp_job *job);

bool __wrap_sp_reader_wait(struct sp_reader *reader, const struct sp_job *job) {
	bool done = sp_reader_is_done(reader, job);
	if (answer != COMES_LATER) {
		sp_reader_join(reader, job);
	}
	return done || answer == IS_AWAITED;
}

ssize_t __wrap_preadv2(int fd, const struct iovec *iov, int n, off_t offset,
	int flags);
ssize_t __wrap_preadv64v2(int fd, const struct iovec *iov, int n, off_t offset,
	int flags);

/* As if nothing were in the page cache. */
ssize_t __wrap_preadv64v2(int fd, const struct iovec *iov, int n, off_t offset,
		int flags) {
	errno = EAGAIN;
	return -1;
}

ssize_t __wrap_preadv2(int fd, const struct iovec *iov, int n, off_t offset,
		int flags) {
	return __wrap_preadv64v2(fd, iov, n, offset, flags);
}

static struct sp_reader *get_reader(void) {
	return &test.buffers[0]->pool->client->member.identity->reader;
}

/* Shows and reads a buffer of a file in /var/tmp, which is on a disk on most machines. */
static void begin_on_disk(void) {
	char path[] = "/var/tmp/sealpool-test-XXXXXX";
	test.memory = mkstemp(path);
	assert_true(test.memory >= 0);
	unlink(path);
	assert_int_equal(ftruncate(test.memory, 2 * BYTES), 0);
	test.pool = wl_shm_create_pool(test.shm, test.memory, 2 * BYTES);
	answer = IS_AWAITED;
	create_buffer(0, WIDTH, HEIGHT);
	if (test.buffers[0]->pool->backing.file.kind != SP_FILE_SLOW) {
		skip();
	}
	begin_with(0);
}

static void settle_reader(void) {
	while (test.buffers[0]->hold != NULL) {
		wl_event_loop_dispatch(test.display.loop, 1000);
	}
}

static void expect_all_read(void) {
	assert_int_equal(sp_view_count_stale(&test.buffers[0]->view), 0);
}

static void answer_at_the_end_of_the_wait_is_taken(void **state) {
	begin_on_disk();
	answer = COMES_NOW;
	show(0, 10, 0, 10, 10);
	settle_reader();
	expect_all_read();
}

/* Occupies a reader's thread until release_reader(). */

static sem_t go;

static void wait_for_test(struct sp_job *job) {
	while (sem_wait(&go) < 0) {
	}
}

static void finish_waiting(struct sp_job *job) {
	/* The job belongs to the test. */
}

static void keep_reader(struct sp_reader *reader) {
	static struct sp_job job;
	job = (struct sp_job){ .run = wait_for_test, .finish = finish_waiting };
	sem_init(&go, 0, 0);
	assert_int_equal(sp_reader_submit(reader, &job), 0);
}

static void release_reader(void) {
	sem_post(&go);
}

/* The second commit's damage is requested when the file has answered for the first. */
static void answer_at_the_end_of_the_next_wait_is_taken(void **state) {
	begin_on_disk();
	keep_reader(get_reader());
	answer = COMES_LATER;
	show(0, 10, 0, 10, 10);
	show(0, 50, 0, 10, 10);
	assert_non_null(test.buffers[0]->hold);
	answer = COMES_NOW;
	release_reader();
	settle_reader();
	expect_all_read();
}

static void expect_bytes(int i, uint8_t byte) {
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(test.buffers[i],
		SEALPOOL_ACCESS_READ, &access), 0);
	const uint8_t *data = access.data;
	assert_int_equal(data[0], byte);
	assert_int_equal(data[BYTES - 1], byte);
	sealpool_buffer_end_access(&access);
}

/* A new copy gets the memory of the client's spare. */
static void late_bytes_are_zero_not_those_of_another_buffer(void **state) {
	static uint8_t bytes[BYTES];
	begin_on_disk();
	memset(bytes, 0x11, sizeof(bytes));
	assert_int_equal(pwrite(test.memory, bytes, BYTES, 0), BYTES);
	begin_with(0);
	expect_bytes(0, 0x11);
	keep_reader(get_reader());
	destroy_buffer(0);
	settle();
	sealpool_buffer_unref(test.buffers[0]);
	test.buffers[0] = NULL;

	memset(bytes, 0x22, sizeof(bytes));
	assert_int_equal(pwrite(test.memory, bytes, BYTES, BYTES), BYTES);
	create_buffer(1, WIDTH, HEIGHT);
	answer = COMES_LATER;
	show(1, 0, 0, WIDTH, HEIGHT);
	expect_bytes(1, 0);
	release_reader();
	answer = IS_AWAITED;
	expect_bytes(1, 0x22);
}

int main(void) {
#define TEST_LATE(name) \
	cmocka_unit_test_setup_teardown(name, tracker_setup_surfaces, \
		tracker_teardown)
	const struct CMUnitTest tests[] = {
		TEST_LATE(answer_at_the_end_of_the_wait_is_taken),
		TEST_LATE(answer_at_the_end_of_the_next_wait_is_taken),
		TEST_LATE(late_bytes_are_zero_not_those_of_another_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
