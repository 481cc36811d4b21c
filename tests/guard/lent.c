/* SPDX-License-Identifier: MIT */
/*
 * Buffers that are passed to objects other than surfaces. When the client gets the event,
 * its file has what the compositor has written. Nothing else is written to the client's
 * memory, whatever the client does meanwhile.
 */
#include <wayland-client.h>

#include "host.h"

#define WIDTH 64
#define HEIGHT 64
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static void expect_handed_back(struct host *host, const struct peer *peer,
		uint64_t bytes) {
	assert_int_equal(host_get_stats(host, peer).bytes_copied_out, bytes);
}

static const enum client_memory_kind kinds[] = {
	CLIENT_MEMORY_SEALED,
	CLIENT_MEMORY_UNSEALED,
	CLIENT_MEMORY_SHM_OPEN,
	CLIENT_MEMORY_FILE,
};

#define KINDS_LEN (sizeof(kinds) / sizeof(kinds[0]))

static void a_capture_is_there_when_the_client_hears_of_it(void **state) {
	struct host *host = *state;
	static const order_func takes[] = { take_frame, take_source };
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_picture, .kind = kinds[i], .width = WIDTH,
			.height = HEIGHT);
		for (uint32_t j = 0; j < 2; j++) {
			tell(peer, draw, .frame = 1);
			tell(peer, takes[j], .count = j);
			host_write(host_get_taker(host), 0, HEIGHT, 2);
			host_end_capture(host, peer, j);
			tell(peer, expect_drawn, .frame = 2);
			/* With the same object, or an equivalent one. */
			tell(peer, draw, .frame = 3);
			tell(peer, take_again, .count = j);
			host_expect_taken(host_get_taker(host), 3);
			host_write(host_get_taker(host), 0, HEIGHT, 4);
			host_end_capture(host, peer, j);
			tell(peer, expect_drawn, .frame = 4);
		}
		peer_finish(peer);
	}
}

/* Pixels that the compositor does not write are the client's. */
static void only_rows_that_were_written_are_handed_back(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	tell(peer, take_frame);
	host_write(host_get_taker(host), 10, 20, 2);
	tell(peer, draw, .y = 30, .width = WIDTH, .height = 10, .frame = 3);
	host_end_capture(host, peer, 0);
	tell(peer, expect_rows, .y = 0, .height = 10, .frame = 1);
	tell(peer, expect_rows, .y = 10, .height = 10, .frame = 2);
	tell(peer, expect_rows, .y = 20, .height = 10, .frame = 1);
	tell(peer, expect_rows, .y = 30, .height = 10, .frame = 3);
	tell(peer, expect_rows, .y = 40, .height = 24, .frame = 1);
	assert_int_equal(host_get_stats(host, peer).bytes_copied_out,
		10 * STRIDE);
	peer_finish(peer);
}

/* A capture source of Weston stays, and may send the size of its output at any time. By
 * then, the buffer may be on a surface. */
static void what_a_client_draws_later_is_not_written_over(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	tell(peer, take_source);
	host_write(host_get_taker(host), 0, HEIGHT, 2);
	host_end_capture(host, peer, 0);

	tell(peer, draw_and_show, .frame = 3);
	host_expect_shown(host, peer, 3);
	tell(peer, draw, .frame = 4);
	host_tell_ready(host_get_taker(host));
	tell(peer, expect_drawn, .frame = 4);
	peer_finish(peer);
}

/* Two wl_buffers have the same bytes. */
static void nor_what_it_draws_through_another_buffer(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, create_buffer, .buffer = 1, .width = WIDTH,
		.height = HEIGHT, .stride = STRIDE, .format = 1);
	tell(peer, draw, .frame = 1);
	tell(peer, take_source);
	host_write(host_get_taker(host), 0, HEIGHT, 2);
	host_end_capture(host, peer, 0);

	tell(peer, draw_and_show, .buffer = 1, .frame = 3);
	host_expect_shown(host, peer, 3);
	tell(peer, draw, .frame = 4);
	host_tell_ready(host_get_taker(host));
	tell(peer, expect_drawn, .frame = 4);
	peer_finish(peer);
}

/* A commit during a capture: what was captured is not lost. */
static void a_capture_outlives_a_commit_of_its_buffer(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	tell(peer, take_frame);
	host_write(host_get_taker(host), 0, HEIGHT, 2);
	tell(peer, show);
	host_expect_shown(host, peer, 2);
	host_end_capture(host, peer, 0);
	tell(peer, expect_drawn, .frame = 2);
	peer_finish(peer);
}

/* Of the rows that a commit copies, the client's bytes may change; the rows beside them
 * must not. */
