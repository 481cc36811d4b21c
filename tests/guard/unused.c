/* SPDX-License-Identifier: MIT */
/*
 * Unused pages of a shadow are freed before a client is refused. They are filled again
 * before the compositor reads them, and are not freed while it may still read them.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "host.h"

#define WIDTH 64
#define HEIGHT 64
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

/* The number of buffers that fit. */
#define FIT 4
#define MANY 12

static int setup_with_idle(void **state, uint32_t idle_ms) {
	*state = host_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget.shadow_bytes = FIT * BYTES,
		.shadow_idle_ms = idle_ms,
	});
	return 0;
}

static int setup(void **state) {
	return setup_with_idle(state, UINT32_MAX);
}

static int setup_for_all(void **state) {
	*state = host_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget.shadow_bytes = FIT * BYTES,
		.budget.all_shadow_bytes = FIT * BYTES,
		.shadow_idle_ms = UINT32_MAX,
	});
	return 0;
}

static int setup_idle(void **state) {
	return setup_with_idle(state, 1);
}

static uint64_t count_bytes(struct host *host, const struct peer *peer) {
	return host_get_stats(host, peer).shadow_bytes;
}

static void make(struct peer *peer, int buffer) {
	tell(peer, make_picture, .buffer = buffer, .width = WIDTH,
		.height = HEIGHT, .kind = CLIENT_MEMORY_UNSEALED);
}

static void make_and_show(struct peer *peer, int buffer) {
	make(peer, buffer);
	tell(peer, draw_and_show, .buffer = buffer, .frame = (uint32_t)buffer);
}

static void expect_mapped(struct host *host, const struct peer *peer,
		int surface, uint32_t frame) {
	struct client_image image;
	host_get_memory(host_get_surface(host, peer, surface), &image);
	host_expect_image(&image, frame);
}

static void expect_refused(struct peer *peer, int surface, int buffer) {
	make(peer, buffer);
	const char *message = refused(peer, "wl_display", -1, 3, show,
		.surface = surface, .buffer = buffer);
	if (strstr(message, "bytes of shadows") == NULL) {
		fail_msg("refused with \"%s\"", message);
	}
}

static void more_buffers_than_fit_take_turns(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < MANY; i++) {
		make(peer, i);
	}
	for (uint32_t round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			uint32_t frame = round * MANY + (uint32_t)i + 1;
			tell(peer, draw_and_show, .buffer = i, .frame = frame);
			host_expect_shown(host, peer, frame);
			expect_between(count_bytes(host, peer), BYTES,
				FIT * BYTES);
		}
	}
	for (int i = 0; i < MANY; i++) {
		tell(peer, destroy_buffer, .buffer = i);
		tell(peer, destroy_pool, .pool = i);
	}
	tell(peer, destroy_surface);
	assert_int_equal(count_bytes(host, peer), 0);
	peer_finish(peer);
}

/* As a recorder does. */
static void more_captures_than_fit_take_turns(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < MANY; i++) {
		make(peer, i);
	}
	for (uint32_t round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			uint32_t frame = round * MANY + (uint32_t)i + 1;
			tell(peer, take_frame, .buffer = i);
			host_write(host_get_taker(host), 0, HEIGHT, frame);
			host_end_capture(host, peer, 0);
			tell(peer, destroy_taker);
			tell(peer, expect_drawn, .buffer = i, .frame = frame);
		}
	}
	peer_finish(peer);
}

/* Each frame has a new buffer, at the new end of the pool. */
static void a_pool_grows_beyond_what_fits(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_UNSEALED, BYTES);
	for (int i = 0; i < MANY; i++) {
		tell(peer, grow_memory, .size = (i + 1) * BYTES);
		tell(peer, resize_pool, .size = (i + 1) * BYTES);
		tell(peer, create_buffer, .buffer = i, .offset = i * BYTES,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE,
			.format = 1);
		tell(peer, draw_and_show, .buffer = i, .frame = (uint32_t)i);
		host_expect_shown(host, peer, (uint32_t)i);
	}
	tell(peer, draw_and_show, .buffer = 0, .frame = 20);
	host_expect_shown(host, peer, 20);
	peer_finish(peer);
}

