/* SPDX-License-Identifier: MIT */
/*
 * How a buffer's bytes are seen: which kind of memory it is judged to be, that
 * the pixels are exact in each, and that no more is copied than must be.
 *
 * What is copied is counted in bytes. Buffers here are wide, so that the rows
 * of a rectangle lie far enough apart to be copied one by one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wayland-client.h>

#include "peer.h"
#include "server.h"

#define WIDTH 512
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static int setup_lenient(void **state) {
	*state = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.lenient = true,
	});
	return *state != NULL ? 0 : -1;
}

static uint64_t count_copied(struct server *server, const struct peer *peer) {
	return server_get_stats(server, peer).bytes_copied_in;
}

/* Kinds */

static void sealed_memory_is_read_in_place(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_SEALED, WIDTH, HEIGHT);
	for (uint32_t frame = 1; frame <= 3; frame++) {
		tell(peer, draw_and_show, .frame = frame);
		expect_frame(server_get_shown(server, peer), frame);
	}
	expect_kind(server_get_shown(server, peer), SEALPOOL_MEMORY_DIRECT);
	struct sealpool_stats stats = server_get_stats(server, peer);
	assert_int_equal(stats.pools, 1);
	assert_int_equal(stats.buffers[SEALPOOL_MEMORY_DIRECT], 1);
	assert_int_equal(stats.buffers[SEALPOOL_MEMORY_SHADOW], 0);
	assert_int_equal(stats.fds, 1);
	assert_int_equal(stats.pool_bytes, BYTES);
	assert_int_equal(stats.shadow_bytes, 0);
	assert_int_equal(stats.bytes_copied_in, 0);
	peer_finish(peer);
}

static void memory_of_one_size_for_ever_is_read_in_place(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_FIXED, WIDTH, HEIGHT);
	expect_frame(server_get_shown(server, peer), 1);
	expect_kind(server_get_shown(server, peer), SEALPOOL_MEMORY_DIRECT);
	assert_int_equal(count_copied(server, peer), 0);
	peer_finish(peer);
}

static void memory_drawn_before_its_buffer_is_direct_at_once(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	tell(peer, fill_memory, .frame = 1);
	tell(peer, create_pool, .size = BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE);
	expect_kind(server->newest, SEALPOOL_MEMORY_DIRECT);
	peer_finish(peer);
}

/* Reading a hole in place would give it memory, at the reader's expense. */
static void sealed_memory_that_was_never_drawn_is_not_mapped(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_SEALED, .width = WIDTH,
		.height = HEIGHT);
	tell(peer, show, .buffer = 0);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	struct client_image blank;
	assert_true(client_image_create(&blank, WIDTH, HEIGHT));
	expect_image(buffer, &blank);
	expect_kind(buffer, SEALPOOL_MEMORY_SHADOW);
	client_image_destroy(&blank);
	/* Later, it is. */
	for (uint32_t frame = 1; frame <= 16 && sealpool_buffer_get_kind(
			buffer) != SEALPOOL_MEMORY_DIRECT; frame++) {
		tell(peer, draw_and_show, .frame = frame);
		expect_frame(buffer, frame);
	}
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	peer_finish(peer);
}

static void expect_copied_memory(struct server *server,
		enum client_memory_kind kind) {
	struct peer *peer = peer_create_with_picture(server,
		kind, WIDTH, HEIGHT);
	expect_frame(server_get_shown(server, peer), 1);
	expect_kind(server_get_shown(server, peer), SEALPOOL_MEMORY_SHADOW);
	struct sealpool_stats stats = server_get_stats(server, peer);
	assert_int_equal(stats.pools, 1);
	assert_int_equal(stats.buffers[SEALPOOL_MEMORY_DIRECT], 0);
	assert_int_equal(stats.buffers[SEALPOOL_MEMORY_SHADOW], 1);
	assert_int_equal(stats.fds, 1);
	assert_int_equal(stats.pool_bytes, BYTES);
	expect_between(stats.shadow_bytes, BYTES, 2 * BYTES);
	assert_int_equal(stats.bytes_copied_in, BYTES);
	assert_int_equal(stats.faults, 0);
	peer_finish(peer);
}

static void unsealed_memory_is_copied(void **state) {
	expect_copied_memory(*state, CLIENT_MEMORY_UNSEALED);
}

static void posix_shared_memory_is_copied(void **state) {
	expect_copied_memory(*state, CLIENT_MEMORY_SHM_OPEN);
}

static void sealed_file_shorter_than_a_buffer_is_not_mapped(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_FIXED,
		.size = BYTES - 1);
	tell(peer, fill_memory, .frame = 1);
	tell(peer, create_pool, .size = BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE);
	tell(peer, show, .buffer = 0);
	read_buffer(server_get_shown(server, peer));
	expect_kind(server_get_shown(server, peer), SEALPOOL_MEMORY_SHADOW);
	refused(peer, "wl_buffer", 0, WL_SHM_ERROR_INVALID_FD, wait_handled,
		.buffer = 0);
	peer_finish(peer);
}

static void memory_sealed_later_becomes_direct_at_the_next_read(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_frame(buffer, 1);
	expect_kind(buffer, SEALPOOL_MEMORY_SHADOW);
	tell(peer, seal_memory, .seals = F_SEAL_SHRINK);
	tell(peer, draw_and_show, .frame = 2);
	expect_frame(buffer, 2);
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	assert_int_equal(count_copied(server, peer), BYTES);
	/* And stays so. */
	tell(peer, draw_and_show, .frame = 3);
	expect_frame(buffer, 3);
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	assert_int_equal(count_copied(server, peer), BYTES);
	peer_finish(peer);
}

