/* SPDX-License-Identifier: MIT */
/*
 * Write accesses: what the compositor writes reaches the client's file, and nothing else
 * does.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <wayland-client.h>

#include "peer.h"
#include "server.h"

#define WIDTH 512
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

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
	/* A write access shows the current contents. */
	assert_int_equal(*(uint32_t *)access.data, client_pattern(0, 0, 1));
	write_frame(&access, 7);
	sealpool_buffer_end_access(&access);
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

/* The bytes between the rows belong to another buffer. */
static bool expect_gaps_filled(struct actor *actor, const struct args *args) {
	const struct client_buffer *buffer = &actor->buffers[args->buffer];
	const uint8_t *bytes = buffer->memory->data;
	for (int32_t i = 0; i < (int32_t)buffer->memory->size; i++) {
		int32_t column = i < buffer->offset ? INT32_MAX :
			(i - buffer->offset) % buffer->stride;
		if (column >= buffer->width * 4 && bytes[i] !=
				(uint8_t)client_pattern(i, 0, args->frame)) {
			return client_fail(&actor->client,
				"byte %d has changed", i);
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
	/* The gaps between the rows as well, as a careless writer would. */
	memset(access.data, 0xee, (STRIDE + 64) * HEIGHT);
	write_frame(&access, 7);
	sealpool_buffer_end_access(&access);
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
	sealpool_buffer_end_access(&access);
	tell(peer, expect_drawn, .frame = 7);
	peer_finish(peer);
}

/* Two buffers over the same bytes. */
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
	sealpool_buffer_end_access(&access);
	tell(peer, expect_drawn, .frame = 7);
	expect_frame(server->newest, 7);
	peer_finish(peer);
}

/* Screen recorders write at each frame. */
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
			sealpool_buffer_end_access(&accesses[j]);
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
	sealpool_buffer_end_access(&access);
	refused(peer, "wl_buffer", 0, WL_SHM_ERROR_INVALID_FD, wait_handled,
		.buffer = 0);
	peer_finish(peer);
}

/* The file is truncated while the compositor writes. The rows before its end are written,
 * also in part. */
static void write_while_the_file_is_cut(struct server *server,
		struct peer *peer) {
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	struct sealpool_access access;
	assert_int_equal(begin_write(buffer, &access), 0);
	write_frame(&access, 7);
	tell(peer, cut_memory, .size = 10 * STRIDE + 100);
	sealpool_buffer_end_access(&access);
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
	/* The bytes past the truncated end become visible. They must not have been
	 * written. */
	if (!expect_size(actor, args) || !map_memory_again(actor,
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

/* Creates a client whose picture becomes read-only after it was created: by "seals", or,
 * without any, by its fd. */
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

/* The mapping of an earlier access is still writable: the kernel allows that. */
static void memory_sealed_after_a_write_cannot_be_written(void **state) {
	struct server *server = *state;
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	for (int i = 0; i < 2; i++) {
		struct peer *peer = peer_create_with_picture(server, kinds[i],
			WIDTH, HEIGHT);
		struct sealpool_access access;
		assert_int_equal(begin_write(server_get_shown(server, peer),
			&access), 0);
		sealpool_buffer_end_access(&access);
		tell(peer, seal_memory, .seals = F_SEAL_FUTURE_WRITE);
		expect_not_writable(server, peer);
	}
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)
#define TEST_LENIENT(name) \
	cmocka_unit_test_setup_teardown(name, server_setup_lenient, \
		server_teardown)
	const struct CMUnitTest tests[] = {
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
		TEST(memory_sealed_after_a_write_cannot_be_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