static void so_it_does_when_they_are_destroyed(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_UNSEALED, MANY * BYTES);
	for (int i = 0; i < MANY; i++) {
		int buffer = i % 2;
		tell(peer, create_buffer, .buffer = buffer,
			.offset = i * BYTES, .width = WIDTH, .height = HEIGHT,
			.stride = STRIDE, .format = 1);
		tell(peer, draw_and_show, .buffer = buffer,
			.frame = (uint32_t)i);
		host_expect_shown(host, peer, (uint32_t)i);
		if (i > 0) {
			tell(peer, destroy_buffer, .buffer = 1 - buffer);
		}
	}
	assert_int_equal(count_bytes(host, peer), BYTES);
	peer_finish(peer);
}

static void and_when_they_are_destroyed_while_they_are_shown(void **state) {
	struct host *host = *state;
	host->releases_early = true;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_UNSEALED, MANY * BYTES);
	for (int i = 0; i < MANY; i++) {
		tell(peer, create_buffer, .offset = i * BYTES, .width = WIDTH,
			.height = HEIGHT, .stride = STRIDE, .format = 1);
		tell(peer, draw_and_show, .frame = (uint32_t)i);
		host_expect_shown(host, peer, (uint32_t)i);
		tell(peer, destroy_buffer);
	}
	assert_int_equal(count_bytes(host, peer), BYTES);
	peer_finish(peer);
}

/* At the limit of all clients, other clients' unused pages are freed as well. */
static void what_others_do_not_use_makes_room(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peers[3];
	for (int i = 0; i < 3; i++) {
		peers[i] = peer_create(&host->server);
		for (int j = 0; j < FIT; j++) {
			make(peers[i], j);
			tell(peers[i], draw_and_show, .buffer = j,
				.frame = (uint32_t)(10 * i + j));
		}
	}
	assert_int_equal(count_bytes(host, peers[2]), FIT * BYTES - 2 * BYTES);
	for (int i = 0; i < 3; i++) {
		expect_mapped(host, peers[i], 0, (uint32_t)(10 * i + FIT - 1));
		peer_finish(peers[i]);
	}
}

static void wait_for_bytes(struct host *host, const struct peer *peer,
		uint64_t bytes) {
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	while (count_bytes(host, peer) > bytes) {
		assert_true(server_now_ms() < deadline);
		server_dispatch(&host->server, -1, deadline);
	}
	assert_int_equal(count_bytes(host, peer), bytes);
}

/* Nothing damages the whole buffer, and yet all of it is copied again. */
static void what_is_idle_is_given_back_and_comes_again(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create(&host->server);
	make(peer, 0);
	make(peer, 1);
	for (uint32_t frame = 1; frame < 4; frame++) {
		tell(peer, draw_and_show, .buffer = 0, .frame = frame);
		tell(peer, draw_and_show, .buffer = 1, .frame = frame);
		wait_for_bytes(host, peer, BYTES);
		tell(peer, show, .buffer = 0, .width = 1, .height = 1);
		/* On a busy machine, the other buffer may be idle by now. */
		host_expect_shown(host, peer, frame);
		assert_in_range(count_bytes(host, peer), BYTES, 2 * BYTES);
	}
	peer_finish(peer);
}

/* A buffer that is passed to a capture is in use, too. */
static void what_is_lent_comes_again(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create(&host->server);
	make(peer, 0);
	make(peer, 1);
	tell(peer, draw_and_show, .buffer = 0, .frame = 1);
	tell(peer, draw_and_show, .buffer = 1, .frame = 2);
	wait_for_bytes(host, peer, BYTES);
	tell(peer, take_icon, .buffer = 0);
	host_expect_taken(host_get_taker(host), 1);
	peer_finish(peer);
}

/* Four buffers are in use, each for another reason. A fifth is refused, and what the
 * compositor may read has not changed. */