static void memory_that_becomes_direct_gives_its_copy_back(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_frame(buffer, 1);
	assert_int_equal(server_get_stats(server, peer).shadow_bytes, BYTES);
	/* One who is still reading the copy when the buffer changes over. */
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(buffer,
		SEALPOOL_ACCESS_READ, &access), 0);
	tell(peer, seal_memory, .seals = F_SEAL_SHRINK);
	tell(peer, draw_and_show, .frame = 2);
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	assert_int_equal(*(uint32_t *)access.data, client_pattern(0, 0, 1));
	sealpool_access_end(&access);
	expect_frame(buffer, 2);

	tell(peer, draw_and_show, .frame = 3);
	struct sealpool_stats stats = server_get_stats(server, peer);
	assert_int_equal(stats.shadow_bytes, 0);
	assert_int_equal(stats.fds, 1);
	expect_frame(buffer, 3);
	peer_finish(peer);
}

static void sealed_file_and_pool_that_grow_together_are_direct(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_SEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *first = server_get_shown(server, peer);
	expect_kind(first, SEALPOOL_MEMORY_DIRECT);
	for (int i = 1; i < 8; i++) {
		tell(peer, grow_memory, .size = (i + 1) * BYTES);
		tell(peer, resize_pool, .size = (i + 1) * BYTES);
		tell(peer, create_buffer, .buffer = i, .offset = i * BYTES,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE,
			.format = WL_SHM_FORMAT_XRGB8888);
		tell(peer, draw_and_show, .buffer = i, .surface = i,
			.frame = (uint32_t)i + 1);
	}
	for (int i = 0; i < 8; i++) {
		struct sealpool_buffer *buffer =
			server_get_surface(server, peer, i)->current;
		expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
		expect_frame(buffer, (uint32_t)i + 1);
	}
	assert_int_equal(count_copied(server, peer), 0);
	peer_finish(peer);
}

/* The one that kills other compositors. */
static void pool_resized_past_a_sealed_file_is_not_mapped(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_SEALED, WIDTH, HEIGHT);
	expect_kind(server_get_shown(server, peer), SEALPOOL_MEMORY_DIRECT);
	tell(peer, resize_pool, .size = 64 * BYTES);
	tell(peer, create_buffer, .buffer = 1, .offset = 63 * BYTES,
		.width = WIDTH, .height = HEIGHT, .stride = STRIDE);
	expect_kind(server->newest, SEALPOOL_MEMORY_SHADOW);
	tell(peer, show, .buffer = 1);
	struct sealpool_buffer *past = server_get_shown(server, peer);
	struct client_image blank;
	assert_true(client_image_create(&blank, WIDTH, HEIGHT));
	expect_image(past, &blank);
	client_image_destroy(&blank);
	expect_kind(past, SEALPOOL_MEMORY_SHADOW);
	const char *message = refused(peer, "wl_buffer", 1,
		WL_SHM_ERROR_INVALID_FD, wait_handled, .buffer = 1);
	expect_number(message, 64 * BYTES);
	expect_number(message, BYTES);
	peer_finish(peer);
}

/* Content */

struct place {
	int32_t offset, width, height, stride;
};

static void expect_exact_anywhere(struct server *server,
		enum client_memory_kind kind) {
	static const struct place places[] = {
		{ 0, 1, 1, 4 },
		{ 1, 1, 1, 4 },
		{ 4095, 3, 5, 12 },
		{ 4096, 1024, 4, 4096 },
		{ 4100, 33, 7, 132 },
		{ 123456, 100, 100, 400 },
		{ 64, 100, 10, 404 },
		{ 64, 100, 10, 512 },
		{ 64, 100, 10, 4096 },
		{ 12345, 7, 300, 8192 },
	};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct place *place = &places[i];
		struct peer *peer = peer_create(server);
		tell(peer, make_picture, .kind = kind, .offset = place->offset,
			.width = place->width, .height = place->height,
			.stride = place->stride);
		for (uint32_t frame = 1; frame <= 2; frame++) {
			tell(peer, draw_and_show, .frame = frame);
			expect_frame(server_get_shown(server, peer), frame);
		}
		peer_finish(peer);
	}
}

static void direct_content_is_exact_at_any_offset_and_stride(void **state) {
	expect_exact_anywhere(*state, CLIENT_MEMORY_SEALED);
}

static void copied_content_is_exact_at_any_offset_and_stride(void **state) {
	expect_exact_anywhere(*state, CLIENT_MEMORY_UNSEALED);
}

/* Two buffers that have each row of their memory in common. */
static void expect_exact_side_by_side(struct server *server,
		enum client_memory_kind kind) {
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = kind, .size = BYTES);
	tell(peer, create_pool, .size = BYTES);
	/* The last row of the right one ends with the file. */
	tell(peer, create_buffer, .buffer = 0, .width = WIDTH / 2,
		.height = HEIGHT, .stride = STRIDE,
		.format = WL_SHM_FORMAT_XRGB8888);
	tell(peer, create_buffer, .buffer = 1, .offset = STRIDE / 2,
		.width = WIDTH / 2, .height = HEIGHT - 1, .stride = STRIDE,
		.format = WL_SHM_FORMAT_XRGB8888);
	for (uint32_t frame = 1; frame <= 3; frame++) {
		tell(peer, draw_and_show, .surface = 0, .buffer = 0,
			.frame = frame);
		tell(peer, draw_and_show, .surface = 1, .buffer = 1,
			.frame = frame + 7);
		expect_frame(server_get_surface(server, peer, 0)->current,
			frame);
		expect_frame(server_get_surface(server, peer, 1)->current,
			frame + 7);
		/* The second copy has not spoilt the first. */
		expect_frame(server_get_surface(server, peer, 0)->current,
			frame);
	}
	peer_finish(peer);
}

