/* SPDX-License-Identifier: MIT */
/*
 * kernel-nofault absent|private|shared: how unsealed memory is read on a kernel without
 * MAP_NOFAULT, or with it for such mappings, with real clients, and a compositor in this
 * process, as in the integration tests.
 *
 * Each test says what it expects on each kind of kernel. Most things are the same on all:
 * with MAP_NOFAULT a frame costs less, and shows the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

/* The kind of unsealed memory on this kernel. */
static enum sealpool_memory_kind unsealed;
/* The kinds of unsealed and of sealed memory with holes. */
static enum sealpool_memory_kind sparse, sealed_sparse;
/* Zeroes disappear when the file gets bytes there. */
static bool coherent;

static bool has_nofault(void) {
	return unsealed == SEALPOOL_MEMORY_NOFAULT;
}

static uint64_t count_copied(struct server *server, const struct peer *peer) {
	return server_get_stats(server, peer).bytes_copied_in;
}

/* Kinds */

static void expect_unsealed(struct server *server,
		enum client_memory_kind kind) {
	struct peer *peer = peer_create_with_picture(server,
		kind, WIDTH, HEIGHT);
	for (uint32_t frame = 1; frame <= 10; frame++) {
		tell(peer, draw_and_show, .frame = frame);
		expect_frame(server_get_shown(server, peer), frame);
		expect_kind(server_get_shown(server, peer), unsealed);
	}
	struct sealpool_stats stats = server_get_stats(server, peer);
	assert_int_equal(stats.buffers[unsealed], 1);
	assert_int_equal(stats.bytes_copied_in,
		has_nofault() ? 0 : 10 * BYTES);
	assert_int_equal(stats.bytes_copied_out, 0);
	assert_int_equal(stats.shadow_bytes, has_nofault() ? 0 : BYTES);
	assert_int_equal(stats.fds, 1);
	assert_int_equal(stats.faults, 0);
	peer_finish(peer);
}

static void unsealed_memory_is_copied_only_without_nofault(void **state) {
	expect_unsealed(*state, CLIENT_MEMORY_UNSEALED);
	expect_unsealed(*state, CLIENT_MEMORY_SHM_OPEN);
}

static void memory_drawn_before_its_buffer_is_so_at_once(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED, .size = BYTES);
	tell(peer, fill_memory, .frame = 1);
	tell(peer, create_pool, .size = BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE);
	expect_kind(server->newest, unsealed);
	peer_finish(peer);
}

static void sealed_memory_is_direct_on_any_kernel(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_SEALED, WIDTH, HEIGHT);
	for (uint32_t frame = 1; frame <= 3; frame++) {
		tell(peer, draw_and_show, .frame = frame);
		expect_frame(server_get_shown(server, peer), frame);
	}
	expect_kind(server_get_shown(server, peer), SEALPOOL_MEMORY_DIRECT);
	assert_int_equal(count_copied(server, peer), 0);
	peer_finish(peer);
}

/* What the client does */

static void writes_are_seen_at_the_latest_when_committed(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_frame(buffer, 1);
	/* In place, the reader sees each write of the client. */
	tell(peer, draw, .frame = 2);
	expect_frame(buffer, has_nofault() ? 2 : 1);
	tell(peer, draw_and_show, .frame = 3);
	expect_frame(buffer, 3);
	peer_finish(peer);
}

/* A signal would end this process. */
static void truncated_memory_reads_as_zero_without_a_signal(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_frame(buffer, 1);
	/* To the byte, not only to the page. */
	int32_t rows = HEIGHT / 2 + 1;
	tell(peer, cut_memory, .size = rows * STRIDE);
	tell(peer, show, .buffer = 0);
	expect_frame_cut(buffer, 1, rows);
	expect_kind(buffer, unsealed);
	const char *message = refused(peer, "wl_buffer", 0,
		WL_SHM_ERROR_INVALID_FD, wait_handled, .buffer = 0);
	expect_number(message, BYTES);
	expect_number(message, rows * STRIDE);
	peer_finish(peer);
}