static void what_is_shown_stays(void **state) {
	struct host *host = *state;
	host->releases_early = true;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < FIT; i++) {
		make(peer, i);
		tell(peer, create_surface, .surface = i);
		tell(peer, draw_and_show, .surface = i, .buffer = i,
			.frame = (uint32_t)i);
	}
	for (int i = 0; i < FIT; i++) {
		expect_mapped(host, peer, i, (uint32_t)i);
	}
	expect_refused(peer, FIT, FIT);
	peer_finish(peer);
}

/* When the surface shows another buffer, this one is unused. */
static void what_was_released_early_goes_when_it_is_replaced(void **state) {
	struct host *host = *state;
	host->releases_early = true;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < MANY; i++) {
		make_and_show(peer, i);
		host_expect_shown(host, peer, (uint32_t)i);
	}
	peer_finish(peer);
}

static void what_was_not_released_stays(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	struct client_image images[FIT];
	for (int i = 0; i < FIT; i++) {
		make_and_show(peer, i);
		host_get_memory(host_get_surface(host, peer, 0), &images[i]);
	}
	for (int i = 0; i < FIT; i++) {
		host_expect_image(&images[i], (uint32_t)i);
	}
	expect_refused(peer, 0, FIT);
	peer_finish(peer);
}

/* One release does not answer two commits. */
static void each_commit_is_to_be_answered(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < FIT; i++) {
		make_and_show(peer, i);
		host->releases = true;
		tell(peer, show, .buffer = i);
		host->releases = false;
	}
	expect_refused(peer, 0, FIT);
	peer_finish(peer);
}

static void what_is_attached_only_stays(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < FIT; i++) {
		make_and_show(peer, i);
		/* It was released, and is shown again. */
		tell(peer, create_surface, .surface = i + 1);
		tell(peer, attach, .surface = i + 1, .buffer = i);
	}
	tell(peer, attach, .buffer = NO_BUFFER);
	tell(peer, commit);
	assert_int_equal(count_bytes(host, peer), FIT * BYTES);
	expect_refused(peer, FIT + 1, FIT);
	peer_finish(peer);
}

/* The other surface still shows it. */
static void what_two_surfaces_show_stays(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create(&host->server);
	make(peer, 0);
	tell(peer, draw_and_show, .surface = 0, .frame = 1);
	tell(peer, create_surface, .surface = 1);
	tell(peer, show, .surface = 1);
	make(peer, 1);
	tell(peer, draw_and_show, .surface = 0, .buffer = 1);
	for (int i = 2; i < MANY; i++) {
		make(peer, i);
		tell(peer, draw_and_show, .surface = 0, .buffer = i);
		expect_mapped(host, peer, 1, 1);
	}
	peer_finish(peer);
}

static void what_is_lent_stays(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < FIT - 1; i++) {
		make(peer, i);
		tell(peer, draw, .buffer = i, .frame = (uint32_t)i);
		tell(peer, take_frame, .buffer = i, .count = (uint32_t)i);
		host_expect_taken(host_get_taker(host), (uint32_t)i);
	}
	make(peer, FIT);
	struct compositor_taker *taker;
	uint32_t frame = FIT - 1;
	refused(peer, "wl_display", -1, 3, show, .buffer = FIT);
	wl_list_for_each(taker, &host->server.compositor.takers, link) {
		host_expect_taken(taker, --frame);
	}
	peer_finish(peer);
}

/* Sent together: nothing needs to be copied for the capture. */
static bool show_replace_and_take(struct actor *actor,
		const struct args *args) {
	return draw_and_show(actor, &(struct args){ .frame = args->frame }) &&
		show(actor, &(struct args){ .buffer = 1 }) &&
		take_frame(actor, &(struct args){ .buffer = 0 });
}

static void so_it_does_when_it_was_up_to_date(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create(&host->server);
	make(peer, 0);
	make(peer, 1);
	tell(peer, create_surface);
	tell(peer, show_replace_and_take, .frame = 7);
	for (int i = 2; i < MANY; i++) {
		make_and_show(peer, i);
		host_expect_taken(host_get_taker(host), 7);
	}
	peer_finish(peer);
}