static void buffers_side_by_side_do_not_disturb_each_other(void **state) {
	expect_exact_side_by_side(*state, CLIENT_MEMORY_SEALED);
	expect_exact_side_by_side(*state, CLIENT_MEMORY_UNSEALED);
}

/* All of the file's bytes, by what fill_memory() puts there. */
static void expect_filled(struct sealpool_buffer *buffer, uint32_t frame,
		size_t size) {
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(buffer,
		SEALPOOL_ACCESS_READ, &access), 0);
	const uint8_t *bytes = access.data;
	size_t wrong = 0;
	int32_t offset = sealpool_buffer_get_offset(buffer);
	for (size_t i = 0; i < size; i++) {
		wrong += bytes[i] != (uint8_t)client_pattern(
			offset + (int32_t)i, 0, frame);
	}
	sealpool_access_end(&access);
	assert_int_equal(wrong, 0);
}

static void expect_planes_exact(struct server *server, uint32_t format,
		int32_t height, int32_t size) {
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED,
		.size = 100 + size);
	tell(peer, create_pool, .size = 100 + size);
	tell(peer, create_buffer, .offset = 100, .width = WIDTH,
		.height = height, .stride = WIDTH, .format = format);
	tell(peer, create_surface, .surface = 0);
	for (uint32_t frame = 1; frame <= 2; frame++) {
		tell(peer, fill_memory, .frame = frame);
		tell(peer, show, .buffer = 0);
		expect_filled(server_get_shown(server, peer), frame,
			(size_t)size);
	}
	assert_int_equal(count_copied(server, peer), 2 * (uint64_t)size);
	peer_finish(peer);
}

static void all_planes_are_copied(void **state) {
	expect_planes_exact(*state, WL_SHM_FORMAT_NV12, 8,
		WIDTH * 8 * 3 / 2);
	expect_planes_exact(*state, WL_SHM_FORMAT_YUV420, 8,
		WIDTH * 8 * 3 / 2);
	expect_planes_exact(*state, WL_SHM_FORMAT_NV12, 7, WIDTH * (7 + 4));
	expect_planes_exact(*state, WL_SHM_FORMAT_YUV420, 7, WIDTH * (7 + 4));
}

/* How much is copied */

/* A client that shows an unsealed picture as frame 1, which has been read. */
static struct peer *create_peer_that_was_read(struct server *server,
		uint64_t *copied) {
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

static void nothing_is_copied_when_nobody_reads(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	for (uint32_t frame = 2; frame < 10; frame++) {
		tell(peer, draw_and_show, .frame = frame);
	}
	assert_int_equal(count_copied(server, peer), 0);
	assert_int_equal(server_get_stats(server, peer).shadow_bytes, 0);
	/* What gathers meanwhile is copied once. */
	expect_frame(server_get_shown(server, peer), 9);
	assert_int_equal(count_copied(server, peer), BYTES);
	peer_finish(peer);
}

static void what_is_not_damaged_is_not_copied_again(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	expect_copied(server, peer, &copied, 0);
	expect_copied(server, peer, &copied, 0);
	tell(peer, attach, .buffer = 0);
	tell(peer, commit, .surface = 0);
	expect_copied(server, peer, &copied, 0);
	peer_finish(peer);
}

static void only_damaged_pixels_are_copied(void **state) {
	enum { WIDE = 3840, HIGH = 2160, SIDE = 100 };
	struct server *server = *state;
	struct client_image expected;
	assert_true(client_image_create(&expected, WIDE, HIGH));
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED, .width = WIDE,
		.height = HIGH);
	tell(peer, draw_and_show, .frame = 0);
	client_image_draw(&expected, 0);
	expect_image(server_get_shown(server, peer), &expected);
	uint64_t copied = 0;
	assert_int_equal(server_count_copied(server, peer, &copied),
		4 * WIDE * HIGH);
	for (int32_t i = 1; i <= 20; i++) {
		int32_t x = i * 173 % (WIDE - SIDE);
		int32_t y = i * 97 % (HIGH - SIDE);
		tell(peer, draw_and_show, .frame = (uint32_t)i, .x = x, .y = y,
			.width = SIDE, .height = SIDE);
		client_image_draw_rect(&expected, x, y, SIDE, SIDE, 1,
			(uint32_t)i);
		expect_copied(server, peer, &copied, 40000);
	}
	expect_image(server_get_shown(server, peer), &expected);
	client_image_destroy(&expected);
	peer_finish(peer);
}

static void damage_that_overlaps_is_copied_once(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	tell(peer, attach, .buffer = 0);
	tell(peer, damage_buffer, .x = 0, .y = 0, .width = 20, .height = 10);
	tell(peer, damage_buffer, .x = 10, .y = 0, .width = 20, .height = 10);
	tell(peer, damage, .x = 0, .y = 0, .width = 30, .height = 5);
	tell(peer, commit, .surface = 0);
	expect_copied(server, peer, &copied, 30 * 10 * 4);
	peer_finish(peer);
}

