/* SPDX-License-Identifier: MIT */
/*
 * Files that are too short for their buffers.
 */
#include <wayland-client.h>

#include "peer.h"
#include "server.h"

#define WIDTH 512
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static void missing_bytes_read_as_zero_and_end_the_client(void **state) {
	struct server *server = *state;
	struct peer *bystander = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct peer *peer = peer_create(server);
	/* The pool is larger than the buffer, so that the three sizes in the message
	 * differ. */
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT, .size = 2 * BYTES);
	tell(peer, draw_and_show, .frame = 1);
	expect_frame(server_get_shown(server, peer), 1);
	tell(peer, show, .buffer = 0);
	tell(peer, cut_memory, .size = 10 * STRIDE);
	expect_frame_cut(server_get_shown(server, peer), 1, 10);
	assert_int_equal(server_get_stats(server, peer).faults, 1);
	const char *message = refused(peer, "wl_buffer", 0,
		WL_SHM_ERROR_INVALID_FD, wait_handled, .buffer = 0);
	expect_number(message, 2 * BYTES);
	expect_number(message, 10 * STRIDE);
	assert_int_equal(server->messages, 1);
	peer_finish(peer);
	expect_frame(server_get_shown(server, bystander), 1);
	tell(bystander, draw_and_show, .frame = 2);
	expect_frame(server_get_shown(server, bystander), 2);
	peer_finish(bystander);
}

static void empty_file_reads_as_zero_and_ends_the_client(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, cut_memory, .size = 0);
	tell(peer, show, .buffer = 0);
	expect_zeroes(server_get_shown(server, peer));
	const char *message = refused(peer, "wl_buffer", 0,
		WL_SHM_ERROR_INVALID_FD, wait_handled, .buffer = 0);
	expect_number(message, BYTES);
	expect_number(message, 0);
	peer_finish(peer);
}

/* Missing bytes outside of the buffer are not reported. */
static void short_file_is_no_fault_before_it_is_read(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	tell(peer, cut_memory, .size = 0);
	tell(peer, show, .buffer = 0);
	server_settle(server);
	tell(peer, wait_handled, .buffer = 0);
	assert_int_equal(server_get_stats(server, peer).faults, 0);
	peer_finish(peer);
}

static void lenient_server_leaves_the_client_alive(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	tell(peer, cut_memory, .size = 10 * STRIDE);
	tell(peer, show, .buffer = 0);
	expect_frame_cut(server_get_shown(server, peer), 1, 10);
	assert_int_equal(server_get_stats(server, peer).faults, 1);
	server_settle(server);
	tell(peer, wait_handled, .buffer = 0);
	assert_int_equal(server->messages, 1);
	expect_number(server->message, BYTES);
	expect_number(server->message, 10 * STRIDE);
	peer_finish(peer);
}

static void lenient_server_shows_what_comes_back(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	tell(peer, cut_memory, .size = 10 * STRIDE);
	tell(peer, show, .buffer = 0);
	expect_frame_cut(server_get_shown(server, peer), 1, 10);
	tell(peer, map_memory_again, .size = BYTES);
	tell(peer, draw_and_show, .frame = 2);
	expect_frame(server_get_shown(server, peer), 2);
	peer_finish(peer);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)
#define TEST_LENIENT(name) \
	cmocka_unit_test_setup_teardown(name, server_setup_lenient, \
		server_teardown)
	const struct CMUnitTest tests[] = {
		TEST(missing_bytes_read_as_zero_and_end_the_client),
		TEST(empty_file_reads_as_zero_and_ends_the_client),
		TEST(short_file_is_no_fault_before_it_is_read),
		TEST_LENIENT(lenient_server_leaves_the_client_alive),
		TEST_LENIENT(lenient_server_shows_what_comes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
