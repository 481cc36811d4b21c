/* SPDX-License-Identifier: MIT */
/*
 * How much is copied: only what was damaged since the last copy.
 *
 * Copied bytes are counted. The buffers are wide, so that the rows of a rectangle are far
 * enough apart to be copied one by one.
 */
#include <wayland-client.h>

#include "peer.h"
#include "server.h"

#define WIDTH 512
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static struct server *server;
/* The bytes copied for the client so far. */
static uint64_t copied;

static int setup(void **state) {
	int ret = server_setup(state);
	server = *state;
	copied = 0;
	return ret;
}

/* Creates a client that shows an unsealed picture as frame 1, which has been read. */
static struct peer *create_peer_that_was_read(void) {
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	expect_frame(server_get_shown(server, peer), 1);
	copied = 0;
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	return peer;
}

static void expect_copied(const struct peer *peer, uint64_t expected) {
	read_buffer(server_get_shown(server, peer));
	assert_int_equal(server_count_copied(server, peer, &copied), expected);
}

/* Fails unless damage of the next commit is exact, in the buffer's own pixels. */
static void expect_exact_damage(struct peer *peer) {
	tell(peer, show, .buffer = 0, .x = 5, .y = 2, .width = 20,
		.height = 10);
	expect_copied(peer, 20 * 10 * 4);
}

static void nothing_is_copied_when_nobody_reads(void **state) {
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	for (uint32_t frame = 2; frame < 10; frame++) {
		tell(peer, draw_and_show, .frame = frame);
	}
	assert_int_equal(server_get_stats(server, peer).bytes_copied_in, 0);
	assert_int_equal(server_get_stats(server, peer).shadow_bytes, 0);
	/* Damage of several commits is copied once. */
	expect_frame(server_get_shown(server, peer), 9);
	assert_int_equal(server_get_stats(server, peer).bytes_copied_in, BYTES);
	peer_finish(peer);
}

static void what_is_not_damaged_is_not_copied_again(void **state) {
	struct peer *peer = create_peer_that_was_read();
	expect_copied(peer, 0);
	expect_copied(peer, 0);
	tell(peer, attach, .buffer = 0);
	tell(peer, commit, .surface = 0);
	expect_copied(peer, 0);
	peer_finish(peer);
}

static void only_damaged_pixels_are_copied(void **state) {
	enum { WIDE = 3840, HIGH = 2160, SIDE = 100 };
	struct client_image expected;
	assert_true(client_image_create(&expected, WIDE, HIGH));
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED, .width = WIDE,
		.height = HIGH);
	tell(peer, draw_and_show, .frame = 0);
	client_image_draw(&expected, 0);
	expect_image(server_get_shown(server, peer), &expected);
	copied = 0;
	assert_int_equal(server_count_copied(server, peer, &copied),
		4 * WIDE * HIGH);
	for (int32_t i = 1; i <= 20; i++) {
		int32_t x = i * 173 % (WIDE - SIDE);
		int32_t y = i * 97 % (HIGH - SIDE);
		tell(peer, draw_and_show, .frame = (uint32_t)i, .x = x, .y = y,
			.width = SIDE, .height = SIDE);
		client_image_draw_rect(&expected, x, y, SIDE, SIDE, 1,
			(uint32_t)i);
		expect_copied(peer, 40000);
	}
	expect_image(server_get_shown(server, peer), &expected);
	client_image_destroy(&expected);
	peer_finish(peer);
}

static void damage_that_overlaps_is_copied_once(void **state) {
	struct peer *peer = create_peer_that_was_read();
	tell(peer, attach, .buffer = 0);
	tell(peer, damage_buffer, .x = 0, .y = 0, .width = 20, .height = 10);
	tell(peer, damage_buffer, .x = 10, .y = 0, .width = 20, .height = 10);
	tell(peer, damage, .x = 0, .y = 0, .width = 30, .height = 5);
	tell(peer, commit, .surface = 0);
	expect_copied(peer, 30 * 10 * 4);
	peer_finish(peer);
}