static void damage_outside_of_the_buffer_is_cut_off(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
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
	expect_copied(server, peer, &copied, 2 * 10 * 10 * 4);
	peer_finish(peer);
}

/* Each buffer lacks what was damaged since it was shown last. */
static void damage_is_stale_in_each_buffer_of_the_surface(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	uint64_t copied = 0;
	for (int i = 0; i < 2; i++) {
		tell(peer, make_picture, .buffer = i,
			.kind = CLIENT_MEMORY_UNSEALED, .width = WIDTH,
			.height = HEIGHT);
		tell(peer, draw_and_show, .buffer = i, .frame = 0);
		expect_copied(server, peer, &copied, BYTES);
	}
	/* The second one's damage was all of the first as well. */
	tell(peer, attach, .buffer = 0);
	tell(peer, commit, .surface = 0);
	expect_copied(server, peer, &copied, BYTES);

	struct client_image expected;
	assert_true(client_image_create(&expected, WIDTH, HEIGHT));
	client_image_draw(&expected, 0);
	for (int i = 1; i <= 6; i++) {
		/* This frame's rectangle, and the one of before, which the
		 * other buffer has. No two are in the same rows: what is
		 * between such would be copied along. */
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
		expect_copied(server, peer, &copied,
			(i > 1 ? 2 : 1) * 10 * 4 * 4);
		expect_image(server_get_shown(server, peer), &expected);
	}
	client_image_destroy(&expected);
	peer_finish(peer);
}

/*
 * A buffer that is read once more after another one has taken its place, as it
 * may be for a slow renderer or a picture of an earlier state, holds what it
 * held. That it now lacks the other one's damage is only true once its client
 * has drawn it again.
 */
static void damage_is_not_forgotten_when_a_buffer_is_read_late(void **state) {
	struct server *server = *state;
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
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
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
	expect_copied(server, peer, &copied, 5 * 10 * 6 * 4);
	expect_image(server_get_shown(server, peer), &expected);
	client_image_destroy(&expected);
	peer_finish(peer);
}

static void surface_damage_is_scaled_to_the_buffer(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	tell(peer, set_scale, .scale = 2);
	tell(peer, show, .buffer = 0);
	expect_copied(server, peer, &copied, BYTES);

	struct client_image expected;
	assert_true(client_image_create(&expected, WIDTH, HEIGHT));
	client_image_draw(&expected, 1);
	tell(peer, draw, .frame = 2, .x = 10, .y = 4, .width = 40,
		.height = 20);
	client_image_draw_rect(&expected, 10, 4, 40, 20, 1, 2);
	tell(peer, attach, .buffer = 0);
	tell(peer, damage, .x = 5, .y = 2, .width = 20, .height = 10);
	tell(peer, commit, .surface = 0);
	expect_copied(server, peer, &copied, 40 * 20 * 4);
	expect_image(server_get_shown(server, peer), &expected);
	client_image_destroy(&expected);

	/* Damage of the buffer is in its own pixels in any case. */
	tell(peer, show, .buffer = 0, .x = 5, .y = 2, .width = 20,
		.height = 10);
	expect_copied(server, peer, &copied, 20 * 10 * 4);
	peer_finish(peer);
}

static void commit_surface_damage(struct peer *peer) {
	tell(peer, attach, .buffer = 0);
	tell(peer, damage, .x = 5, .y = 2, .width = 20, .height = 10);
	tell(peer, commit, .surface = 0);
}

static void surface_damage_with_a_transform_is_the_whole_buffer(void **state) {
	struct server *server = *state;
	for (int32_t i = WL_OUTPUT_TRANSFORM_90;
			i <= WL_OUTPUT_TRANSFORM_FLIPPED_270; i++) {
		uint64_t copied;
		struct peer *peer = create_peer_that_was_read(server, &copied);
		tell(peer, set_transform, .transform = i);
		tell(peer, show, .buffer = 0);
		read_buffer(server_get_shown(server, peer));
		server_count_copied(server, peer, &copied);
		commit_surface_damage(peer);
		expect_copied(server, peer, &copied, BYTES);
		/* Damage of the buffer is as exact as ever. */
		tell(peer, show, .buffer = 0, .x = 5, .y = 2, .width = 20,
			.height = 10);
		expect_copied(server, peer, &copied, 20 * 10 * 4);
		peer_finish(peer);
	}
}

static void surface_damage_with_a_viewport_is_the_whole_buffer(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	tell(peer, create_viewport, .surface = 0);
	commit_surface_damage(peer);
	expect_copied(server, peer, &copied, BYTES);
	commit_surface_damage(peer);
	expect_copied(server, peer, &copied, BYTES);
	tell(peer, show, .buffer = 0, .x = 5, .y = 2, .width = 20,
		.height = 10);
	expect_copied(server, peer, &copied, 20 * 10 * 4);
	peer_finish(peer);
}

static void viewport_made_before_the_first_buffer_counts(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, create_surface, .surface = 0);
	tell(peer, create_viewport, .surface = 0);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .frame = 1);
	uint64_t copied = 0;
	expect_copied(server, peer, &copied, BYTES);
	commit_surface_damage(peer);
	expect_copied(server, peer, &copied, BYTES);
	peer_finish(peer);
}

