/* SPDX-License-Identifier: MIT */
/*
 * Commits of much memory, which another thread copies before they are handled.
 *
 * Client and compositor are one thread. Where the order matters, the copying thread first
 * runs another job, which waits for the test, or it waits in the middle of a copy.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "compositor.h"
#include "display.h"
#include "globals.h"
#include "memfd.h"
#include "server/buffer.h"
#include "server/client.h"
#include "server/context.h"
#include "server/pool.h"
#include "shm.h"
#include "traces.h"

#define WIDTH 2048
#define STRIDE (WIDTH * 4)
/* More bytes than the event loop copies itself in one turn. */
#define LARGE_HEIGHT 2304
#define LARGE_BYTES (STRIDE * LARGE_HEIGHT)
/* Two buffers of this height have fewer. */
#define SMALL_HEIGHT 768
#define SMALL_BYTES (STRIDE * SMALL_HEIGHT)

#define BUFFERS 4
#define SURFACES 3

/* What the commits that one wl_shm has held back did. */
struct held {
	unsigned holds, releases;
	/* Bytes copied by reads when commits were released. */
	uint64_t copied;
};

static struct {
	struct display display;
	struct compositor server;
	struct wl_client *wl_client;
	struct sp_client *record;
	struct held held;
	struct sealpool_buffer *newest, *buffers[BUFFERS];
	struct wl_listener new_buffer;

	/* the client's */
	struct wl_display *client;
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	int memory;
	struct wl_shm_pool *pool;
	struct wl_buffer *wl_buffers[BUFFERS];
	struct wl_surface *surfaces[SURFACES];

	/* The copying thread's first job. */
	struct sp_job job;
	sem_t begun, go;
	struct sealpool_buffer *kept;
	/* The thread waits once, before it reads the file's first bytes. */
	atomic_bool waits_to_read;
	/* Creating another thread fails. */
	bool has_no_threads;
	/* The compositor waits for this when it holds a commit back. */
	bool holds_late;
} test;

static void wait_for(sem_t *semaphore) {
	while (sem_wait(semaphore) < 0) {
	}
}

ssize_t __real_pread64(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset);

ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset) {
	if (offset == 0 && atomic_exchange(&test.waits_to_read, false)) {
		sem_post(&test.begun);
		wait_for(&test.go);
	}
	return __real_pread64(fd, data, size, offset);
}

ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset) {
	return __wrap_pread64(fd, data, size, offset);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
	void *(*run)(void *data), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
	void *(*run)(void *data), void *data);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
		void *(*run)(void *data), void *data) {
	return test.has_no_threads ? EAGAIN :
		__real_pthread_create(thread, attr, run, data);
}

static const struct compositor_impl impl = { 0 };

static void handle_new_buffer(struct wl_listener *listener, void *data) {
	test.newest = data;
}

/* The compositor */

static uint64_t count_copied(void) {
	return test.record->counters.copied_in;
}

static uint8_t read_last(struct sealpool_buffer *buffer) {
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(buffer,
		SEALPOOL_ACCESS_READ, &access), 0);
	uint8_t last = ((const uint8_t *)access.data)[
		access.stride * (size_t)sealpool_buffer_get_height(buffer) - 1];
	sealpool_buffer_end_access(&access);
	return last;
}

static uint32_t hold_commit(struct wl_resource *surface, void *data) {
	struct held *held = data;
	if (test.holds_late && held->holds == 0) {
		wait_for(&test.begun);
	}
	return ++held->holds;
}

static void release_commit(struct wl_resource *surface, uint32_t number,
		void *data) {
	struct held *held = data;
	held->releases++;
	uint64_t before = count_copied();
	for (int i = 0; i < BUFFERS; i++) {
		if (test.buffers[i] != NULL) {
			read_last(test.buffers[i]);
		}
	}
	held->copied += count_copied() - before;
}

/* The client */