static void damage_outside_of_the_buffer_is_cut_off(void **state) {
	struct peer *peer = create_peer_that_was_read();
	tell(peer, draw, .frame = 2);
	tell(peer, attach, .buffer = 0);
	tell(peer, damage_buffer, .x = -10, .y = -10, .width = 20,
		.height = 20);
	tell(peer, damage, .x = WIDTH - 10, .y = HEIGHT - 10,
		.width = INT32_MAX, .height = INT32_MAX);
	tell(peer, damage, .x = WIDTH, .y = 0, .width = 10, .height = 10);
	tell(peer, damage, .x = INT32_MAX, .y = INT32_MAX,
		.width = INT32_MAX, .height = INT32_MAX);
	tell(peer, damage_buffer, .x = 50, .y = 0, .width = -10,
		.height = 10);
	tell(peer, commit, .surface = 0);
	expect_copied(peer, 2 * 10 * 10 * 4);
	peer_finish(peer);
}

/* Each buffer lacks the damage since it was shown last. */
static void damage_is_stale_in_each_buffer_of_the_surface(void **state) {
	struct peer *peer = peer_create(server);
	copied = 0;
	for (int i = 0; i < 2; i++) {
		tell(peer, make_picture, .buffer = i,
			.kind = CLIENT_MEMORY_UNSEALED, .width = WIDTH,
			.height = HEIGHT);
		tell(peer, draw_and_show, .buffer = i, .frame = 0);
		expect_copied(peer, BYTES);
	}
	/* The second one's damage includes the first one's. */
	tell(peer, attach, .buffer = 0);
	tell(peer, commit, .surface = 0);
	expect_copied(peer, BYTES);

	struct client_image expected;
	assert_true(client_image_create(&expected, WIDTH, HEIGHT));
	client_image_draw(&expected, 0);
	for (int i = 1; i <= 6; i++) {
		/* The rectangle of this frame, and that of the frame before, which the
		 * other buffer has. No two are in the same rows, since the bytes between
		 * them would be copied as well. */
		int32_t y = i * 4, before = y - 4;
		if (i > 1) {
			tell(peer, draw, .buffer = i % 2,
				.frame = (uint32_t)i - 1, .x = 3, .y = before,
				.width = 10, .height = 4);
		}
		tell(peer, draw_and_show, .buffer = i % 2,
			.frame = (uint32_t)i, .x = 3, .y = y, .width = 10,
			.height = 4);
		client_image_draw_rect(&expected, 3, y, 10, 4, 1,
			(uint32_t)i);
		expect_copied(peer,
			(i > 1 ? 2 : 1) * 10 * 4 * 4);
		expect_image(server_get_shown(server, peer), &expected);
	}
	client_image_destroy(&expected);
	peer_finish(peer);
}

/*
 * A buffer that is read once more after another one was shown, for example by a slow
 * renderer, shows what it showed before. It misses the damage of the other one only when
 * its client has drawn it again.
 */
static void damage_is_not_forgotten_when_a_buffer_is_read_late(void **state) {
	struct peer *peer = peer_create(server);
	struct client_image expected;
	assert_true(client_image_create(&expected, WIDTH, HEIGHT));
	for (int i = 0; i < 2; i++) {
		tell(peer, make_picture, .buffer = i,
			.kind = CLIENT_MEMORY_UNSEALED, .width = WIDTH,
			.height = HEIGHT);
		tell(peer, draw, .buffer = i, .frame = 0);
	}
	tell(peer, show, .buffer = 0);
	struct sealpool_buffer *late =
		sealpool_buffer_ref(server_get_shown(server, peer));
	expect_frame(late, 0);

	client_image_draw(&expected, 0);
	client_image_draw_rect(&expected, 20, 3, 10, 10, 1, 1);
	tell(peer, draw_and_show, .buffer = 1, .frame = 1, .x = 20, .y = 3,
		.width = 10, .height = 10);
	expect_image(server_get_shown(server, peer), &expected);
	expect_frame(late, 0);

	client_image_draw_rect(&expected, 40, 3, 10, 10, 1, 2);
	tell(peer, draw, .buffer = 0, .frame = 1, .x = 20, .y = 3,
		.width = 10, .height = 10);
	tell(peer, draw_and_show, .buffer = 0, .frame = 2, .x = 40, .y = 3,
		.width = 10, .height = 10);
	expect_image(server_get_shown(server, peer), &expected);
	client_image_destroy(&expected);
	sealpool_buffer_unref(late);
	peer_finish(peer);
}

