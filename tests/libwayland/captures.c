/* SPDX-License-Identifier: MIT */
/*
 * Captures: what a compositor writes to a buffer, with libwayland's functions for wl_shm.
 */
#include <fcntl.h>
#include <wayland-server-protocol.h>

#include "host.h"
#include "libwayland/wl_shm.h"
#include "server/context.h"
#include "shm.h"

/* Creates a client whose only buffer was used for a capture. */
static struct peer *create_captured(struct host *host,
		enum client_memory_kind kind) {
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = kind, .width = WIDTH,
		.height = HEIGHT);
	tell(peer, capture);
	return peer;
}

static void what_a_capture_writes_reaches_its_client(void **state) {
	struct host *host = *state;
	client_memory_for_each(kind, CLIENT_MEMORY_SEALED) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_picture, .kind = kind, .width = WIDTH,
			.height = HEIGHT);
		for (uint32_t frame = 1; frame < 4; frame++) {
			tell(peer, capture);
			write_frame(host->captured, frame);
			tell(peer, expect_drawn, .frame = frame);
		}
		peer_finish(peer);
	}
}

static void a_capture_after_the_surface_reaches_its_client(void **state) {
	struct host *host = *state;
	struct peer *peer = create_shown(host, CLIENT_MEMORY_UNSEALED);
	expect_read(host->shown, 1);
	tell(peer, show, .buffer = NO_BUFFER);
	tell(peer, capture);
	write_frame(host->captured, 2);
	tell(peer, expect_drawn, .frame = 2);
	tell(peer, draw_and_show, .frame = 3);
	expect_read(host->shown, 3);
	peer_finish(peer);
}

/* The compositor keeps the address that the buffer has when it is attached. */
static void a_captured_buffer_has_one_address_when_shown(void **state) {
	struct host *host = *state;
	client_memory_for_each(kind, CLIENT_MEMORY_SEALED) {
		struct peer *peer = create_captured(host, kind);
		write_frame(host->captured, 1);
		tell(peer, draw_and_show, .frame = 2);
		void *data = wl_shm_buffer_get_data(host->shown);
		for (uint32_t frame = 3; frame < 6; frame++) {
			tell(peer, draw_and_show, .frame = frame);
			expect_read_at(host->shown, data, frame);
		}
		peer_finish(peer);
	}
}

/* An image of the surface that was created before the capture keeps its address. */
static void the_address_before_a_capture_stays_current(void **state) {
	struct host *host = *state;
	client_memory_for_each(kind, CLIENT_MEMORY_SEALED) {
		struct peer *peer = create_shown(host, kind);
		expect_read(host->shown, 1);
		void *data = wl_shm_buffer_get_data(host->shown);
		tell(peer, capture);
		write_frame(host->captured, 2);
		expect_read_at(host->shown, data, 2);
		tell(peer, draw_and_show, .frame = 3);
		expect_read_at(host->shown, data, 3);
		expect_read(host->shown, 3);
		peer_finish(peer);
	}
}

/* A slow file is read when the client commits, which is here after the capture has
 * begun. */
static void what_is_written_while_it_is_shown_is_read(void **state) {
	struct host *host = *state;
	client_memory_for_each(kind, CLIENT_MEMORY_UNSEALED) {
		struct peer *peer = create_shown(host, kind);
		expect_read(host->shown, 1);
		tell(peer, show, .buffer = NO_BUFFER);
		tell(peer, capture);
		wl_shm_buffer_begin_access(host->captured);
		tell(peer, show);
		write_frame(host->captured, 2);
		wl_shm_buffer_end_access(host->captured);
		tell(peer, expect_drawn, .frame = 2);
		expect_read(host->shown, 2);
		peer_finish(peer);
	}
}

static void what_was_written_is_not_read_before_the_end(void **state) {
	struct host *host = *state;
	client_memory_for_each(kind, CLIENT_MEMORY_UNSEALED) {
		struct peer *peer = create_captured(host, kind);
		wl_shm_buffer_begin_access(host->captured);
		write_frame(host->captured, 2);
		tell(peer, show);
		wl_shm_buffer_end_access(host->captured);
		tell(peer, expect_drawn, .frame = 2);
		peer_finish(peer);
	}
}