static void a_capture_is_handed_back_once_around_commits(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	tell(peer, show);
	tell(peer, take_frame);
	tell(peer, show);
	host_write(host_get_taker(host), 10, 30, 2);
	tell(peer, show, .y = 20, .width = WIDTH, .height = 5);
	expect_handed_back(host, peer, 5 * STRIDE);
	host_write(host_get_taker(host), 40, 50, 2);
	tell(peer, show, .y = 60, .width = 1, .height = 1);
	tell(peer, commit);
	expect_handed_back(host, peer, 5 * STRIDE);

	host_end_capture(host, peer, 0);
	expect_handed_back(host, peer, 30 * STRIDE);
	tell(peer, expect_rows, .y = 0, .height = 10, .frame = 1);
	tell(peer, expect_rows, .y = 10, .height = 20, .frame = 2);
	tell(peer, expect_rows, .y = 30, .height = 10, .frame = 1);
	tell(peer, expect_rows, .y = 40, .height = 10, .frame = 2);
	tell(peer, expect_rows, .y = 50, .height = 14, .frame = 1);

	tell(peer, draw, .frame = 3);
	tell(peer, commit);
	host_tell_ready(host_get_taker(host));
	tell(peer, expect_drawn, .frame = 3);
	expect_handed_back(host, peer, 30 * STRIDE);
	peer_finish(peer);
}

/* Buffers with the same bytes need not have the same rows: here, half a row of one is a
 * row of the other. */
static void a_capture_outlives_a_commit_of_its_bytes(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, create_buffer, .buffer = 1, .offset = 20 * STRIDE,
		.width = WIDTH / 2, .height = 20, .stride = STRIDE / 2,
		.format = 1);
	tell(peer, draw, .frame = 1);
	tell(peer, take_frame);
	host_write(host_get_taker(host), 10, 40, 2);
	tell(peer, show, .buffer = 1);
	expect_handed_back(host, peer, 10 * STRIDE);
	tell(peer, draw, .y = 20, .width = WIDTH, .height = 10, .frame = 3);
	tell(peer, show, .buffer = 1);
	host_end_capture(host, peer, 0);
	expect_handed_back(host, peer, 30 * STRIDE);
	tell(peer, expect_rows, .y = 0, .height = 10, .frame = 1);
	tell(peer, expect_rows, .y = 10, .height = 10, .frame = 2);
	tell(peer, expect_rows, .y = 20, .height = 10, .frame = 3);
	tell(peer, expect_rows, .y = 30, .height = 10, .frame = 2);
	peer_finish(peer);
}

/* In any number of parts. */
static void rows_between_what_was_written_are_not_handed_back(void **state) {
	struct host *host = *state;
	enum { ROWS = 300 };
	struct peer *peer = host_create_drawn_peer(host, WIDTH, ROWS);
	tell(peer, take_frame);
	for (int32_t y = 0; y < ROWS; y += 2) {
		host_write(host_get_taker(host), y, y + 1, 2);
		tell(peer, draw, .y = y + 1, .width = WIDTH, .height = 1,
			.frame = 3);
	}
	host_end_capture(host, peer, 0);
	expect_handed_back(host, peer, ROWS / 2 * STRIDE);
	for (int32_t y = 0; y < ROWS; y++) {
		tell(peer, expect_rows, .y = y, .height = 1,
			.frame = y % 2 == 0 ? 2 : 3);
	}
	peer_finish(peer);
}

static void what_describes_a_capture_hands_nothing_back(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	tell(peer, take_frame);
	host_write(host_get_taker(host), 0, HEIGHT, 2);
	host_describe(host_get_taker(host));
	tell(peer, expect_drawn, .frame = 1);
	host_end_capture(host, peer, 0);
	tell(peer, expect_drawn, .frame = 2);
	expect_handed_back(host, peer, BYTES);
	peer_finish(peer);
}

/* Twice with the first object, and once with another. */
static bool take_at_once(struct actor *actor, const struct args *args) {
	struct args other = *args;
	other.count++;
	return take_source(actor, args) && take_again(actor, args) &&
		take_frame(actor, &other);
}

/* The capture is written back before the next request is handled, though both were read
 * together. */
static void what_is_captured_at_once_is_handed_back(void **state) {
	struct host *host = *state;
	for (uint32_t i = 0; i < 2; i++) {
		struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
		host->draws = 2;
		tell(peer, take_at_once);
		if (i == 1) {
			tell(peer, destroy_taker, .count = 1);
		}
		host_end_capture(host, peer, i == 1 ? 0 : 1);
		tell(peer, expect_drawn, .frame = 2);
		expect_handed_back(host, peer, BYTES);
		peer_finish(peer);
	}
}

#define REQUESTS 96