static void file_cut_to_nothing_reads_as_zero(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_frame(buffer, 1);
	tell(peer, cut_memory, .size = 0);
	tell(peer, show, .buffer = 0);
	expect_zeroes(buffer);
	assert_true(server_get_stats(server, peer).faults > 0);
	peer_finish(peer);
}

/* During an access, truncated bytes disappear from a mapping, but not from a copy. */
static void memory_cut_while_it_is_read_reads_on(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	struct sealpool_access access;
	begin_read(buffer, &access);
	const volatile uint32_t *last = (uint32_t *)((uint8_t *)access.data +
		BYTES) - 1;
	uint32_t drawn = client_pattern(WIDTH - 1, HEIGHT - 1, 1);
	assert_int_equal(*last, drawn);
	tell(peer, cut_memory, .size = 0);
	assert_int_equal(*last, has_nofault() ? 0 : drawn);
	sealpool_buffer_end_access(&access);
	peer_finish(peer);
}

/* Growth */

static void pool_that_grows_is_mapped_anew_when_it_must(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *first = server_get_shown(server, peer);
	expect_frame(first, 1);
	size_t mappings = count_pool_mappings();
	for (int i = 1; i < 8; i++) {
		tell(peer, grow_memory, .size = (i + 1) * BYTES);
		tell(peer, resize_pool, .size = (i + 1) * BYTES);
		if (i == 1) {
			assert_int_equal(count_pool_mappings(), mappings);
		}
		tell(peer, create_buffer, .buffer = i, .offset = i * BYTES,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE,
			.format = WL_SHM_FORMAT_XRGB8888);
		tell(peer, draw_and_show, .buffer = i, .surface = i,
			.frame = (uint32_t)i + 1);
		expect_frame(server_get_surface(server, peer, i)->current,
			(uint32_t)i + 1);
		expect_kind(server_get_surface(server, peer, i)->current,
			unsealed);
	}
	/* Once, and then with room to grow; the first buffer still has its own mapping. A
	 * coherent mapping has room from the start. */
	if (has_nofault()) {
		assert_int_equal(count_pool_mappings(),
			coherent ? mappings : mappings + 1);
		assert_int_equal(count_copied(server, peer), 0);
	}
	for (int i = 0; i < 8; i++) {
		expect_frame(server_get_surface(server, peer, i)->current,
			(uint32_t)i + 1);
	}
	peer_finish(peer);
}

/* Creates a client with a pool larger than its file, and a picture in each half. */
static struct peer *create_peer_ahead_of_its_file(struct server *server) {
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED, .size = BYTES);
	tell(peer, create_pool, .size = 2 * BYTES);
	for (int i = 0; i < 2; i++) {
		tell(peer, create_buffer, .buffer = i, .offset = i * BYTES,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE,
			.format = WL_SHM_FORMAT_XRGB8888);
	}
	tell(peer, draw_and_show, .buffer = 0, .frame = 1);
	expect_frame(server_get_shown(server, peer), 1);
	return peer;
}

static void file_that_grows_alone_is_seen(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer_ahead_of_its_file(server);
	tell(peer, grow_memory, .size = 2 * BYTES);
	tell(peer, draw_and_show, .buffer = 1, .frame = 2);
	expect_frame(server_get_shown(server, peer), 2);
	expect_kind(server_get_shown(server, peer), unsealed);
	peer_finish(peer);
}