/* The client may already draw again. */
static void what_is_shown_after_a_capture_is_not_written(void **state) {
	struct host *host = *state;
	client_memory_for_each(kind, CLIENT_MEMORY_UNSEALED) {
		struct peer *peer = create_captured(host, kind);
		write_frame(host->captured, 1);
		tell(peer, draw_and_show, .frame = 2);
		wl_shm_buffer_begin_access(host->shown);
		tell(peer, draw, .frame = 3);
		expect(host->shown, 2);
		wl_shm_buffer_end_access(host->shown);
		tell(peer, expect_drawn, .frame = 3);
		peer_finish(peer);
	}
}

/* A destroyed buffer of a capture shares its pool with one that is still in use. The fd
 * is closed when another client needs it. */
static void a_capture_does_not_keep_its_file(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_UNSEALED, 2 * BYTES);
	for (int i = 0; i < 2; i++) {
		tell(peer, create_buffer, .buffer = i, .offset = i * BYTES,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE,
			.format = 1);
	}
	tell(peer, capture, .buffer = 0);
	write_frame(host->captured, 1);
	tell(peer, capture, .buffer = 1);
	struct wl_shm_buffer *kept = sp_libwayland.shm_buffer_ref(host->captured);
	peer_finish(peer);

	peer = peer_create(&host->server);
	for (int i = 0; i < 3; i++) {
		tell(peer, make_memory, .memory = i,
			.kind = CLIENT_MEMORY_UNSEALED, .size = BYTES);
		tell(peer, create_pool, .memory = i, .pool = i, .size = BYTES);
	}
	sp_libwayland.shm_buffer_unref(kept);
	peer_finish(peer);
}

static void what_cannot_be_written_can_be_read(void **state) {
	struct host *host = *state;
	client_memory_for_each(kind, CLIENT_MEMORY_SEALED) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_memory, .kind = kind, .size = BYTES);
		tell(peer, fill_memory, .frame = 5);
		tell(peer, make_memory_read_only);
		tell(peer, create_pool, .size = BYTES);
		tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
			.stride = STRIDE, .format = 1);
		tell(peer, capture);
		write_frame(host->captured, 6);
		peer_finish(peer);
	}
}

/* Also one that is read in place. */
static void what_is_on_a_surface_can_be_written(void **state) {
	struct host *host = *state;
	struct peer *sealed_late = create_shown(host, CLIENT_MEMORY_UNSEALED);
	tell(sealed_late, seal_memory, .seals = F_SEAL_SHRINK);
	tell(sealed_late, draw_and_show, .frame = 1);
	expect_read(host->shown, 1);
	assert_int_equal(get_stats(host, sealed_late).
		buffers[SEALPOOL_MEMORY_DIRECT], 1);
	write_frame(host->shown, 2);
	peer_finish(sealed_late);
	client_memory_for_each(kind, CLIENT_MEMORY_SEALED) {
		struct peer *peer = create_shown(host, kind);
		tell(peer, capture);
		tell(peer, show);
		write_frame(host->captured, 2);
		peer_finish(peer);
	}
}

/* The limit leaves no memory for a copy. */
static void what_is_not_copied_can_be_written(void **state) {
	struct host *host = *state;
	host->shm->context->limits.shadow_bytes = 1;
	struct peer *peer = create_captured(host, CLIENT_MEMORY_UNSEALED);
	write_frame(host->captured, 1);
	const uint32_t *pixels = wl_shm_buffer_get_data(host->captured);
	for (size_t i = 0; i < WIDTH * HEIGHT; i++) {
		assert_int_equal(pixels[i], 0);
	}
	expect_number(refused(peer, "wl_display", -1,
		WL_DISPLAY_ERROR_IMPLEMENTATION, wait_for_the_end), 1);
	peer_finish(peer);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(what_a_capture_writes_reaches_its_client),
		TEST(a_capture_after_the_surface_reaches_its_client),
		TEST(a_captured_buffer_has_one_address_when_shown),
		TEST(the_address_before_a_capture_stays_current),
		TEST(what_is_written_while_it_is_shown_is_read),
		TEST(what_was_written_is_not_read_before_the_end),
		TEST(what_is_shown_after_a_capture_is_not_written),
		cmocka_unit_test_setup_teardown(a_capture_does_not_keep_its_file,
			setup_with_three_fds, teardown),
		TEST(what_cannot_be_written_can_be_read),
		TEST(what_is_on_a_surface_can_be_written),
		TEST(what_is_not_copied_can_be_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