static void what_is_destroyed_while_it_is_lent_stays(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	make(peer, 0);
	tell(peer, draw, .frame = 3);
	tell(peer, take_frame);
	struct wl_shm_buffer *shm =
		wl_shm_buffer_get(host_get_taker(host)->buffer.resource);
	struct client_image image = {
		.width = WIDTH, .height = HEIGHT, .stride = STRIDE,
		.data = wl_shm_buffer_get_data(shm),
	};
	tell(peer, destroy_buffer);
	host_expect_image(&image, 3);
	peer_finish(peer);
}

/* Many buffers have the same bytes. The one that was passed first is not tracked any
 * more, although its object still has it. */
static void what_is_lent_and_not_followed_stays(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create(&host->server);
	make(peer, 0);
	tell(peer, draw, .frame = 3);
	tell(peer, take_frame);
	struct compositor_taker *taker = host_get_taker(host);
	for (int i = 1; i < 4; i++) {
		tell(peer, create_buffer, .buffer = i, .width = WIDTH,
			.height = HEIGHT, .stride = STRIDE, .format = 1);
		tell(peer, take_frame, .buffer = i, .count = (uint32_t)i);
	}
	for (uint32_t i = 1; i < 4; i++) {
		tell(peer, destroy_taker, .count = i);
	}
	for (int i = 4; i < MANY; i++) {
		make_and_show(peer, i);
		host_expect_taken(taker, 3);
	}
	peer_finish(peer);
}

/* An icon that was set may be shown after its object is destroyed. */
static void what_was_an_icon_stays(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < FIT - 1; i++) {
		make(peer, i);
		tell(peer, take_icon, .buffer = i);
		tell(peer, destroy_taker);
	}
	make(peer, FIT - 1);
	tell(peer, show, .buffer = FIT - 1);
	assert_int_equal(count_bytes(host, peer), FIT * BYTES);
	expect_refused(peer, 0, FIT);
	peer_finish(peer);
}

/* Three adjacent buffers, each of which shares a page with the next:
 *
 *   pages       |   0   |   1   |   2   |   3   |   4   |
 *   buffers       |    0    |     1     |     2    |
 */
static void a_page_of_another_buffer_stays(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create(&host->server);
	int32_t page = (int32_t)sysconf(_SC_PAGESIZE);
	int32_t rows = page * 3 / 2 / STRIDE;
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED,
		.size = 5 * page);
	tell(peer, create_pool, .size = 5 * page);
	for (int i = 0; i < 3; i++) {
		tell(peer, create_buffer, .buffer = i,
			.offset = page / 4 + i * rows * STRIDE, .width = WIDTH,
			.height = rows, .stride = STRIDE, .format = 1);
		tell(peer, create_surface, .surface = i);
		tell(peer, draw_and_show, .surface = i, .buffer = i,
			.frame = (uint32_t)i + 1);
	}
	assert_int_equal(count_bytes(host, peer), 5 * page);
	/* The outer ones are freed. */
	for (int i = 0; i < 3; i += 2) {
		tell(peer, attach, .surface = i, .buffer = NO_BUFFER);
		tell(peer, commit, .surface = i);
	}
	wait_for_bytes(host, peer, 3 * (uint64_t)page);
	expect_mapped(host, peer, 1, 2);
	for (int i = 0; i < 3; i += 2) {
		tell(peer, show, .surface = i, .buffer = i, .width = 1,
			.height = 1);
		expect_mapped(host, peer, i, (uint32_t)i + 1);
	}
	expect_mapped(host, peer, 1, 2);
	assert_int_equal(count_bytes(host, peer), 5 * page);
	peer_finish(peer);
}