static void file_that_grows_after_zeroes_were_seen_is_seen(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer_ahead_of_its_file(server);
	tell(peer, show, .buffer = 1);
	struct sealpool_buffer *late = server_get_shown(server, peer);
	expect_zeroes(late);
	tell(peer, grow_memory, .size = 2 * BYTES);
	tell(peer, draw, .buffer = 1, .frame = 2);
	/* In a private mapping, zeroes stay where they were read. A copy reads missing
	 * bytes again each time. */
	if (has_nofault() && !coherent) {
		expect_zeroes(late);
	} else {
		expect_frame(late, 2);
	}
	tell(peer, show, .buffer = 1);
	expect_frame(late, 2);
	expect_kind(late, unsealed);
	/* The other buffer is not affected. */
	tell(peer, draw_and_show, .buffer = 0, .frame = 3);
	expect_frame(server_get_shown(server, peer), 3);
	if (has_nofault()) {
		assert_int_equal(count_copied(server, peer), 0);
	}
	peer_finish(peer);
}

/* client_memory has no mapping of it any more, since it was truncated. */
static bool grow_again(struct actor *actor, const struct args *args) {
	struct client_memory *memory = &actor->memory[args->memory];
	void *data = ftruncate(memory->fd, (off_t)args->size) < 0 ?
		MAP_FAILED : mmap(NULL, (size_t)args->size,
			PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	if (data == MAP_FAILED) {
		return client_fail(&actor->client, "growing again: %s",
			strerror(errno));
	}
	memory->data = data;
	memory->size = (size_t)args->size;
	return true;
}

static void file_that_is_cut_and_grows_again_is_seen(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	for (uint32_t frame = 2; frame <= 5; frame++) {
		tell(peer, cut_memory, .size = 0);
		tell(peer, show, .buffer = 0);
		expect_zeroes(buffer);
		tell(peer, grow_again, .size = BYTES);
		tell(peer, draw_and_show, .frame = frame);
		expect_frame(buffer, frame);
	}
	expect_kind(buffer, unsealed);
	peer_finish(peer);
}

/* Write access */

static void what_is_written_goes_by_way_of_a_copy(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(buffer,
		SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE, &access), 0);
	assert_int_equal(*(uint32_t *)access.data, client_pattern(0, 0, 1));
	struct client_image image = {
		.width = WIDTH,
		.height = HEIGHT,
		.stride = (int32_t)access.stride,
		.data = access.data,
	};
	client_image_draw(&image, 7);
	/* The client sees all of it at once, at the end. */
	tell(peer, expect_drawn, .frame = 1);
	sealpool_buffer_end_access(&access);
	tell(peer, expect_drawn, .frame = 7);
	expect_frame(buffer, 7);
	expect_kind(buffer, unsealed);
	struct sealpool_stats stats = server_get_stats(server, peer);
	assert_int_equal(stats.bytes_copied_out, BYTES);
	assert_true(stats.shadow_bytes > 0);
	peer_finish(peer);
}

static void what_is_written_makes_no_file_longer(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer_ahead_of_its_file(server);
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(server->newest,
		SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE, &access), 0);
	memset(access.data, 0xee, BYTES);
	sealpool_buffer_end_access(&access);
	tell(peer, expect_size, .size = BYTES);
	peer_finish(peer);
}

/* Holes */

static bool punch(struct actor *actor, const struct args *args) {
	const struct client_memory *memory = &actor->memory[args->memory];
	return fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE |
		FALLOC_FL_KEEP_SIZE, 0, (off_t)memory->size) == 0 ||
		client_fail(&actor->client, "punching a hole: %s",
			strerror(errno));
}

static void memory_that_was_never_drawn_is_not_filled(void **state) {
	struct server *server = *state;
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = peer_create(server);
		tell(peer, make_picture, .kind = kinds[i], .width = WIDTH,
			.height = HEIGHT);
		tell(peer, show, .buffer = 0);
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
		expect_zeroes(buffer);
		expect_kind(buffer, i == 0 ? sealed_sparse : sparse);
		tell(peer, expect_sparse, .memory = 0);
		/* Later, it is read in place, but not always at once. */
		enum sealpool_memory_kind kind = i == 0 ?
			SEALPOOL_MEMORY_DIRECT : unsealed;
		for (uint32_t frame = 1; frame <= 16; frame++) {
			tell(peer, draw_and_show, .frame = frame);
			expect_frame(buffer, frame);
		}
		expect_kind(buffer, kind);
		if (coherent) {
			assert_int_equal(count_copied(server, peer), 0);
		}
		peer_finish(peer);
	}
}

