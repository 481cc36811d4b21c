/* SPDX-License-Identifier: MIT */
/*
 * Slow files that respond just when the event loop gives up waiting.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "globals.h"
#include "image/changes.h"
#include "memfd.h"
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
	/* This thread's wait ends when the other thread has taken the answer. */
	IS_TAKEN,
} answer;

static pthread_t test_thread;
static sem_t waits, taken;

static void wait_for(sem_t *sem) {
	while (sem_wait(sem) < 0) {
	}
}

bool __wrap_sp_reader_wait(struct sp_reader *reader, const struct sp_job *job);

bool __wrap_sp_reader_wait(struct sp_reader *reader, const struct sp_job *job) {
	bool done = sp_reader_is_done(reader, job);
	if (answer == IS_TAKEN && !pthread_equal(pthread_self(), test_thread)) {
		sem_post(&waits);
		wait_for(&taken);
		return true;
	}
	if (answer != COMES_LATER) {
		sp_reader_join(reader, job);
	}
	return done || answer == IS_AWAITED || answer == IS_TAKEN;
}

ssize_t __wrap_preadv2(int fd, const struct iovec *iov, int n, off_t offset,
	int flags);
ssize_t __wrap_preadv64v2(int fd, const struct iovec *iov, int n, off_t offset,
	int flags);

static unsigned reads_at_once;

