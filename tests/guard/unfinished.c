/* SPDX-License-Identifier: MIT */
/*
 * Captures that are not completed: what the client has drawn meanwhile stays, whether the
 * frame, the buffer or the client is destroyed first.
 */
#include <wayland-client.h>

#include "host.h"

#define WIDTH 64
#define HEIGHT 64
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static const enum client_memory_kind kinds[] = {
	CLIENT_MEMORY_SEALED,
	CLIENT_MEMORY_UNSEALED,
	CLIENT_MEMORY_SHM_OPEN,
	CLIENT_MEMORY_FILE,
};

#define KINDS_LEN (sizeof(kinds) / sizeof(kinds[0]))

/* Destroys the object in slot .count, and draws before the compositor handles that. */
static bool destroy_taker_and_draw(struct actor *actor,
		const struct args *args) {
	return destroy_taker(actor, args) && draw(actor, args);
}

static void destroy_frame_and_draw(struct peer *peer, bool at_once,
		int32_t height, uint32_t frame) {
	if (at_once) {
		tell(peer, destroy_taker_and_draw, .width = WIDTH,
			.height = height, .frame = frame);
	} else {
		tell(peer, destroy_taker);
		tell(peer, draw, .width = WIDTH, .height = height,
			.frame = frame);
	}
}

/* Rows 0 to "bottom" are drawn for the frame in slot 0. With "others", an icon in slot 1
 * and a source in slot 2 have the same buffer. */
static struct peer *begin_capture(struct host *host,
		enum client_memory_kind kind, bool others, int32_t bottom) {
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = kind, .width = WIDTH,
		.height = HEIGHT);
	tell(peer, draw_and_show, .frame = 1);
	if (others) {
		tell(peer, take_icon, .count = 1);
		tell(peer, take_source, .count = 2);
	}
	tell(peer, take_frame);
	host_write(host_get_taker(host), 0, bottom, 2);
	return peer;
}

static void a_frame_that_is_destroyed_overwrites_no_newer_commit(
		void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN * 4; i++) {
		bool at_once = i & 1, others = i & 2;
		struct peer *peer =
			begin_capture(host, kinds[i / 4], others, HEIGHT);
		destroy_frame_and_draw(peer, at_once, HEIGHT, 3);
		tell(peer, show);
		host_expect_shown(host, peer, 3);
		tell(peer, expect_drawn, .frame = 3);
		if (others) {
			host_end_capture(host, peer, 2);
			tell(peer, expect_drawn, .frame = 3);
			host_expect_taken(host_get_taker(host), 3);
		}
		peer_finish(peer);
	}
}

/* What the compositor writes for the others belongs to them. */
static void nor_what_was_drawn_when_another_object_speaks(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN * 2; i++) {
		struct peer *peer =
			begin_capture(host, kinds[i / 2], true, 40);
		destroy_frame_and_draw(peer, i & 1, 40, 3);
		host_write(host_get_taker(host), 50, 60, 4);
		host_end_capture(host, peer, 2);
		tell(peer, expect_rows, .y = 0, .height = 40, .frame = 3);
		tell(peer, expect_rows, .y = 40, .height = 10, .frame = 1);
		tell(peer, expect_rows, .y = 50, .height = 10, .frame = 4);
		tell(peer, expect_rows, .y = 60, .height = 4, .frame = 1);
		peer_finish(peer);
	}
}

/* The first row is a buffer. Each of the others has all rows below it. The last one
 * exceeds what may be passed to captures. The frame is destroyed, or not. */
static void nor_when_too_much_is_lent(void **state) {
	struct host *host = *state;
	for (int i = 0; i < 2; i++) {
		struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
		tell(peer, create_buffer, .buffer = 1, .width = WIDTH,
			.height = 1, .stride = STRIDE, .format = 1);
		tell(peer, take_icon, .buffer = 1, .count = 1);
		tell(peer, take_frame, .buffer = 1);
		host_write(host_get_taker(host), 0, 1, 2);
		if (i == 1) {
			tell(peer, destroy_taker);
		}
		tell(peer, draw, .buffer = 1, .frame = 3);
		for (int j = 2; j < 5; j++) {
			tell(peer, create_buffer, .buffer = j,
				.offset = STRIDE, .width = WIDTH,
				.height = HEIGHT - 1, .stride = STRIDE,
				.format = 1);
			tell(peer, take_icon, .buffer = j,
				.count = (uint32_t)j);
		}
		tell(peer, expect_rows, .y = 0, .height = 1, .frame = 3);
		tell(peer, expect_rows, .y = 1, .height = HEIGHT - 1,
			.frame = 1);
		peer_finish(peer);
	}
}

