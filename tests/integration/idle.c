/* SPDX-License-Identifier: MIT */
/*
 * Copies that were not read for some time are freed, without losing a byte; and which
 * copies are not freed.
 *
 * In these tests, the time is a millisecond or an hour. A test that expects an event
 * waits for it without a limit. One that expects none waits many times as long as the
 * timer needs.
 */
#include <poll.h>
#include <sys/mman.h>

#include "peer.h"
#include "server.h"

#define WIDTH 512
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static int setup_after(void **state, uint32_t ms) {
	*state = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.shadow_idle_ms = ms,
	});
	return *state != NULL ? 0 : -1;
}

static int setup_soon(void **state) {
	return setup_after(state, 1);
}

static int setup_medium(void **state) {
	return setup_after(state, 100);
}

static int setup_late(void **state) {
	return setup_after(state, 3600 * 1000);
}

static int setup_never(void **state) {
	return setup_after(state, UINT32_MAX);
}

static uint64_t get_shadow_bytes(struct server *server,
		const struct peer *peer) {
	return server_get_stats(server, peer).shadow_bytes;
}

static void wait_given_back(struct server *server, const struct peer *peer) {
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	while (get_shadow_bytes(server, peer) > 0) {
		if (server_now_ms() > deadline) {
			fail_msg("%llu bytes are not freed",
				(unsigned long long)get_shadow_bytes(server,
					peer));
		}
		server_dispatch(server, -1, server_now_ms() + 10);
	}
}

/* Dispatches long enough for a timer of one millisecond to expire several times. */
static void let_time_pass(struct server *server) {
	for (int i = 0; i < 40; i++) {
		poll(NULL, 0, 2);
		server_settle(server);
	}
}

static void copies_that_are_idle_are_given_back(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	size_t mappings = count_pool_mappings();
	expect_frame(server_get_shown(server, peer), 1);
	wait_given_back(server, peer);
	assert_int_equal(server_get_stats(server, peer).fds, 1);
	assert_int_equal(count_pool_mappings(), mappings);
	peer_finish(peer);
}

static void memory_for_writing_is_given_back_as_well(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	for (int i = 0; i < 2; i++) {
		struct sealpool_access access;
		assert_int_equal(sealpool_buffer_begin_access(buffer,
			SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE, &access),
			0);
		sealpool_buffer_end_access(&access);
		wait_given_back(server, peer);
		assert_int_equal(server_get_stats(server, peer).fds, 1);
	}
	expect_frame(buffer, 1);
	peer_finish(peer);
}

/* The whole copy is made again, though the client damages only a corner. */
static void copies_are_made_anew_at_the_next_access(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	uint64_t copied = 0;
	for (uint32_t frame = 2; frame < 5; frame++) {
		tell(peer, draw, .frame = frame);
		tell(peer, show, .width = 10, .height = 10);
		server_count_copied(server, peer, &copied);
		expect_frame(buffer, frame);
		assert_int_equal(server_count_copied(server, peer, &copied),
			BYTES);
		assert_int_equal(get_shadow_bytes(server, peer), BYTES);
		wait_given_back(server, peer);
	}
	/* Damage that was committed without a copy is not copied twice. */
	tell(peer, draw_and_show, .frame = 5);
	expect_frame(buffer, 5);
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	peer_finish(peer);
}

static void copy_under_access_is_not_idle(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	struct sealpool_access access;
	begin_read(buffer, &access);
	/* The end of another access starts the timer. */
	read_buffer(buffer);
	let_time_pass(server);
	assert_int_equal(get_shadow_bytes(server, peer), BYTES);
	assert_int_equal(*(uint32_t *)access.data, client_pattern(0, 0, 1));
	sealpool_buffer_end_access(&access);
	wait_given_back(server, peer);
	peer_finish(peer);
}

/* By now, the client may have drawn something else in that memory. */
static void copies_of_a_wl_buffer_that_is_gone_stay(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer =
		sealpool_buffer_ref(server_get_shown(server, peer));
	/* The access keeps the copy from being idle. */
	struct sealpool_access access;
	begin_read(buffer, &access);
	tell(peer, destroy_buffer, .buffer = 0);
	tell(peer, fill_memory, .frame = 2);
	sealpool_buffer_end_access(&access);
	let_time_pass(server);
	bool there = get_shadow_bytes(server, peer) == BYTES;
	expect_frame(buffer, 1);
	sealpool_buffer_unref(buffer);
	assert_true(there);
	peer_finish(peer);
}