/* Passes .buffer to eight icons, one after another, .count times. Commits it after each
 * if there is a surface. All requests are sent at once. */
static bool take_icons(struct actor *actor, const struct args *args) {
	for (uint32_t i = 0; i < args->count; i++) {
		struct args icon = *args;
		icon.count = i % 8;
		if (!(i < 8 ? take_icon : take_again)(actor, &icon)) {
			return false;
		}
		if (actor->surfaces[args->surface] != NULL) {
			attach(actor, args);
			commit(actor, args);
		}
	}
	return true;
}

/* Copying a large buffer each time would take as long as the client wants. */
static void what_is_lent_again_and_again_is_copied_once(void **state) {
	struct host *host = *state;
	for (int i = 0; i < 2; i++) {
		struct peer *peer = peer_create(&host->server);
		uint64_t before = 0;
		tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
			.width = WIDTH, .height = HEIGHT);
		tell(peer, draw, .frame = 1);
		/* Binds the global before the measurement. */
		tell(peer, take_icon, .count = 8);
		if (i == 1) {
			tell(peer, show);
		}
		host_count_copied(host, peer, &before);
		for (uint32_t frame = 2; frame < 4; frame++) {
			tell(peer, draw, .frame = frame);
			tell(peer, take_icons, .count = REQUESTS / (1 +
				(uint32_t)i));
			assert_int_equal(host_count_copied(host, peer,
				&before), BYTES);
			host_expect_taken(host_get_taker(host), frame);
		}
		assert_int_equal(host_get_stats(host, peer).bytes_copied_out,
			0);
		peer_finish(peer);
	}
}

/* Its attach makes the buffer the surface's. The later requests change nothing. */
static bool commit_often(struct actor *actor, const struct args *args) {
	for (uint32_t i = 0; i < args->count; i++) {
		attach(actor, args);
		commit(actor, args);
	}
	return true;
}

static void commits_without_damage_copy_nothing(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	uint64_t before = 0;
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .frame = 1);
	tell(peer, take_icon);
	host_count_copied(host, peer, &before);
	tell(peer, draw, .frame = 2);
	tell(peer, commit_often, .count = REQUESTS);
	assert_int_equal(host_count_copied(host, peer, &before), BYTES);
	host_expect_shown(host, peer, 2);
	tell(peer, draw, .frame = 3);
	tell(peer, commit_often, .count = REQUESTS);
	assert_int_equal(host_count_copied(host, peer, &before), 0);
	host_expect_shown(host, peer, 2);
	peer_finish(peer);
}

static void an_icon_is_what_was_drawn(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_picture, .kind = kinds[i], .width = WIDTH,
			.height = HEIGHT);
		tell(peer, draw, .frame = 1);
		tell(peer, take_icon);
		host_expect_taken(host_get_taker(host), 1);
		assert_int_equal(host_get_stats(host, peer).bytes_copied_out,
			0);
		peer_finish(peer);
	}
}

static void a_capture_never_makes_a_file_longer(void **state) {
	struct host *host = *state;
	struct peer *other = peer_create(&host->server);
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, take_frame);
	tell(peer, cut_memory, .size = 5000);
	host_write(host_get_taker(host), 0, HEIGHT, 2);
	host_tell_ready(host_get_taker(host));
	const char *message = refused(peer, "wl_buffer", 0,
		WL_SHM_ERROR_INVALID_FD, expect_size, .size = 5000);
	expect_number(message, 5000);
	expect_number(message, BYTES);
	peer_finish(peer);
	tell(other, wait_handled);
	peer_finish(other);
}

int main(void) {
#define lent_test(function) \
	cmocka_unit_test_setup_teardown(function, host_setup, host_teardown)
	static const struct CMUnitTest tests[] = {
		lent_test(a_capture_is_there_when_the_client_hears_of_it),
		lent_test(only_rows_that_were_written_are_handed_back),
		lent_test(what_a_client_draws_later_is_not_written_over),
		lent_test(nor_what_it_draws_through_another_buffer),
		lent_test(a_capture_outlives_a_commit_of_its_buffer),
		lent_test(a_capture_is_handed_back_once_around_commits),
		lent_test(a_capture_outlives_a_commit_of_its_bytes),
		lent_test(rows_between_what_was_written_are_not_handed_back),
		lent_test(what_describes_a_capture_hands_nothing_back),
		lent_test(what_is_captured_at_once_is_handed_back),
		lent_test(what_is_lent_again_and_again_is_copied_once),
		lent_test(commits_without_damage_copy_nothing),
		lent_test(an_icon_is_what_was_drawn),
		lent_test(a_capture_never_makes_a_file_longer),
	};
	return cmocka_run_group_tests_name("lent", tests, NULL, NULL);
}