/* It is the surface that is damaged, not what is attached. */
static void damage_without_attach_is_copied(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	tell(peer, draw, .frame = 2);
	tell(peer, damage_buffer, .x = 5, .y = 2, .width = 20, .height = 10);
	tell(peer, commit, .surface = 0);
	expect_copied(server, peer, &copied, 20 * 10 * 4);
	peer_finish(peer);
}

/* Not before it is committed, though. */
static void damage_counts_when_it_is_committed(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	tell(peer, attach, .buffer = 0);
	tell(peer, damage_buffer, .x = 5, .y = 2, .width = 20, .height = 10);
	expect_copied(server, peer, &copied, 0);
	tell(peer, commit, .surface = 0);
	expect_copied(server, peer, &copied, 20 * 10 * 4);
	peer_finish(peer);
}

static void buffer_on_another_surface_is_copied_whole(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	tell(peer, draw, .frame = 2);
	tell(peer, show, .surface = 1, .buffer = 0, .x = 5, .y = 2,
		.width = 20, .height = 10);
	struct sealpool_buffer *moved =
		server_get_surface(server, peer, 1)->current;
	expect_frame(moved, 2);
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	/* From then on it is that surface's damage that counts. */
	tell(peer, show, .surface = 1, .buffer = 0, .x = 5, .y = 2,
		.width = 20, .height = 10);
	read_buffer(moved);
	assert_int_equal(server_count_copied(server, peer, &copied),
		20 * 10 * 4);
	peer_finish(peer);
}

static void buffer_of_another_size_is_copied_whole(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	tell(peer, make_picture, .buffer = 1, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT / 2);
	tell(peer, draw_and_show, .buffer = 1, .frame = 2);
	read_buffer(server_get_shown(server, peer));
	server_count_copied(server, peer, &copied);
	/* What is the same pixel of either is not known. */
	tell(peer, draw, .buffer = 0, .frame = 3);
	tell(peer, show, .buffer = 0, .x = 5, .y = 2, .width = 20,
		.height = 10);
	expect_frame(server_get_shown(server, peer), 3);
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	peer_finish(peer);
}

static void buffer_attached_elsewhere_on_its_surface_is_copied_whole(
		void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
	tell(peer, draw, .frame = 2);
	tell(peer, attach, .buffer = 0, .x = 1, .y = 0);
	tell(peer, damage, .x = 5, .y = 2, .width = 20, .height = 10);
	tell(peer, commit, .surface = 0);
	expect_frame(server_get_shown(server, peer), 2);
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	peer_finish(peer);
}

/* An icon, say. */
static void buffer_on_no_surface_is_copied_whole_each_time(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	uint64_t copied = 0;
	for (uint32_t frame = 1; frame <= 4; frame++) {
		tell(peer, draw, .frame = frame);
		expect_frame(server->newest, frame);
		assert_int_equal(server_count_copied(server, peer, &copied),
			BYTES);
	}
	peer_finish(peer);
}

static void buffer_whose_surface_is_gone_is_copied_whole(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
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
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
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
	expect_copied(server, peer, &copied, BYTES);
	tell(peer, show, .buffer = 0, .x = 5, .y = 2, .width = 20,
		.height = 10);
	expect_copied(server, peer, &copied, 20 * 10 * 4);
	peer_finish(peer);
}

/* Many rectangles cost no more than all of the buffer. */
static void many_rectangles_are_exact(void **state) {
	struct server *server = *state;
	uint64_t copied;
	struct peer *peer = create_peer_that_was_read(server, &copied);
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

/* A reader that takes its time sees one frame, whatever is committed. */
static void frame_being_read_does_not_change(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	struct sealpool_access access, newer;
	assert_int_equal(sealpool_buffer_begin_access(buffer,
		SEALPOOL_ACCESS_READ, &access), 0);
	tell(peer, draw_and_show, .frame = 2);
	assert_int_equal(sealpool_buffer_begin_access(buffer,
		SEALPOOL_ACCESS_READ, &newer), 0);
	const uint32_t *pixels = access.data, *newer_pixels = newer.data;
	for (int32_t i = 0; i < WIDTH; i++) {
		assert_int_equal(pixels[i], client_pattern(i, 0, 1));
		assert_int_equal(newer_pixels[i], client_pattern(i, 0, 2));
	}
	sealpool_access_end(&newer);
	for (int32_t i = 0; i < WIDTH; i++) {
		assert_int_equal(pixels[i], client_pattern(i, 0, 1));
	}
	sealpool_access_end(&access);
	expect_frame(buffer, 2);
	peer_finish(peer);
}

/* Short files */

static void expect_rows(struct sealpool_buffer *buffer, uint32_t frame,
		int32_t rows) {
	struct client_image expected;
	assert_true(client_image_create(&expected, WIDTH, HEIGHT));
	client_image_draw_rect(&expected, 0, 0, WIDTH, rows, 1, frame);
	expect_image(buffer, &expected);
	client_image_destroy(&expected);
}

static void missing_bytes_read_as_zero_and_end_the_client(void **state) {
	struct server *server = *state;
	struct peer *bystander = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct peer *peer = peer_create(server);
	/* A pool with more room than the buffer takes, so that the three sizes
	 * can be told apart. */
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT, .size = 2 * BYTES);
	tell(peer, draw_and_show, .frame = 1);
	expect_frame(server_get_shown(server, peer), 1);
	tell(peer, show, .buffer = 0);
	tell(peer, cut_memory, .size = 10 * STRIDE);
	expect_rows(server_get_shown(server, peer), 1, 10);
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
	expect_rows(server_get_shown(server, peer), 1, 0);
	const char *message = refused(peer, "wl_buffer", 0,
		WL_SHM_ERROR_INVALID_FD, wait_handled, .buffer = 0);
	expect_number(message, BYTES);
	expect_number(message, 0);
	peer_finish(peer);
}