static void copies_stay_until_they_are_idle(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	read_buffer(server_get_shown(server, peer));
	let_time_pass(server);
	assert_int_equal(get_shadow_bytes(server, peer), BYTES);
	peer_finish(peer);
}

/* The timer expires when the copy is not idle yet. */
static void copy_used_again_is_given_back_later(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	read_buffer(buffer);
	server_settle(server);
	poll(NULL, 0, 60);
	read_buffer(buffer);
	wait_given_back(server, peer);
	peer_finish(peer);
}

static void neighbour_that_is_in_use_stays(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT, .size = 2 * BYTES);
	tell(peer, create_buffer, .buffer = 1, .offset = BYTES, .width = WIDTH,
		.height = HEIGHT, .stride = STRIDE, .format = 1);
	tell(peer, draw_and_show, .buffer = 0, .frame = 1);
	struct sealpool_buffer *first =
		sealpool_buffer_ref(server_get_shown(server, peer));
	tell(peer, draw_and_show, .buffer = 1, .frame = 2);
	struct sealpool_buffer *second = server_get_shown(server, peer);
	struct sealpool_access access;
	begin_read(second, &access);
	read_buffer(first);
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	while (get_shadow_bytes(server, peer) != BYTES &&
			server_now_ms() < deadline) {
		server_dispatch(server, -1, server_now_ms() + 10);
	}
	assert_int_equal(get_shadow_bytes(server, peer), BYTES);
	assert_int_equal(*(uint32_t *)access.data, client_pattern(0, 0, 2));
	sealpool_buffer_end_access(&access);
	expect_frame(first, 1);
	expect_frame(second, 2);
	sealpool_buffer_unref(first);
	peer_finish(peer);
}

/* Fails if the event loop wakes up without anything to do. */
static void expect_silence(struct server *server) {
	server_settle(server);
	struct pollfd pollfd = {
		.fd = wl_event_loop_get_fd(server->loop),
		.events = POLLIN,
	};
	assert_int_equal(poll(&pollfd, 1, 50), 0);
}

static void nothing_wakes_up_where_there_is_no_copy(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_SEALED, WIDTH, HEIGHT);
	expect_frame(server_get_shown(server, peer), 1);
	expect_silence(server);
	struct peer *other = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	expect_silence(server);
	expect_frame(server_get_shown(server, other), 1);
	wait_given_back(server, other);
	expect_silence(server);
	peer_finish(other);
	peer_finish(peer);
}

static void nothing_wakes_up_for_a_copy_that_has_to_stay(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	struct sealpool_access access;
	begin_read(buffer, &access);
	read_buffer(buffer);
	let_time_pass(server);
	expect_silence(server);
	sealpool_buffer_end_access(&access);
	peer_finish(peer);
}

int main(void) {
#define TEST(name, setup) \
	cmocka_unit_test_setup_teardown(name, setup, server_teardown)
	const struct CMUnitTest tests[] = {
		TEST(copies_that_are_idle_are_given_back, setup_soon),
		TEST(memory_for_writing_is_given_back_as_well, setup_soon),
		TEST(copies_are_made_anew_at_the_next_access, setup_soon),
		TEST(copy_under_access_is_not_idle, setup_soon),
		TEST(copies_of_a_wl_buffer_that_is_gone_stay, setup_soon),
		{ "copies_stay_until_they_are_idle",
			copies_stay_until_they_are_idle, setup_late,
			server_teardown, NULL },
		{ "copies_stay_where_they_are_never_idle",
			copies_stay_until_they_are_idle, setup_never,
			server_teardown, NULL },
		TEST(copy_used_again_is_given_back_later, setup_medium),
		TEST(neighbour_that_is_in_use_stays, setup_soon),
		TEST(nothing_wakes_up_where_there_is_no_copy, setup_soon),
		TEST(nothing_wakes_up_for_a_copy_that_has_to_stay, setup_soon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