/* Has the compositor dispatch all that was sent. */
static void settle(void) {
	assert_true(wl_display_flush(test.client) >= 0);
	display_settle(&test.display);
	struct pollfd pollfd = {
		.fd = wl_display_get_fd(test.client),
		.events = POLLIN,
	};
	while (poll(&pollfd, 1, 0) > 0) {
		if (wl_display_dispatch(test.client) < 0) {
			return;
		}
	}
}

static void wait_released(const struct held *held) {
	while (held->releases < held->holds) {
		wl_event_loop_dispatch(test.display.loop, 1000);
	}
	settle();
}

static void create_buffer(int i, int32_t offset, int32_t height) {
	test.wl_buffers[i] = wl_shm_pool_create_buffer(test.pool, offset, WIDTH,
		height, STRIDE, WL_SHM_FORMAT_XRGB8888);
	settle();
	test.buffers[i] = sealpool_buffer_ref(test.newest);
}

static void create_pool(struct wl_shm *shm) {
	test.pool = wl_shm_create_pool(shm, test.memory,
		LARGE_BYTES + (BUFFERS - 1) * SMALL_BYTES);
	create_buffer(0, 0, LARGE_HEIGHT);
	for (int i = 1; i < BUFFERS; i++) {
		create_buffer(i, LARGE_BYTES + (i - 1) * SMALL_BYTES,
			SMALL_HEIGHT);
	}
	test.record = test.buffers[0]->pool->client;
}