/* The other object reads the newest pixels, too. */
static void the_other_object_has_what_was_drawn(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN * 2; i++) {
		struct peer *peer =
			begin_capture(host, kinds[i / 2], true, HEIGHT);
		destroy_frame_and_draw(peer, i & 1, HEIGHT, 3);
		host_end_capture(host, peer, 2);
		tell(peer, expect_drawn, .frame = 3);
		host_expect_taken(host_get_taker(host), 3);
		peer_finish(peer);
	}
}

/* Without a guard, it would be the same. */
static void what_was_written_remains_where_nothing_was_drawn(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN * 4; i++) {
		bool at_once = i & 1, others = i & 2;
		struct peer *peer =
			begin_capture(host, kinds[i / 4], others, 40);
		destroy_frame_and_draw(peer, at_once, 20, 3);
		if (others) {
			host_end_capture(host, peer, 2);
		}
		tell(peer, expect_rows, .y = 0, .height = 20, .frame = 3);
		tell(peer, expect_rows, .y = 20, .height = 20, .frame = 2);
		tell(peer, expect_rows, .y = 40, .height = 24, .frame = 1);
		peer_finish(peer);
	}
}

/* It was passed to a capture again since the client got the event. */
static void also_for_a_source_that_has_captured_before(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	tell(peer, take_source);
	host_write(host_get_taker(host), 0, HEIGHT, 2);
	host_end_capture(host, peer, 0);
	tell(peer, take_again);
	host_write(host_get_taker(host), 0, 40, 3);
	tell(peer, destroy_taker);
	tell(peer, expect_rows, .y = 0, .height = 40, .frame = 3);
	tell(peer, expect_rows, .y = 40, .height = 24, .frame = 2);
	peer_finish(peer);
}

/* A commit copies only the damage. */
static void the_screen_shows_what_the_client_has_then(void **state) {
	struct host *host = *state;
	struct peer *peer =
		begin_capture(host, CLIENT_MEMORY_UNSEALED, false, HEIGHT);
	tell(peer, destroy_taker);
	tell(peer, show, .width = 1, .height = 1);
	host_expect_shown(host, peer, 2);
	tell(peer, expect_drawn, .frame = 2);
	peer_finish(peer);
}

/* Another wl_buffer has the same bytes. */
static void a_buffer_that_is_destroyed_leaves_what_was_written(void **state) {
	struct host *host = *state;
	for (int i = 0; i < 2; i++) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
			.width = WIDTH, .height = HEIGHT);
		tell(peer, create_buffer, .buffer = 1, .width = WIDTH,
			.height = HEIGHT, .stride = STRIDE, .format = 1);
		tell(peer, draw, .frame = 1);
		if (i == 1) {
			tell(peer, take_icon, .count = 1);
		}
		tell(peer, take_frame, .buffer = 1);
		host_write(host_get_taker(host), 0, 40, 2);
		tell(peer, draw, .width = WIDTH, .height = 20, .frame = 3);
		tell(peer, destroy_buffer, .buffer = 1);
		tell(peer, draw, .y = 20, .width = WIDTH, .height = 10,
			.frame = 3);
		tell(peer, show);
		tell(peer, expect_rows, .y = 0, .height = 30, .frame = 3);
		tell(peer, expect_rows, .y = 30, .height = 10, .frame = 2);
		tell(peer, expect_rows, .y = 40, .height = 24, .frame = 1);
		peer_finish(peer);
	}
}

/* It is to be shown now, and what was captured is older. */
static void what_is_drawn_and_shown_during_a_capture_remains(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer =
			begin_capture(host, kinds[i], false, HEIGHT);
		tell(peer, draw_and_show, .frame = 3);
		host_expect_shown(host, peer, 3);
		host_end_capture(host, peer, 0);
		tell(peer, expect_drawn, .frame = 3);
		peer_finish(peer);
	}
}

static const order_func takes[] = { take_frame, take_source, take_icon };

static bool take(struct actor *actor, const struct args *args) {
	return takes[args->frame](actor, args);
}

/* The capture is not begun if the file is already short: Weston's GL renderer aborts if
 * the buffer is destroyed with its client meanwhile. */