static void damage_gathers_over_frames_that_nobody_reads(void **state) {
	struct peer *peer = create_peer_that_was_read();
	struct client_image expected;
	assert_true(client_image_create(&expected, WIDTH, HEIGHT));
	client_image_draw(&expected, 1);
	for (int32_t i = 0; i < 5; i++) {
		uint32_t frame = (uint32_t)i + 2;
		tell(peer, draw_and_show, .frame = frame, .x = i * 50,
			.y = i * 6, .width = 10, .height = 6);
		client_image_draw_rect(&expected, i * 50, i * 6, 10, 6, 1,
			frame);
	}
	expect_copied(peer, 5 * 10 * 6 * 4);
	expect_image(server_get_shown(server, peer), &expected);
	client_image_destroy(&expected);
	peer_finish(peer);
}

static void surface_damage_is_scaled_to_the_buffer(void **state) {
	struct peer *peer = create_peer_that_was_read();
	tell(peer, set_scale, .scale = 2);
	tell(peer, show, .buffer = 0);
	expect_copied(peer, BYTES);

	struct client_image expected;
	assert_true(client_image_create(&expected, WIDTH, HEIGHT));
	client_image_draw(&expected, 1);
	tell(peer, draw, .frame = 2, .x = 10, .y = 4, .width = 40,
		.height = 20);
	client_image_draw_rect(&expected, 10, 4, 40, 20, 1, 2);
	tell(peer, attach, .buffer = 0);
	tell(peer, damage, .x = 5, .y = 2, .width = 20, .height = 10);
	tell(peer, commit, .surface = 0);
	expect_copied(peer, 40 * 20 * 4);
	expect_image(server_get_shown(server, peer), &expected);
	client_image_destroy(&expected);

	/* Buffer damage is in the buffer's own pixels in any case. */
	expect_exact_damage(peer);
	peer_finish(peer);
}

static void commit_surface_damage(struct peer *peer) {
	tell(peer, attach, .buffer = 0);
	tell(peer, damage, .x = 5, .y = 2, .width = 20, .height = 10);
	tell(peer, commit, .surface = 0);
}

static void surface_damage_with_a_transform_is_the_whole_buffer(void **state) {
	for (int32_t i = WL_OUTPUT_TRANSFORM_90;
			i <= WL_OUTPUT_TRANSFORM_FLIPPED_270; i++) {
		struct peer *peer = create_peer_that_was_read();
		tell(peer, set_transform, .transform = i);
		tell(peer, show, .buffer = 0);
		read_buffer(server_get_shown(server, peer));
		server_count_copied(server, peer, &copied);
		commit_surface_damage(peer);
		expect_copied(peer, BYTES);
		/* Buffer damage is as exact as before. */
		expect_exact_damage(peer);
		peer_finish(peer);
	}
}

static void surface_damage_with_a_viewport_is_the_whole_buffer(void **state) {
	struct peer *peer = create_peer_that_was_read();
	tell(peer, create_viewport, .surface = 0);
	commit_surface_damage(peer);
	expect_copied(peer, BYTES);
	commit_surface_damage(peer);
	expect_copied(peer, BYTES);
	expect_exact_damage(peer);
	peer_finish(peer);
}