/* What is not missing where someone looks is nobody's business. */
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
	expect_rows(server_get_shown(server, peer), 1, 10);
	assert_int_equal(server_get_stats(server, peer).faults, 1);
	server_settle(server);
	tell(peer, wait_handled, .buffer = 0);
	assert_int_equal(server->messages, 1);
	expect_number(server->message, BYTES);
	expect_number(server->message, 10 * STRIDE);
	peer_finish(peer);
}

static bool map_again(struct actor *actor, const struct args *args) {
	struct client_memory *memory = &actor->memory[args->memory];
	if (ftruncate(memory->fd, args->size) < 0) {
		return client_fail(&actor->client, "ftruncate: %s",
			strerror(errno));
	}
	void *data = mmap(NULL, (size_t)args->size, PROT_READ | PROT_WRITE,
		MAP_SHARED, memory->fd, 0);
	if (data == MAP_FAILED) {
		return client_fail(&actor->client, "mmap: %s",
			strerror(errno));
	}
	memory->data = data;
	memory->size = (size_t)args->size;
	return true;
}

static void lenient_server_shows_what_comes_back(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	tell(peer, cut_memory, .size = 10 * STRIDE);
	tell(peer, show, .buffer = 0);
	expect_rows(server_get_shown(server, peer), 1, 10);
	tell(peer, map_again, .size = BYTES);
	tell(peer, draw_and_show, .frame = 2);
	expect_frame(server_get_shown(server, peer), 2);
	peer_finish(peer);
}

/* Write access */

static int begin_write(struct sealpool_buffer *buffer,
		struct sealpool_access *access) {
	return sealpool_buffer_begin_access(buffer,
		SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE, access);
}

/* Draws the pattern through an access. */
static void write_frame(struct sealpool_access *access, uint32_t frame) {
	struct client_image image = {
		.width = WIDTH,
		.height = HEIGHT,
		.stride = (int32_t)access->stride,
		.data = access->data,
	};
	client_image_draw(&image, frame);
}

static void expect_written(struct server *server, struct peer *peer,
		struct sealpool_buffer *buffer, uint64_t copied_out) {
	struct sealpool_access access;
	assert_int_equal(begin_write(buffer, &access), 0);
	/* A write access sees what is there. */
	assert_int_equal(*(uint32_t *)access.data, client_pattern(0, 0, 1));
	write_frame(&access, 7);
	sealpool_access_end(&access);
	tell(peer, expect_drawn, .frame = 7);
	assert_int_equal(server_get_stats(server, peer).bytes_copied_out,
		copied_out);
	expect_frame(buffer, 7);
}

static void sealed_memory_is_written_in_place(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_SEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_written(server, peer, buffer, 0);
	assert_int_equal(server_get_stats(server, peer).bytes_copied_in, 0);
	peer_finish(peer);
}

static void unsealed_memory_is_handed_back(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	expect_written(server, peer, server_get_shown(server, peer), BYTES);
	tell(peer, expect_size, .size = BYTES);
	peer_finish(peer);
}

static void capture_is_handed_back(void **state) {
	struct server *server = *state;
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_UNSEALED, CLIENT_MEMORY_SHM_OPEN,
		CLIENT_MEMORY_SEALED,
	};
	for (size_t i = 0; i < 3; i++) {
		struct peer *peer = peer_create(server);
		tell(peer, make_picture, .kind = kinds[i], .width = WIDTH,
			.height = HEIGHT, .offset = 4000,
			.stride = STRIDE + 64);
		tell(peer, draw, .frame = 1);
		tell(peer, capture, .buffer = 0);
		expect_written(server, peer, server->captured,
			kinds[i] == CLIENT_MEMORY_SEALED ? 0 : BYTES);
		peer_finish(peer);
	}
}

/* Its bytes between the rows are another's. */
static bool expect_gaps_filled(struct actor *actor, const struct args *args) {
	const struct client_buffer *buffer = &actor->buffers[args->buffer];
	const uint8_t *bytes = buffer->memory->data;
	for (int32_t i = 0; i < (int32_t)buffer->memory->size; i++) {
		int32_t column = i < buffer->offset ? INT32_MAX :
			(i - buffer->offset) % buffer->stride;
		if (column >= buffer->width * 4 && bytes[i] !=
				(uint8_t)client_pattern(i, 0, args->frame)) {
			return client_fail(&actor->client,
				"byte %d is not as it was", i);
		}
	}
	return true;
}

static void only_pixels_are_handed_back(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT, .offset = 100,
		.stride = STRIDE + 64);
	tell(peer, fill_memory, .frame = 3);
	struct sealpool_access access;
	assert_int_equal(begin_write(server->newest, &access), 0);
	/* All of it, as a careless writer would. */
	memset(access.data, 0xee, (STRIDE + 64) * HEIGHT);
	write_frame(&access, 7);
	sealpool_access_end(&access);
	tell(peer, expect_drawn, .frame = 7);
	tell(peer, expect_gaps_filled, .frame = 3);
	peer_finish(peer);
}