static void what_is_short_is_not_lent(void **state) {
	struct host *host = *state;
	for (uint32_t i = 0; i < 3; i++) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_picture, .width = WIDTH, .height = HEIGHT,
			.kind = CLIENT_MEMORY_UNSEALED);
		tell(peer, cut_memory, .size = 5000);
		unsigned before = host->buffers_seen;
		refused(peer, "wl_buffer", 0, WL_SHM_ERROR_INVALID_FD, take,
			.frame = i);
		assert_int_equal(host->buffers_seen, before);
		peer_finish(peer);
	}
}

/* Both requests are read together, so the event loop does nothing in between. */
static bool show_one_and_take_another(struct actor *actor,
		const struct args *args) {
	return show(actor, args) &&
		take_frame(actor, &(struct args){ .buffer = 1 });
}

/* For any error of the client, and any buffer that it passes. */
static void nothing_is_lent_of_who_is_to_go(void **state) {
	static const enum client_memory_kind others[] = {
		CLIENT_MEMORY_UNSEALED, CLIENT_MEMORY_SEALED,
	};
	struct host *host = *state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_picture, .width = WIDTH, .height = HEIGHT,
			.kind = CLIENT_MEMORY_UNSEALED);
		tell(peer, make_picture, .buffer = 1, .width = WIDTH,
			.height = HEIGHT, .kind = others[i]);
		tell(peer, draw, .buffer = 1, .frame = 1);
		tell(peer, cut_memory, .size = 5000);
		unsigned before = host->buffers_seen;
		refused(peer, "wl_buffer", 0, WL_SHM_ERROR_INVALID_FD,
			show_one_and_take_another);
		/* The buffer of its surface. */
		assert_int_equal(host->buffers_seen, before + 1);
		peer_finish(peer);
	}
}

static void a_lenient_guard_lends_what_is_short(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, cut_memory, .size = 5000);
	tell(peer, take_frame);
	assert_int_equal(host->buffers_seen, 1);
	host_write(host_get_taker(host), 0, HEIGHT, 2);
	host_end_capture(host, peer, 0);
	tell(peer, expect_size, .size = 5000);
	peer_finish(peer);
}

static void a_capture_into_read_only_memory_is_the_clients_end(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SHM_OPEN, .size = BYTES);
	tell(peer, make_memory_read_only);
	tell(peer, create_pool, .size = BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = 1);
	/* Reading it is permitted. */
	tell(peer, draw, .frame = 1);
	tell(peer, take_icon);
	host_expect_taken(host_get_taker(host), 1);
	tell(peer, take_frame, .count = 1);
	host_write(host_get_taker(host), 0, HEIGHT, 2);
	host_tell_ready(host_get_taker(host));
	refused(peer, "wl_buffer", 0, WL_SHM_ERROR_INVALID_FD, wait_handled);
	peer_finish(peer);
}

/* The first buffer has the first row. Each of the others has all rows below. */
static void make_read_only_buffers(struct peer *peer) {
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SHM_OPEN, .size = BYTES);
	tell(peer, make_memory_read_only);
	tell(peer, create_pool, .size = BYTES);
	for (int i = 0; i < 4; i++) {
		tell(peer, create_buffer, .buffer = i,
			.offset = i > 0 ? STRIDE : 0, .width = WIDTH,
			.height = i > 0 ? HEIGHT - 1 : 1, .stride = STRIDE,
			.format = 1);
	}
}

/* libwayland disconnects a client with an error only at its next request. */
static void who_keeps_silent_is_disconnected_too(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	make_read_only_buffers(peer);
	tell(peer, take_frame);
	host_write(host_get_taker(host), 0, 1, 2);
	host_tell_ready(host_get_taker(host));
	server_settle(&host->server);
	assert_null(peer->client);
	assert_true(wl_list_empty(&host->server.compositor.takers));
	refused(peer, "wl_buffer", 0, WL_SHM_ERROR_INVALID_FD, wait_handled);
	peer_finish(peer);
}

/* When too many buffers are passed, the first one is written back. */
static void nothing_is_lent_when_what_was_lent_ends_its_client(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	make_read_only_buffers(peer);
	tell(peer, take_frame, .buffer = 0, .count = 0);
	host_write(host_get_taker(host), 0, 1, 2);
	tell(peer, take_icon, .buffer = 1, .count = 1);
	tell(peer, take_icon, .buffer = 2, .count = 2);
	unsigned before = host->buffers_seen;
	refused(peer, "wl_buffer", 0, WL_SHM_ERROR_INVALID_FD, take_icon,
		.buffer = 3, .count = 3);
	assert_int_equal(host->buffers_seen, before);
	peer_finish(peer);
}

