/* SPDX-License-Identifier: MIT */
/*
 * A compositor that declares damage itself: sealpool_options.no_commit_tracker.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <wayland-client.h>

#include "peer.h"
#include "server.h"
#include "silent-files.h"

/* Wide enough that the rows of a rectangle are copied one by one. */
#define WIDTH 512
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

/* The damage that the compositor declares at each commit. */
struct told {
	bool quiet;
	const struct sealpool_box *boxes;
	size_t len;
	/* The result of the last call. */
	bool answered;
	unsigned holds, releases;
};

static void handle_commit(struct server_surface *surface) {
	struct told *told = surface->server->data;
	if (!told->quiet && surface->current != NULL) {
		told->answered = sealpool_buffer_damage(surface->current,
			surface->base.resource, told->boxes, told->len);
	}
}

static int setup(void **state) {
	struct server *server = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.no_commit_tracker = true,
	});
	if (server == NULL) {
		return -1;
	}
	server->handle_commit = handle_commit;
	server->data = calloc(1, sizeof(struct told));
	*state = server;
	return server->data != NULL ? 0 : -1;
}

static int teardown(void **state) {
	struct server *server = *state;
	free(server->data);
	return server_teardown(state);
}

static void tell_boxes(struct server *server, const struct sealpool_box *boxes,
		size_t len) {
	struct told *told = server->data;
	told->quiet = false;
	told->boxes = boxes;
	told->len = len;
}

static void be_quiet(struct server *server) {
	struct told *told = server->data;
	told->quiet = true;
}

/* Creates a client whose picture, frame 1, was declared once and has been read. */
static struct peer *create_peer_that_was_read(struct server *server,
		uint64_t *copied) {
	tell_boxes(server, NULL, 0);
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	expect_frame(server_get_shown(server, peer), 1);
	*copied = 0;
	assert_int_equal(server_count_copied(server, peer, copied), BYTES);
	return peer;
}

static void expect_copied(struct server *server, const struct peer *peer,
		uint64_t *copied, uint64_t expected) {
	read_buffer(server_get_shown(server, peer));
	assert_int_equal(server_count_copied(server, peer, copied), expected);
}

static void no_request_is_followed(void **state) {
	struct server *server = *state;
	be_quiet(server);
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	uint64_t copied = 0;
	for (int i = 0; i < 3; i++) {
		/* A commit tracker would know that nothing has changed. */
		expect_copied(server, peer, &copied, BYTES);
	}
	peer_finish(peer);
}

static void first_call_is_damage_of_all_pixels(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	expect_copied(server, peer, &copied, 0);
	peer_finish(peer);
}

static void only_what_is_told_is_copied(void **state) {
	static const struct sealpool_box boxes[] = {
		{ 3, 1, 20, 4 }, { 300, 20, 10, 10 },
	};
	struct server *server = *state;
	uint64_t copied;
	struct client_image expected;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	assert_true(client_image_create(&expected, WIDTH, HEIGHT));
	client_image_draw(&expected, 1);
	tell_boxes(server, boxes, 2);
	tell(peer, draw, .frame = 2, .x = 300, .y = 20, .width = 10,
		.height = 10);
	tell(peer, draw_and_show, .frame = 2, .x = 3, .y = 1, .width = 20,
		.height = 4);
	client_image_draw_rect(&expected, 3, 1, 20, 4, 1, 2);
	client_image_draw_rect(&expected, 300, 20, 10, 10, 1, 2);
	expect_copied(server, peer, &copied, (20 * 4 + 10 * 10) * 4);
	expect_image(server_get_shown(server, peer), &expected);
	client_image_destroy(&expected);
	peer_finish(peer);
}

static void what_is_outside_of_the_buffer_is_ignored(void **state) {
	static const struct sealpool_box boxes[] = {
		{ -10, -10, 20, 20 },
		{ WIDTH - 10, HEIGHT - 10, INT32_MAX, INT32_MAX },
		{ WIDTH, 0, 10, 10 },
		{ INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX },
		{ INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX },
		{ 50, 0, -10, 10 },
	};
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	tell_boxes(server, boxes, sizeof(boxes) / sizeof(boxes[0]));
	tell(peer, draw_and_show, .frame = 2);
	expect_copied(server, peer, &copied, 2 * 10 * 10 * 4);
	peer_finish(peer);
}