/* As if nothing were in the page cache. */
ssize_t __wrap_preadv64v2(int fd, const struct iovec *iov, int n, off_t offset,
		int flags) {
	reads_at_once++;
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

/* Creates a buffer of a file in /var/tmp, which is on a disk on most machines. */
static void create_on_disk(int32_t size, int32_t height) {
	char path[] = "/var/tmp/sealpool-test-XXXXXX";
	test.memory = mkstemp(path);
	assert_true(test.memory >= 0);
	unlink(path);
	assert_int_equal(ftruncate(test.memory, size), 0);
	test.pool = wl_shm_create_pool(test.shm, test.memory, size);
	answer = IS_AWAITED;
	create_buffer(0, WIDTH, height);
	if (test.buffers[0]->pool->backing.file.kind != SP_FILE_SLOW) {
		skip();
	}
}

/* Shows and reads a buffer. */
static void begin_on_disk(void) {
	create_on_disk(2 * BYTES, HEIGHT);
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
	wait_for(&go);
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

static void *read_first_byte(void *data) {
	struct sealpool_access access;
	sealpool_buffer_begin_access(test.buffers[0], SEALPOOL_ACCESS_READ,
		&access);
	*(uint8_t *)data = *(const uint8_t *)access.data;
	sealpool_buffer_end_access(&access);
	return NULL;
}

/* Two threads wait for the same answer, for a copy each. The one that does not get it has
 * a copy with older bytes. */
static void each_copy_of_a_short_file_reads_as_zero(void **state) {
	static uint8_t bytes[BYTES];
	begin_on_disk();
	memset(bytes, 0x11, sizeof(bytes));
	assert_int_equal(pwrite(test.memory, bytes, BYTES, 0), BYTES);
	begin_with(0);
	expect_bytes(0, 0x11);

	assert_int_equal(ftruncate(test.memory, 0), 0);
	sp_view_age(&test.buffers[0]->view, NULL, 0);
	keep_reader(get_reader());
	answer = IS_TAKEN;
	test_thread = pthread_self();
	sem_init(&waits, 0, 0);
	sem_init(&taken, 0, 0);
	pthread_t other;
	uint8_t byte;
	assert_int_equal(pthread_create(&other, NULL, read_first_byte, &byte),
		0);
	wait_for(&waits);
	release_reader();
	expect_bytes(0, 0);
	answer = IS_AWAITED;
	sem_post(&taken);
	pthread_join(other, NULL);
	assert_int_equal(byte, 0);
}

/* Large files */

/* More bytes than the event loop copies. */
#define LARGE_HEIGHT 9000
#define LARGE_BYTES (STRIDE * LARGE_HEIGHT)

static unsigned holds, releases;

static uint32_t hold_commit(struct wl_resource *surface, void *data) {
	return holds++;
}

static void release_commit(struct wl_resource *surface, uint32_t number,
		void *data) {
	releases++;
	read_buffer(0);
}

static void draw_large(uint8_t byte) {
	static uint8_t bytes[LARGE_BYTES];
	memset(bytes, byte, sizeof(bytes));
	assert_int_equal(pwrite(test.memory, bytes, LARGE_BYTES, 0), LARGE_BYTES);
	show(0, 0, 0, WIDTH, LARGE_HEIGHT);
}

static const uint8_t *read_large(uint8_t byte) {
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(test.buffers[0],
		SEALPOOL_ACCESS_READ, &access), 0);
	const uint8_t *data = access.data;
	assert_int_equal(data[0], byte);
	assert_int_equal(data[LARGE_BYTES - 1], byte);
	sealpool_buffer_end_access(&access);
	return data;
}

/* If commits can wait for it. */
static void much_of_a_file_is_read_by_a_thread(void **state) {
	create_on_disk(LARGE_BYTES, LARGE_HEIGHT);
	reads_at_once = 0;
	draw_large(0x11);
	read_large(0x11);
	assert_true(reads_at_once > 0);
	sealpool_shm_set_commit_funcs(test.display.shm, hold_commit,
		release_commit, NULL);
	reads_at_once = 0;
	draw_large(0x22);
	read_large(0x22);
	assert_int_equal(reads_at_once, 0);
}

static atomic_uint populated_aside;
static pthread_t event_loop;

int __real_madvise(void *data, size_t size, int advice);
int __wrap_madvise(void *data, size_t size, int advice);

int __wrap_madvise(void *data, size_t size, int advice) {
	/* MADV_POPULATE_WRITE */
	populated_aside += advice == 23 &&
		!pthread_equal(pthread_self(), event_loop);
	return __real_madvise(data, size, advice);
}

/* The event loop could not map anything meanwhile. */
static void threads_do_not_populate_memory(void **state) {
	event_loop = pthread_self();
	populated_aside = 0;
	create_on_disk(LARGE_BYTES, LARGE_HEIGHT);
	draw_large(0x11);
	read_large(0x11);
	assert_int_equal(populated_aside, 0);
}

/* Creates a large buffer of memory, whose commits are held. */
static void create_of_memory(void) {
	test.memory = create_memfd(LARGE_BYTES, 0);
	fill_memfd(test.memory, LARGE_BYTES, 0x11);
	test.pool = wl_shm_create_pool(test.shm, test.memory, LARGE_BYTES);
	create_buffer(0, WIDTH, LARGE_HEIGHT);
	holds = releases = 0;
	sealpool_shm_set_commit_funcs(test.display.shm, hold_commit,
		release_commit, NULL);
}

/* Nor those that copy memory for a commit that waits. */
static void threads_that_copy_memory_do_not_either(void **state) {
	event_loop = pthread_self();
	populated_aside = 0;
	create_of_memory();
	show(0, 0, 0, WIDTH, LARGE_HEIGHT);
	assert_non_null(test.buffers[0]->hold);
	settle_reader();
	uint64_t before = count_copied();
	read_large(0x11);
	assert_int_equal(count_copied() - before, 0);
	assert_int_equal(populated_aside, 0);
}

static struct sp_reader *get_copier(void) {
	return &test.buffers[0]->pool->client->member.identity->copier;
}

/* Nobody waits for bytes that nobody sees. */
static void what_is_hidden_is_released_without_its_bytes(void **state) {
	create_of_memory();
	keep_reader(get_copier());
	show(0, 0, 0, WIDTH, LARGE_HEIGHT);
	assert_int_equal(holds, 1);
	assert_int_equal(releases, 0);
	wl_surface_attach(test.surfaces[0], NULL, 0, 0);
	commit();
	assert_int_equal(releases, 1);
	assert_int_equal(count_copied(), 0);
	/* Now somebody else reads it. */
	release_reader();
	read_large(0x11);
}

static const struct wl_interface *surface_argument[] = { &wl_surface_interface };

static const struct wl_message manager_requests[] = {
	{ "get_surface", "o", surface_argument },
	{ "get_xwayland_surface", "o", surface_argument },
	{ "get_input_popup_surface", "o", surface_argument },
	{ "get_lock_surface", "o", surface_argument },
};

static const struct wl_interface manager_interface = {
	"test_manager", 1, 4, manager_requests, 0, NULL,
};

static int ignore_request(const void *implementation, void *target,
		uint32_t opcode, const struct wl_message *message,
		union wl_argument *args) {
	return 0;
}

static void bind_manager(struct wl_client *client, void *data,
		uint32_t version, uint32_t id) {
	wl_resource_set_dispatcher(wl_resource_create(client,
		&manager_interface, 1, id), ignore_request, NULL, NULL, NULL);
}

static void *get_manager(void) {
	assert_non_null(wl_global_create(test.display.wl, &manager_interface, 1,
		NULL, bind_manager));
	struct client_global globals[] = {
		{ .interface = &manager_interface, .version = 1 },
		{ 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(test.client, globals);
	settle();
	wl_registry_destroy(registry);
	assert_non_null(globals[0].object);
	return globals[0].object;
}

/* wp_alpha_modifier_v1.get_surface gives no role. wlroots accepts a surface that shows a
 * buffer for Xwayland and for an input method's popup. */
static void commit_is_held_until_a_role_forbids_it(void **state) {
	struct wl_proxy *manager = get_manager();
	create_of_memory();
	keep_reader(get_copier());
	show(0, 0, 0, WIDTH, LARGE_HEIGHT);
	for (uint32_t request = 0; request < 4; request++) {
		assert_int_equal(releases, 0);
		wl_proxy_marshal(manager, request, test.surfaces[0]);
		settle();
	}
	assert_int_equal(releases, 1);
	wl_proxy_destroy(manager);
	release_reader();
	settle_reader();
}

#define MANY 100

static void any_number_of_surfaces_is_held_back(void **state) {
	struct wl_surface *surfaces[MANY];
	create_of_memory();
	keep_reader(get_copier());
	for (int i = 0; i < MANY; i++) {
		surfaces[i] = wl_compositor_create_surface(test.compositor);
		wl_surface_attach(surfaces[i], test.wl_buffers[0], 0, 0);
		wl_surface_commit(surfaces[i]);
	}
	settle();
	assert_int_equal(holds, MANY);
	release_reader();
	settle_reader();
	assert_int_equal(releases, MANY);
	for (int i = 0; i < MANY; i++) {
		wl_surface_destroy(surfaces[i]);
	}
	settle();
}

/* Two of them take turns. */
static void much_that_a_thread_has_read_is_not_copied(void **state) {
	create_on_disk(LARGE_BYTES, LARGE_HEIGHT);
	draw_large(0x11);
	const uint8_t *first = read_large(0x11);
	draw_large(0x22);
	const uint8_t *second = read_large(0x22);
	assert_ptr_not_equal(second, first);
	draw_large(0x33);
	assert_ptr_equal(read_large(0x33), first);
	/* One is the copy, one the spare. */
	struct sealpool_stats stats = { .size = sizeof(stats) };
	sealpool_shm_get_client_stats(test.display.shm, test.wl_client, &stats);
	assert_int_equal(stats.shadow_bytes, 2 * LARGE_BYTES);
}

/* Where a part is damaged, the rest is not read again, also after an attempt to read the
 * part from the page cache. */
static void little_that_a_thread_has_read_is_copied(void **state) {
	create_on_disk(LARGE_BYTES, LARGE_HEIGHT);
	draw_large(0x11);
	const uint8_t *data = read_large(0x11);
	uint8_t byte = 0x22;
	assert_int_equal(pwrite(test.memory, &byte, 1, 0), 1);
	uint64_t before = count_copied();
	reads_at_once = 0;
	show(0, 0, 0, 1, 1);
	assert_int_equal(reads_at_once, 1);
	assert_int_equal(count_copied() - before, 4);
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(test.buffers[0],
		SEALPOOL_ACCESS_READ, &access), 0);
	assert_ptr_equal(access.data, data);
	assert_int_equal(data[0], 0x22);
	assert_int_equal(data[LARGE_BYTES - 1], 0x11);
	sealpool_buffer_end_access(&access);
}

int main(void) {
#define TEST_LATE(name) \
	cmocka_unit_test_setup_teardown(name, tracker_setup_surfaces, \
		tracker_teardown)
	const struct CMUnitTest tests[] = {
		TEST_LATE(answer_at_the_end_of_the_wait_is_taken),
		TEST_LATE(answer_at_the_end_of_the_next_wait_is_taken),
		TEST_LATE(late_bytes_are_zero_not_those_of_another_buffer),
		TEST_LATE(each_copy_of_a_short_file_reads_as_zero),
		TEST_LATE(much_of_a_file_is_read_by_a_thread),
		TEST_LATE(threads_do_not_populate_memory),
		TEST_LATE(threads_that_copy_memory_do_not_either),
		TEST_LATE(what_is_hidden_is_released_without_its_bytes),
		TEST_LATE(commit_is_held_until_a_role_forbids_it),
		TEST_LATE(any_number_of_surfaces_is_held_back),
		TEST_LATE(much_that_a_thread_has_read_is_not_copied),
		TEST_LATE(little_that_a_thread_has_read_is_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