/* The compositor keeps what its client has destroyed. */
static void what_is_destroyed_while_it_is_shown_stays(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_UNSEALED, BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = 1);
	tell(peer, draw_and_show, .frame = 1);
	struct client_image image;
	host_get_memory(host_get_surface(host, peer, 0), &image);
	tell(peer, destroy_buffer);
	tell(peer, create_surface, .surface = 1);
	for (int i = 1; i < MANY; i++) {
		make(peer, i);
		tell(peer, draw_and_show, .surface = 1, .buffer = i);
	}
	host_expect_image(&image, 1);
	/* It can no longer be released. */
	tell(peer, draw_and_show, .buffer = 1);
	for (int i = 1; i < MANY; i++) {
		tell(peer, draw_and_show, .surface = 1, .buffer = i);
	}
	host_expect_image(&image, 1);
	peer_finish(peer);
}

static unsigned read_late(const struct client_image *image) {
	unsigned sum = 0;
	for (int32_t y = 0; y < HEIGHT; y++) {
		sum += client_image_get(image, 0, y);
	}
	return sum;
}

/* From then on, nothing is freed, and this is logged once. */
static void who_reads_after_a_release_is_found_out(void **state) {
	struct host *host = *state;
	host->releases = true;
	struct peer *peer = peer_create(&host->server);
	make(peer, 0);
	make(peer, 1);
	tell(peer, draw_and_show, .buffer = 0, .frame = 1);
	struct client_image image;
	host_get_memory(host_get_surface(host, peer, 0), &image);
	tell(peer, draw_and_show, .buffer = 1, .frame = 2);
	wait_for_bytes(host, peer, BYTES);
	assert_int_equal(host->server.messages, 0);
	assert_int_equal(read_late(&image), 0);
	tell(peer, show, .buffer = 0, .width = 1, .height = 1);
	host_expect_shown(host, peer, 1);
	assert_int_equal(count_bytes(host, peer), 2 * BYTES);
	assert_int_equal(host->server.messages, 1);
	assert_non_null(strstr(host->server.message, "after"));
	/* What another client shows is not freed either. */
	struct peer *other = peer_create(&host->server);
	for (int i = 0; i < FIT; i++) {
		make_and_show(other, i);
	}
	expect_refused(other, 0, FIT);
	assert_int_equal(host->server.messages, 2);
	peer_finish(other);
	peer_finish(peer);
}

int main(void) {
#define unused_test(function, setup) \
	cmocka_unit_test_setup_teardown(function, setup, host_teardown)
	static const struct CMUnitTest tests[] = {
		unused_test(more_buffers_than_fit_take_turns, setup),
		unused_test(more_captures_than_fit_take_turns, setup),
		unused_test(a_pool_grows_beyond_what_fits, setup),
		unused_test(so_it_does_when_they_are_destroyed, setup),
		unused_test(and_when_they_are_destroyed_while_they_are_shown,
			setup),
		unused_test(what_others_do_not_use_makes_room, setup_for_all),
		unused_test(what_is_idle_is_given_back_and_comes_again,
			setup_idle),
		unused_test(what_is_lent_comes_again, setup_idle),
		unused_test(what_is_shown_stays, setup),
		unused_test(what_was_released_early_goes_when_it_is_replaced,
			setup),
		unused_test(what_was_not_released_stays, setup),
		unused_test(each_commit_is_to_be_answered, setup),
		unused_test(what_is_attached_only_stays, setup),
		unused_test(what_two_surfaces_show_stays, setup),
		unused_test(what_is_lent_stays, setup),
		unused_test(so_it_does_when_it_was_up_to_date, setup),
		unused_test(what_is_destroyed_while_it_is_lent_stays, setup),
		unused_test(what_is_lent_and_not_followed_stays, setup),
		unused_test(what_was_an_icon_stays, setup),
		unused_test(a_page_of_another_buffer_stays, setup_idle),
		unused_test(what_is_destroyed_while_it_is_shown_stays, setup),
		unused_test(who_reads_after_a_release_is_found_out,
			setup_idle),
	};
	return cmocka_run_group_tests_name("unused", tests, NULL, NULL);
}