static void memory_that_is_taken_away_is_not_filled(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_frame(buffer, 1);
	expect_kind(buffer, unsealed);
	tell(peer, punch, .memory = 0);
	tell(peer, show, .buffer = 0);
	expect_zeroes(buffer);
	expect_kind(buffer, sparse);
	tell(peer, expect_sparse, .memory = 0);
	for (uint32_t frame = 2; frame <= 17; frame++) {
		tell(peer, draw_and_show, .frame = frame);
		expect_frame(buffer, frame);
	}
	expect_kind(buffer, unsealed);
	if (coherent) {
		assert_int_equal(count_copied(server, peer), 0);
	}
	peer_finish(peer);
}

/* Between two reads of one access. */
static void file_that_grows_while_it_is_read_is_seen_in_a_shared_mapping(
		void **state) {
	if (!coherent) {
		skip();
	}
	struct server *server = *state;
	struct peer *peer = create_peer_ahead_of_its_file(server);
	tell(peer, show, .buffer = 1);
	struct sealpool_access access;
	begin_read(server_get_shown(server, peer), &access);
	const volatile uint32_t *first = access.data;
	assert_int_equal(*first, 0);
	tell(peer, grow_memory, .size = 2 * BYTES);
	tell(peer, draw, .buffer = 1, .frame = 2);
	assert_int_equal(*first, client_pattern(0, 0, 2));
	sealpool_buffer_end_access(&access);
	peer_finish(peer);
}

int main(int argc, char *argv[]) {
	if (argc != 2 || (strcmp(argv[1], "absent") != 0 &&
			strcmp(argv[1], "private") != 0 &&
			strcmp(argv[1], "shared") != 0)) {
		fputs("usage: kernel-nofault absent|private|shared\n", stderr);
		return 2;
	}
	coherent = strcmp(argv[1], "shared") == 0;
	unsealed = strcmp(argv[1], "absent") == 0 ? SEALPOOL_MEMORY_SHADOW :
		SEALPOOL_MEMORY_NOFAULT;
	sparse = coherent ? SEALPOOL_MEMORY_NOFAULT : SEALPOOL_MEMORY_SHADOW;
	sealed_sparse = coherent ? SEALPOOL_MEMORY_DIRECT :
		SEALPOOL_MEMORY_SHADOW;

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, \
	server_teardown)
#define TEST_LENIENT(name) cmocka_unit_test_setup_teardown(name, \
	server_setup_lenient, server_teardown)
	const struct CMUnitTest tests[] = {
		TEST(unsealed_memory_is_copied_only_without_nofault),
		TEST(memory_drawn_before_its_buffer_is_so_at_once),
		TEST(sealed_memory_is_direct_on_any_kernel),

		TEST(writes_are_seen_at_the_latest_when_committed),
		TEST(truncated_memory_reads_as_zero_without_a_signal),
		TEST_LENIENT(file_cut_to_nothing_reads_as_zero),
		TEST_LENIENT(memory_cut_while_it_is_read_reads_on),

		TEST(pool_that_grows_is_mapped_anew_when_it_must),
		TEST(file_that_grows_alone_is_seen),
		TEST_LENIENT(file_that_grows_after_zeroes_were_seen_is_seen),
		TEST_LENIENT(file_that_is_cut_and_grows_again_is_seen),
		TEST_LENIENT(
			file_that_grows_while_it_is_read_is_seen_in_a_shared_mapping),

		TEST(what_is_written_goes_by_way_of_a_copy),
		TEST_LENIENT(what_is_written_makes_no_file_longer),

		TEST(memory_that_was_never_drawn_is_not_filled),
		TEST(memory_that_is_taken_away_is_not_filled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