/* Returns the newest wl_shm. */
static struct wl_shm *bind_globals(void) {
	struct client_global globals[] = {
		{ .interface = &wl_compositor_interface, .version = 5 },
		{ .interface = &wl_shm_interface, .version = 1 },
		{ 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(test.client, globals);
	assert_non_null(registry);
	settle();
	test.compositor = globals[0].object;
	test.shm = globals[1].object;
	struct wl_shm *newest = wl_registry_bind(registry, globals[1].name,
		&wl_shm_interface, 1);
	wl_registry_destroy(registry);
	return newest;
}

static void begin(struct sealpool_shm *shm, bool newest_shm) {
	test.new_buffer.notify = handle_new_buffer;
	sealpool_shm_add_new_buffer_listener(shm, &test.new_buffer);
	struct wl_shm *newest = bind_globals();
	create_pool(newest_shm ? newest : test.shm);
	wl_shm_destroy(newest);
	for (int i = 0; i < SURFACES; i++) {
		test.surfaces[i] =
			wl_compositor_create_surface(test.compositor);
	}
	settle();
}

static int setup(void **state) {
	traces_setup(state);
	memset(&test, 0, sizeof(test));
	sem_init(&test.begun, 0, 0);
	sem_init(&test.go, 0, 0);
	display_init(&test.display, NULL);
	assert_true(compositor_init(&test.server, test.display.wl, &impl, NULL));
	sealpool_shm_set_commit_funcs(test.display.shm, hold_commit,
		release_commit, &test.held);
	int fd;
	test.wl_client = display_connect(&test.display, &fd);
	test.client = wl_display_connect_to_fd(fd);
	assert_non_null(test.client);
	off_t size = LARGE_BYTES + (BUFFERS - 1) * SMALL_BYTES;
	test.memory = create_memfd(size, 0);
	fill_memfd(test.memory, size, 1);
	return 0;
}

static int setup_one(void **state) {
	setup(state);
	begin(test.display.shm, true);
	return 0;
}

static void let_go_of_buffers(void) {
	for (int i = 0; i < BUFFERS; i++) {
		sealpool_buffer_unref(test.buffers[i]);
		test.buffers[i] = NULL;
	}
}

static void disconnect(void) {
	for (int i = 0; i < BUFFERS; i++) {
		wl_buffer_destroy(test.wl_buffers[i]);
	}
	for (int i = 0; i < SURFACES; i++) {
		if (test.surfaces[i] != NULL) {
			wl_surface_destroy(test.surfaces[i]);
		}
	}
	wl_shm_pool_destroy(test.pool);
	wl_shm_destroy(test.shm);
	wl_compositor_destroy(test.compositor);
	wl_display_disconnect(test.client);
	test.client = NULL;
}

static int teardown(void **state) {
	if (test.client != NULL) {
		let_go_of_buffers();
		disconnect();
	}
	display_finish(&test.display);
	close(test.memory);
	sem_destroy(&test.begun);
	sem_destroy(&test.go);
	return traces_teardown(state);
}

static void attach_and_commit(int surface, int buffer) {
	wl_surface_attach(test.surfaces[surface], test.wl_buffers[buffer], 0, 0);
	wl_surface_damage_buffer(test.surfaces[surface], 0, 0, WIDTH,
		LARGE_HEIGHT);
	wl_surface_commit(test.surfaces[surface]);
}

static void show(int surface, int buffer) {
	attach_and_commit(surface, buffer);
	settle();
}

static void draw(uint8_t byte) {
	fill_memfd(test.memory, LARGE_BYTES, byte);
}

/* The copying thread */

static void wait_for_test(struct sp_job *job) {
	sem_post(&test.begun);
	wait_for(&test.go);
}

static void finish_waiting(struct sp_job *job) {
	sealpool_buffer_unref(test.kept);
}

/* The thread must be done with the buffer's client before that is destroyed. */
static void keep_waiting(struct sp_reader *reader) {
	test.kept = sealpool_buffer_ref(test.buffers[1]);
	test.job.run = wait_for_test;
	test.job.finish = finish_waiting;
	assert_int_equal(sp_reader_submit(reader, &test.job), 0);
	wait_for(&test.begun);
}

static void keep_thread_waiting(void) {
	keep_waiting(&test.record->member.identity->copier);
}

static void let_thread_go_on(void) {
	sem_post(&test.go);
}

/* Copies */

static void much_memory_is_copied_before_its_commit_is_handled(void **state) {
	keep_thread_waiting();
	show(0, 0);
	assert_int_equal(test.held.holds, 1);
	assert_int_equal(test.held.releases, 0);
	assert_int_equal(count_copied(), 0);
	let_thread_go_on();
	wait_released(&test.held);
	assert_int_equal(test.held.holds, 1);
	/* The reads copy only the small buffers. */
	assert_int_equal(test.held.copied, (BUFFERS - 1) * SMALL_BYTES);
	assert_int_equal(read_last(test.buffers[0]), 1);
	assert_int_equal(count_copied(),
		LARGE_BYTES + (BUFFERS - 1) * SMALL_BYTES);
}

static void read_small_ones(void) {
	for (int i = 1; i < BUFFERS; i++) {
		show(0, i);
		read_last(test.buffers[i]);
	}
	assert_int_equal(test.held.holds, 0);
}

static void little_memory_is_copied_at_once(void **state) {
	read_small_ones();
	assert_int_equal(count_copied(), (BUFFERS - 1) * SMALL_BYTES);
}

static void what_is_copied_at_once_in_a_turn_is_limited(void **state) {
	for (int i = 0; i < SURFACES; i++) {
		attach_and_commit(i, i + 1);
	}
	settle();
	assert_int_equal(test.held.holds, 1);
	wait_released(&test.held);
	/* In the next turn, the event loop may copy again. */
	show(0, 1);
	assert_int_equal(test.held.holds, 1);
}

static void little_damage_of_much_memory_is_copied_at_once(void **state) {
	show(0, 0);
	wait_released(&test.held);
	wl_surface_damage_buffer(test.surfaces[0], 0, 0, WIDTH, 100);
	wl_surface_attach(test.surfaces[0], test.wl_buffers[0], 0, 0);
	wl_surface_commit(test.surfaces[0]);
	settle();
	assert_int_equal(test.held.holds, 1);
}

static void what_is_committed_meanwhile_is_copied_as_well(void **state) {
	read_small_ones();
	uint64_t before = count_copied();
	test.waits_to_read = true;
	show(0, 0);
	wait_for(&test.begun);
	draw(2);
	show(0, 0);
	let_thread_go_on();
	wait_released(&test.held);
	assert_int_equal(test.held.copied, 0);
	assert_int_equal(read_last(test.buffers[0]), 2);
	assert_int_equal(count_copied() - before, 2 * LARGE_BYTES);
}

static void client_that_does_not_wait_is_shown(void **state) {
	read_small_ones();
	test.waits_to_read = true;
	show(0, 0);
	wait_for(&test.begun);
	draw(2);
	show(0, 0);
	test.waits_to_read = true;
	let_thread_go_on();
	while (sem_trywait(&test.begun) < 0) {
		wl_event_loop_dispatch(test.display.loop, 10);
	}
	settle();
	draw(3);
	show(0, 0);
	assert_int_equal(test.held.releases, 0);
	let_thread_go_on();
	wait_released(&test.held);
	assert_int_equal(test.held.copied, LARGE_BYTES);
	assert_int_equal(read_last(test.buffers[0]), 3);
}

/* All that the client drew before these commits is copied once. */
static void many_commits_are_held_back_as_one(void **state) {
	read_small_ones();
	uint64_t before = count_copied();
	test.waits_to_read = test.holds_late = true;
	for (int i = 0; i < 20; i++) {
		attach_and_commit(0, 0);
	}
	settle();
	let_thread_go_on();
	wait_released(&test.held);
	assert_int_equal(test.held.holds, 1);
	assert_int_equal(test.held.copied, 0);
	assert_int_equal(count_copied() - before, LARGE_BYTES);
}

static void without_functions_nothing_is_held_back(void **state) {
	sealpool_shm_set_commit_funcs(test.display.shm, NULL, NULL, NULL);
	show(0, 0);
	assert_null(test.buffers[0]->hold);
	assert_int_equal(read_last(test.buffers[0]), 1);
}

static void short_file_ends_its_client_all_the_same(void **state) {
	assert_int_equal(ftruncate(test.memory, SMALL_BYTES), 0);
	show(0, 0);
	assert_int_equal(test.held.holds, 1);
	while (wl_display_get_error(test.client) == 0) {
		wl_event_loop_dispatch(test.display.loop, 10);
		settle();
	}
	const struct wl_interface *interface;
	assert_int_equal(wl_display_get_protocol_error(test.client, &interface,
		NULL), WL_SHM_ERROR_INVALID_FD);
}

/* The only thread waits for a file whose server does not respond. */
static void what_no_thread_copies_is_released(void **state) {
	struct sp_reader *reader = &test.record->member.identity->reader;
	keep_waiting(reader);
	sp_lock_acquire(&reader->readers->lock);
	reader->busy_since -= 2000;
	sp_lock_release(&reader->readers->lock);
	test.has_no_threads = true;
	show(0, 0);
	assert_int_equal(test.held.holds, 1);
	assert_int_equal(test.held.releases, 1);
	assert_int_equal(read_last(test.buffers[0]), 1);
	test.has_no_threads = false;
	let_thread_go_on();
	while (!sp_reader_is_done(reader, &test.job)) {
		wl_event_loop_dispatch(test.display.loop, 10);
	}
	settle();
}

/* The compositor declares the commit itself. */
static void declared_commit_is_held_back_as_well(void **state) {
	test.display.context->no_commit_tracker = true;
	struct wl_resource *surface = wl_client_get_object(test.wl_client,
		wl_proxy_get_id((struct wl_proxy *)test.surfaces[0]));
	/* Without a surface, the library cannot hold its commit back. */
	assert_true(sealpool_buffer_damage(test.buffers[0], NULL, NULL, 0));
	assert_int_equal(test.held.holds, 0);
	assert_false(sealpool_buffer_damage(test.buffers[0], surface, NULL, 0));
	assert_int_equal(test.held.holds, 1);
	wait_released(&test.held);
	assert_true(sealpool_buffer_damage(test.buffers[0], surface, NULL, 0));
	assert_int_equal(test.held.holds, 1);
}

/* Destruction */

static void surface_may_go_while_its_buffer_is_copied(void **state) {
	keep_thread_waiting();
	show(0, 0);
	wl_surface_destroy(test.surfaces[0]);
	test.surfaces[0] = NULL;
	settle();
	let_thread_go_on();
	while (test.buffers[0]->hold != NULL) {
		wl_event_loop_dispatch(test.display.loop, 1000);
	}
	assert_int_equal(test.held.releases, 0);
}

static void client_may_go_while_its_buffer_is_copied(void **state) {
	keep_thread_waiting();
	show(0, 0);
	let_go_of_buffers();
	disconnect();
	display_settle(&test.display);
	let_thread_go_on();
}

static void display_may_go_while_a_buffer_is_copied(void **state) {
	show(0, 0);
	let_go_of_buffers();
	disconnect();
}

static void *dispatch(void *data) {
	display_settle(&test.display);
	return NULL;
}

static void do_nothing(struct sp_mailbox *mailbox) {
}

/* Clients may be dispatched by another thread than the one that destroys the display. The
 * held commit has the last reference. */
static void display_may_be_destroyed_by_another_thread(void **state) {
	keep_thread_waiting();
	show(0, 0);
	let_go_of_buffers();
	disconnect();
	sp_mailbox_post(&test.display.context->mailbox, SP_MAIL_PRESSURE,
		do_nothing);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, dispatch, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	let_thread_go_on();
}

/* Two globals on one display */

/* The buffer belongs to the newer global, or to the older one. */
static void expect_held_by_its_own(bool newer) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888,
	};
	struct held held = { 0 };
	struct sealpool_shm *second = sealpool_shm_create(test.display.wl, 2,
		formats, 2, NULL);
	assert_non_null(second);
	second->context->memory.unsealed = NULL;
	sealpool_shm_set_commit_funcs(second, hold_commit, release_commit,
		&held);
	begin(newer ? second : test.display.shm, newer);
	show(0, 0);
	assert_int_equal(held.holds, newer);
	assert_int_equal(test.held.holds, !newer);
	wait_released(newer ? &held : &test.held);
}