/* Two buffers side by side in the same rows of one pool. */
static void what_is_written_stays_when_a_neighbour_is_read(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT, .stride = 2 * STRIDE);
	struct sealpool_buffer *written = server->newest;
	tell(peer, create_buffer, .buffer = 1, .offset = STRIDE,
		.width = WIDTH, .height = HEIGHT - 1, .stride = 2 * STRIDE,
		.format = WL_SHM_FORMAT_XRGB8888);
	struct sealpool_access access;
	assert_int_equal(begin_write(written, &access), 0);
	write_frame(&access, 7);
	read_buffer(server->newest);
	sealpool_access_end(&access);
	tell(peer, expect_drawn, .frame = 7);
	peer_finish(peer);
}

/* And two over the same bytes. */
static void what_is_written_stays_when_its_bytes_are_read(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *written = server->newest;
	tell(peer, create_buffer, .buffer = 1, .width = WIDTH,
		.height = HEIGHT, .stride = STRIDE,
		.format = WL_SHM_FORMAT_XRGB8888);
	struct sealpool_access access;
	assert_int_equal(begin_write(written, &access), 0);
	write_frame(&access, 7);
	expect_frame(server->newest, 1);
	expect_frame(written, 1);
	sealpool_access_end(&access);
	tell(peer, expect_drawn, .frame = 7);
	expect_frame(server->newest, 7);
	peer_finish(peer);
}

/* Screen recorders do it with each frame. */
static void memory_for_writing_is_kept(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	for (uint32_t i = 0; i < 3; i++) {
		struct sealpool_access accesses[2];
		for (int j = 0; j < 2; j++) {
			assert_int_equal(begin_write(server->newest,
				&accesses[j]), 0);
			write_frame(&accesses[j], i);
		}
		for (int j = 0; j < 2; j++) {
			sealpool_access_end(&accesses[j]);
		}
		struct sealpool_stats stats = server_get_stats(server, peer);
		assert_int_equal(stats.shadow_bytes, BYTES);
		assert_int_equal(stats.fds, 2);
	}
	peer_finish(peer);
}

static void writing_never_makes_a_file_longer(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	tell(peer, make_memory_append, .memory = 0);
	expect_written(server, peer, server_get_shown(server, peer), BYTES);
	tell(peer, expect_size, .size = BYTES);
	peer_finish(peer);
}

static void writing_to_a_file_that_is_too_short_ends_the_client(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	tell(peer, cut_memory, .size = 10 * STRIDE);
	struct sealpool_access access;
	assert_int_equal(begin_write(server_get_shown(server, peer), &access),
		0);
	write_frame(&access, 7);
	sealpool_access_end(&access);
	refused(peer, "wl_buffer", 0, WL_SHM_ERROR_INVALID_FD, wait_handled,
		.buffer = 0);
	peer_finish(peer);
}

/* With the file cut while the compositor writes. Rows that are left, or begun,
 * are written. */
static void write_while_the_file_is_cut(struct server *server,
		struct peer *peer) {
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	struct sealpool_access access;
	assert_int_equal(begin_write(buffer, &access), 0);
	write_frame(&access, 7);
	tell(peer, cut_memory, .size = 10 * STRIDE + 100);
	sealpool_access_end(&access);
	assert_int_equal(server_get_stats(server, peer).bytes_copied_out,
		10 * STRIDE + 100);
	assert_int_equal(server_get_stats(server, peer).faults, 1);
}

static void file_cut_during_a_write_ends_the_client(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	tell(peer, make_memory_append, .memory = 0);
	write_while_the_file_is_cut(server, peer);
	const char *message = refused(peer, "wl_buffer", 0,
		WL_SHM_ERROR_INVALID_FD, expect_size,
		.size = 10 * STRIDE + 100);
	expect_number(message, BYTES);
	expect_number(message, 10 * STRIDE + 100);
	peer_finish(peer);
}

static bool expect_cut_write(struct actor *actor, const struct args *args) {
	/* The bytes after the cut come to light: nobody may have written
	 * there. */
	if (!expect_size(actor, args) || !map_again(actor,
			&(struct args){ .size = BYTES })) {
		return false;
	}
	const uint8_t *bytes = actor->memory[0].data;
	for (int32_t i = 0; i < BYTES; i++) {
		uint32_t pixel = client_pattern(i % STRIDE / 4, i / STRIDE, 7);
		uint8_t expected = i < args->size ?
			((uint8_t *)&pixel)[i % 4] : 0;
		if (bytes[i] != expected) {
			return client_fail(&actor->client,
				"byte %d is %u instead of %u", i, bytes[i],
				expected);
		}
	}
	return true;
}

static void file_cut_during_a_write_stays_cut(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	write_while_the_file_is_cut(server, peer);
	server_settle(server);
	tell(peer, expect_cut_write, .size = 10 * STRIDE + 100);
	peer_finish(peer);
}

static void expect_not_writable(struct server *server, struct peer *peer) {
	struct sealpool_access access;
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_frame(buffer, 1);
	assert_int_equal(begin_write(buffer, &access), -EACCES);
	assert_int_equal(sealpool_buffer_begin_access(buffer,
		SEALPOOL_ACCESS_WRITE, &access), -EACCES);
	expect_frame(buffer, 1);
	tell(peer, wait_handled, .buffer = 0);
	peer_finish(peer);
}

/* A client whose picture is only then made read-only by "seals", or, if there
 * are none, by its fd. */