static void what_is_not_told_shows_an_older_frame(void **state) {
	static const struct sealpool_box too_little = { 0, 0, WIDTH, 8 };
	static const struct sealpool_box rest = { 0, 8, WIDTH, HEIGHT - 8 };
	struct server *server = *state;
	uint64_t copied;
	struct client_image expected;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	assert_true(client_image_create(&expected, WIDTH, HEIGHT));
	client_image_draw(&expected, 1);
	client_image_draw_rect(&expected, 0, 0, WIDTH, 8, 1, 2);
	tell_boxes(server, &too_little, 1);
	tell(peer, draw_and_show, .frame = 2);
	expect_image(server_get_shown(server, peer), &expected);
	/* Until it is declared. */
	tell_boxes(server, &rest, 1);
	tell(peer, attach, .buffer = 0);
	tell(peer, commit, .surface = 0);
	expect_frame(server_get_shown(server, peer), 2);
	client_image_destroy(&expected);
	peer_finish(peer);
}

static void one_turn_of_commits_is_copied_once(void **state) {
	static const struct sealpool_box all = { 0, 0, WIDTH, HEIGHT };
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	/* As if it was read while requests are dispatched. */
	for (int i = 0; i < 10; i++) {
		sealpool_buffer_damage(buffer, NULL, &all, 1);
		read_buffer(buffer);
	}
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	peer_finish(peer);
}

/* It was not drawn when it was created. */
static void buffer_becomes_direct_though_nothing_is_damaged(void **state) {
	struct server *server = *state;
	tell_boxes(server, NULL, 0);
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_SEALED, .width = WIDTH,
		.height = HEIGHT);
	expect_kind(server->newest, SEALPOOL_MEMORY_SHADOW);
	tell(peer, draw_and_show, .frame = 1);
	expect_kind(server->newest, SEALPOOL_MEMORY_DIRECT);
	expect_frame(server->newest, 1);
	peer_finish(peer);
}

/* A file that answers late */

static uint32_t hold_commit(struct wl_resource *surface, void *data) {
	struct told *told = data;
	return ++told->holds;
}

static void release_commit(struct wl_resource *surface, uint32_t number,
		void *data) {
	struct told *told = data;
	told->releases++;
}

static bool create_pool_of_file(struct actor *actor, const struct args *args) {
	int fd = open(args->path, O_RDWR | O_CLOEXEC);
	return fd >= 0 ? send_create_pool(actor, args, &fd) :
		client_fail(&actor->client, "cannot open %s", args->path);
}

static void late_file_is_held_back_and_released(void **state) {
	struct server *server = *state;
	struct told *told = server->data;
	struct silent_files files;
	if (!silent_files_mount_late(&files, 300)) {
		print_message("skipped: %s\n", files.error);
		skip();
	}
	sealpool_shm_set_commit_funcs(server->shm, hold_commit, release_commit,
		told);
	struct peer *peer = peer_create(server);
	struct args args = { .size = BYTES };
	snprintf(args.path, sizeof(args.path), "%s", files.file);
	peer_tell(peer, create_pool_of_file, "create_pool_of_file", &args);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE);
	tell(peer, show, .buffer = 0);
	assert_false(told->answered);
	assert_int_equal(told->holds, 1);
	while (told->releases == 0) {
		server_dispatch(server, -1, server_now_ms() + 1000);
	}
	struct sealpool_access access;
	begin_read(server->newest, &access);
	assert_int_equal(*(const uint8_t *)access.data, SILENT_FILES_LATE_BYTE);
	sealpool_buffer_end_access(&access);
	peer_finish(peer);
	assert_true(silent_files_unmount(&files));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(no_request_is_followed),
		TEST(first_call_is_damage_of_all_pixels),
		TEST(only_what_is_told_is_copied),
		TEST(what_is_outside_of_the_buffer_is_ignored),
		TEST(what_is_not_told_shows_an_older_frame),
		TEST(one_turn_of_commits_is_copied_once),
		TEST(buffer_becomes_direct_though_nothing_is_damaged),
		TEST(late_file_is_held_back_and_released),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