static void commit_is_held_back_by_the_newer_wl_shm(void **state) {
	expect_held_by_its_own(true);
}

static void commit_is_held_back_by_the_older_wl_shm(void **state) {
	expect_held_by_its_own(false);
}

#define TEST_TWO(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_HOLD(name) \
	cmocka_unit_test_setup_teardown(name, setup_one, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_HOLD(much_memory_is_copied_before_its_commit_is_handled),
		TEST_HOLD(little_memory_is_copied_at_once),
		TEST_HOLD(what_is_copied_at_once_in_a_turn_is_limited),
		TEST_HOLD(little_damage_of_much_memory_is_copied_at_once),
		TEST_HOLD(what_is_committed_meanwhile_is_copied_as_well),
		TEST_HOLD(client_that_does_not_wait_is_shown),
		TEST_HOLD(many_commits_are_held_back_as_one),
		TEST_HOLD(without_functions_nothing_is_held_back),
		TEST_HOLD(what_no_thread_copies_is_released),
		TEST_HOLD(declared_commit_is_held_back_as_well),
		TEST_HOLD(short_file_ends_its_client_all_the_same),
		TEST_HOLD(surface_may_go_while_its_buffer_is_copied),
		TEST_HOLD(client_may_go_while_its_buffer_is_copied),
		TEST_HOLD(display_may_go_while_a_buffer_is_copied),
		TEST_HOLD(display_may_be_destroyed_by_another_thread),
		TEST_TWO(commit_is_held_back_by_the_newer_wl_shm),
		TEST_TWO(commit_is_held_back_by_the_older_wl_shm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