static void a_buffer_may_go_during_its_capture(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, take_frame);
	tell(peer, destroy_buffer);
	host_end_capture(host, peer, 0);
	/* The next object with its id was not passed to the frame. */
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = 1);
	tell(peer, draw_and_show, .frame = 1);
	tell(peer, draw, .frame = 2);
	host_tell_ready(host_get_taker(host));
	tell(peer, expect_drawn, .frame = 2);
	tell(peer, destroy_taker);
	peer_finish(peer);
}

static void a_frame_may_go_before_its_buffer(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, take_frame);
	tell(peer, destroy_taker);
	tell(peer, draw_and_show, .frame = 1);
	host_expect_shown(host, peer, 1);
	tell(peer, take_frame);
	host_write(host_get_taker(host), 0, HEIGHT, 2);
	host_end_capture(host, peer, 0);
	tell(peer, expect_drawn, .frame = 2);
	peer_finish(peer);
}

static void a_client_may_end_during_captures(void **state) {
	struct host *host = *state;
	for (int i = 0; i < 4; i++) {
		struct peer *peer = peer_create(&host->server);
		for (int j = 0; j < 4; j++) {
			tell(peer, make_picture, .buffer = j,
				.kind = CLIENT_MEMORY_UNSEALED,
				.width = WIDTH, .height = HEIGHT);
			tell(peer, take_frame, .buffer = j,
				.count = (uint32_t)j);
			tell(peer, take_icon, .buffer = j,
				.count = 4 + (uint32_t)j);
		}
		if (i % 2 == 0) {
			peer_kill(peer);
		} else {
			peer_finish(peer);
		}
	}
}

/* A buffer one pixel wide has as many rows as its pool has pixels. The records of the
 * rows are charged to the client. */
static void a_tall_buffer_does_not_cost_more_than_its_bytes(void **state) {
	struct host *host = *state;
	enum { ROWS = 4 << 20 };
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED, .width = 1,
		.height = ROWS);
	tell(peer, take_icon);
	size_t before = count_private_bytes();
	for (uint32_t i = 1; i < 8; i++) {
		tell(peer, take_icon, .count = i);
	}
	size_t after = count_private_bytes();
	expect_between(after > before ? after - before : 0, 0, ROWS);
	host_write(host_get_taker(host), 0, ROWS, 2);
	tell(peer, take_frame, .count = 8);
	host_write(host_get_taker(host), 10, ROWS - 10, 2);
	host_end_capture(host, peer, 8);
	tell(peer, expect_rows, .y = 10, .height = ROWS - 20, .frame = 2);
	peer_finish(peer);
}

int main(void) {
#define lent_test(function) \
	cmocka_unit_test_setup_teardown(function, host_setup, host_teardown)
	static const struct CMUnitTest tests[] = {
		lent_test(
			a_frame_that_is_destroyed_overwrites_no_newer_commit),
		lent_test(nor_what_was_drawn_when_another_object_speaks),
		lent_test(nor_when_too_much_is_lent),
		lent_test(the_other_object_has_what_was_drawn),
		lent_test(what_was_written_remains_where_nothing_was_drawn),
		lent_test(also_for_a_source_that_has_captured_before),
		lent_test(the_screen_shows_what_the_client_has_then),
		lent_test(a_buffer_that_is_destroyed_leaves_what_was_written),
		lent_test(what_is_drawn_and_shown_during_a_capture_remains),
		lent_test(what_is_short_is_not_lent),
		lent_test(nothing_is_lent_of_who_is_to_go),
		cmocka_unit_test_setup_teardown(
			a_lenient_guard_lends_what_is_short,
			host_setup_lenient, host_teardown),
		lent_test(a_capture_into_read_only_memory_is_the_clients_end),
		lent_test(who_keeps_silent_is_disconnected_too),
		lent_test(nothing_is_lent_when_what_was_lent_ends_its_client),
		lent_test(a_buffer_may_go_during_its_capture),
		lent_test(a_frame_may_go_before_its_buffer),
		lent_test(a_client_may_end_during_captures),
		lent_test(a_tall_buffer_does_not_cost_more_than_its_bytes),
	};
	return cmocka_run_group_tests_name("lent", tests, NULL, NULL);
}