static void viewport_made_before_the_first_buffer_counts(void **state) {
	struct peer *peer = peer_create(server);
	tell(peer, create_surface, .surface = 0);
	tell(peer, create_viewport, .surface = 0);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .frame = 1);
	copied = 0;
	expect_copied(peer, BYTES);
	commit_surface_damage(peer);
	expect_copied(peer, BYTES);
	peer_finish(peer);
}

/* Damage is the surface's, not the attached buffer's. */
static void damage_without_attach_is_copied(void **state) {
	struct peer *peer = create_peer_that_was_read();
	tell(peer, draw, .frame = 2);
	tell(peer, damage_buffer, .x = 5, .y = 2, .width = 20, .height = 10);
	tell(peer, commit, .surface = 0);
	expect_copied(peer, 20 * 10 * 4);
	peer_finish(peer);
}

/* But only when it is committed. */
static void damage_counts_when_it_is_committed(void **state) {
	struct peer *peer = create_peer_that_was_read();
	tell(peer, attach, .buffer = 0);
	tell(peer, damage_buffer, .x = 5, .y = 2, .width = 20, .height = 10);
	expect_copied(peer, 0);
	tell(peer, commit, .surface = 0);
	expect_copied(peer, 20 * 10 * 4);
	peer_finish(peer);
}

static void buffer_on_another_surface_is_copied_whole(void **state) {
	struct peer *peer = create_peer_that_was_read();
	tell(peer, draw, .frame = 2);
	tell(peer, show, .surface = 1, .buffer = 0, .x = 5, .y = 2,
		.width = 20, .height = 10);
	struct sealpool_buffer *moved =
		server_get_surface(server, peer, 1)->current;
	expect_frame(moved, 2);
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	/* From then on, that surface's damage counts. */
	tell(peer, show, .surface = 1, .buffer = 0, .x = 5, .y = 2,
		.width = 20, .height = 10);
	read_buffer(moved);
	assert_int_equal(server_count_copied(server, peer, &copied),
		20 * 10 * 4);
	peer_finish(peer);
}

static void buffer_of_another_size_is_copied_whole(void **state) {
	struct peer *peer = create_peer_that_was_read();
	tell(peer, make_picture, .buffer = 1, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT / 2);
	tell(peer, draw_and_show, .buffer = 1, .frame = 2);
	read_buffer(server_get_shown(server, peer));
	server_count_copied(server, peer, &copied);
	/* The sizes differ, so pixels of one buffer cannot be matched to those of the
	 * other. */
	tell(peer, draw, .buffer = 0, .frame = 3);
	tell(peer, show, .buffer = 0, .x = 5, .y = 2, .width = 20,
		.height = 10);
	expect_frame(server_get_shown(server, peer), 3);
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	peer_finish(peer);
}

static void buffer_attached_elsewhere_on_its_surface_is_copied_whole(
		void **state) {
	struct peer *peer = create_peer_that_was_read();
	tell(peer, draw, .frame = 2);
	tell(peer, attach, .buffer = 0, .x = 1, .y = 0);
	tell(peer, damage, .x = 5, .y = 2, .width = 20, .height = 10);
	tell(peer, commit, .surface = 0);
	expect_frame(server_get_shown(server, peer), 2);
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	peer_finish(peer);
}

/* For example, an icon. */
static void buffer_on_no_surface_is_copied_whole_each_time(void **state) {
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	copied = 0;
	for (uint32_t frame = 1; frame <= 4; frame++) {
		tell(peer, draw, .frame = frame);
		expect_frame(server->newest, frame);
		assert_int_equal(server_count_copied(server, peer, &copied),
			BYTES);
	}
	peer_finish(peer);
}

static void buffer_whose_surface_is_gone_is_copied_whole(void **state) {
	struct peer *peer = create_peer_that_was_read();
	struct sealpool_buffer *buffer =
		sealpool_buffer_ref(server_get_shown(server, peer));
	tell(peer, destroy_surface, .surface = 0);
	tell(peer, draw, .frame = 2);
	expect_frame(buffer, 2);
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	sealpool_buffer_unref(buffer);
	peer_finish(peer);
}