static struct peer *create_peer_not_writable(struct server *server,
		enum client_memory_kind kind, unsigned seals) {
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = kind, .size = BYTES);
	if (seals == 0) {
		tell(peer, make_memory_read_only, .memory = 0);
	}
	tell(peer, create_pool, .size = BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = WL_SHM_FORMAT_XRGB8888);
	if (seals != 0) {
		tell(peer, seal_memory, .seals = seals);
	}
	tell(peer, draw_and_show, .frame = 1);
	return peer;
}

static void read_only_fd_cannot_be_written(void **state) {
	expect_not_writable(*state, create_peer_not_writable(*state,
		CLIENT_MEMORY_UNSEALED, 0));
	expect_not_writable(*state, create_peer_not_writable(*state,
		CLIENT_MEMORY_SEALED, 0));
}

static void memory_sealed_against_new_writers_cannot_be_written(void **state) {
	expect_not_writable(*state, create_peer_not_writable(*state,
		CLIENT_MEMORY_UNSEALED, F_SEAL_FUTURE_WRITE));
	expect_not_writable(*state, create_peer_not_writable(*state,
		CLIENT_MEMORY_SEALED, F_SEAL_FUTURE_WRITE));
}

/* Fds to hand on */

static void expect_fd_shows(int fd, uint32_t frame) {
	assert_true(fd >= 0);
	int seals = fcntl(fd, F_GET_SEALS);
	assert_true(seals >= 0 && (seals & F_SEAL_SHRINK));
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size >= 4096 + BYTES);
	uint8_t *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED,
		fd, 0);
	assert_ptr_not_equal(data, MAP_FAILED);
	struct client_image expected, image = {
		.width = WIDTH,
		.height = HEIGHT,
		.stride = STRIDE,
		.data = data + 4096,
	};
	assert_true(client_image_create(&expected, WIDTH, HEIGHT));
	client_image_draw(&expected, frame);
	char error[256];
	bool ok = client_image_expect(&image, 0, 0, &expected, error,
		sizeof(error));
	client_image_destroy(&expected);
	munmap(data, (size_t)st.st_size);
	if (!ok) {
		fail_msg("%s", error);
	}
}

static struct peer *create_peer_at_offset(struct server *server,
		enum client_memory_kind kind) {
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = kind, .width = WIDTH,
		.height = HEIGHT, .offset = 4096);
	tell(peer, draw, .frame = 1);
	/* Else the page before the buffer is a hole; that is its own matter. */
	tell(peer, show, .buffer = 0);
	return peer;
}

static void fd_of_sealed_memory_is_the_clients(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer_at_offset(server,
		CLIENT_MEMORY_SEALED);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_fd_shows(sealpool_buffer_get_fd(buffer), 1);
	tell(peer, draw_and_show, .frame = 2);
	expect_fd_shows(sealpool_buffer_get_fd(buffer), 2);
	assert_int_equal(count_copied(server, peer), 0);
	assert_int_equal(server_get_stats(server, peer).fds, 1);
	peer_finish(peer);
}

static void unsealed_memory_has_no_fd(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer_at_offset(server,
		CLIENT_MEMORY_UNSEALED);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	read_buffer(buffer);
	assert_int_equal(sealpool_buffer_get_fd(buffer), -ENOTSUP);
	peer_finish(peer);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)
#define TEST_LENIENT(name) \
	cmocka_unit_test_setup_teardown(name, setup_lenient, server_teardown)
	const struct CMUnitTest tests[] = {
		TEST(sealed_memory_is_read_in_place),
		TEST(memory_of_one_size_for_ever_is_read_in_place),
		TEST(memory_drawn_before_its_buffer_is_direct_at_once),
		TEST(sealed_memory_that_was_never_drawn_is_not_mapped),
		TEST(unsealed_memory_is_copied),
		TEST(posix_shared_memory_is_copied),
		TEST(sealed_file_shorter_than_a_buffer_is_not_mapped),
		TEST(memory_sealed_later_becomes_direct_at_the_next_read),
		TEST(memory_that_becomes_direct_gives_its_copy_back),
		TEST(sealed_file_and_pool_that_grow_together_are_direct),
		TEST(pool_resized_past_a_sealed_file_is_not_mapped),

		TEST(direct_content_is_exact_at_any_offset_and_stride),
		TEST(copied_content_is_exact_at_any_offset_and_stride),
		TEST(buffers_side_by_side_do_not_disturb_each_other),
		TEST(all_planes_are_copied),

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

		TEST(missing_bytes_read_as_zero_and_end_the_client),
		TEST(empty_file_reads_as_zero_and_ends_the_client),
		TEST(short_file_is_no_fault_before_it_is_read),
		TEST_LENIENT(lenient_server_leaves_the_client_alive),
		TEST_LENIENT(lenient_server_shows_what_comes_back),

		TEST(sealed_memory_is_written_in_place),
		TEST(unsealed_memory_is_handed_back),
		TEST(capture_is_handed_back),
		TEST(only_pixels_are_handed_back),
		TEST(what_is_written_stays_when_a_neighbour_is_read),
		TEST(what_is_written_stays_when_its_bytes_are_read),
		TEST(memory_for_writing_is_kept),
		TEST(writing_never_makes_a_file_longer),
		TEST(writing_to_a_file_that_is_too_short_ends_the_client),
		TEST(file_cut_during_a_write_ends_the_client),
		TEST_LENIENT(file_cut_during_a_write_stays_cut),
		TEST(read_only_fd_cannot_be_written),
		TEST(memory_sealed_against_new_writers_cannot_be_written),

		TEST(fd_of_sealed_memory_is_the_clients),
		TEST(unsealed_memory_has_no_fd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