static void buffer_given_to_another_request_is_copied_whole(void **state) {
	struct peer *peer = create_peer_that_was_read();
	tell(peer, draw, .frame = 2);
	tell(peer, capture, .buffer = 0);
	assert_ptr_equal(server->captured, server_get_shown(server, peer));
	expect_frame(server->captured, 2);
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	tell(peer, draw, .frame = 3);
	expect_frame(server->captured, 3);
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	/* Until it is shown again. */
	tell(peer, draw_and_show, .frame = 4);
	expect_copied(peer, BYTES);
	expect_exact_damage(peer);
	peer_finish(peer);
}

/* Many rectangles cost no more than the whole buffer. */
static void many_rectangles_are_exact(void **state) {
	struct peer *peer = create_peer_that_was_read();
	struct client_image expected;
	assert_true(client_image_create(&expected, WIDTH, HEIGHT));
	client_image_draw(&expected, 1);
	tell(peer, attach, .buffer = 0);
	for (int32_t i = 0; i < 200; i++) {
		int32_t x = i % 50 * 10, y = i / 50 * 7;
		tell(peer, draw, .frame = 2, .x = x, .y = y, .width = 3,
			.height = 3);
		client_image_draw_rect(&expected, x, y, 3, 3, 1, 2);
		tell(peer, damage_buffer, .x = x, .y = y, .width = 3,
			.height = 3);
	}
	tell(peer, commit, .surface = 0);
	expect_image(server_get_shown(server, peer), &expected);
	expect_between(server_count_copied(server, peer, &copied),
		200 * 3 * 3 * 4, BYTES);
	client_image_destroy(&expected);
	peer_finish(peer);
}

/* A slow reader sees one frame, even if others are committed in the meantime. */
static void frame_being_read_does_not_change(void **state) {
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	struct sealpool_access access, newer;
	begin_read(buffer, &access);
	tell(peer, draw_and_show, .frame = 2);
	begin_read(buffer, &newer);
	const uint32_t *pixels = access.data, *newer_pixels = newer.data;
	for (int32_t i = 0; i < WIDTH; i++) {
		assert_int_equal(pixels[i], client_pattern(i, 0, 1));
		assert_int_equal(newer_pixels[i], client_pattern(i, 0, 2));
	}
	sealpool_buffer_end_access(&newer);
	for (int32_t i = 0; i < WIDTH; i++) {
		assert_int_equal(pixels[i], client_pattern(i, 0, 1));
	}
	sealpool_buffer_end_access(&access);
	expect_frame(buffer, 2);
	peer_finish(peer);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, server_teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_copied_when_nobody_reads),
		TEST(what_is_not_damaged_is_not_copied_again),
		TEST(only_damaged_pixels_are_copied),
		TEST(damage_that_overlaps_is_copied_once),
		TEST(damage_outside_of_the_buffer_is_cut_off),
		TEST(damage_is_stale_in_each_buffer_of_the_surface),
		TEST(damage_is_not_forgotten_when_a_buffer_is_read_late),
		TEST(damage_gathers_over_frames_that_nobody_reads),
		TEST(surface_damage_is_scaled_to_the_buffer),
		TEST(surface_damage_with_a_transform_is_the_whole_buffer),
		TEST(surface_damage_with_a_viewport_is_the_whole_buffer),
		TEST(viewport_made_before_the_first_buffer_counts),
		TEST(damage_without_attach_is_copied),
		TEST(damage_counts_when_it_is_committed),
		TEST(buffer_on_another_surface_is_copied_whole),
		TEST(buffer_of_another_size_is_copied_whole),
		TEST(buffer_attached_elsewhere_on_its_surface_is_copied_whole),
		TEST(buffer_on_no_surface_is_copied_whole_each_time),
		TEST(buffer_whose_surface_is_gone_is_copied_whole),
		TEST(buffer_given_to_another_request_is_copied_whole),
		TEST(many_rectangles_are_exact),
		TEST(frame_being_read_does_not_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
