/* SPDX-License-Identifier: MIT */
/*
 * Which memory kind a buffer gets, and that its pixels are exact with each.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <wayland-client.h>

#include "peer.h"
#include "server.h"

#define WIDTH 512
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

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
	assert_int_equal(server_get_stats(server, peer).bytes_copied_in, 0);
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

/* Reading a hole in place would allocate memory at the reader's expense. */
static void sealed_memory_that_was_never_drawn_is_not_mapped(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_SEALED, .width = WIDTH,
		.height = HEIGHT);
	tell(peer, show, .buffer = 0);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_zeroes(buffer);
	expect_kind(buffer, SEALPOOL_MEMORY_SHADOW);
	/* At a later commit, it is mapped. */
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
	assert_int_equal(server_get_stats(server, peer).bytes_copied_in, BYTES);
	/* It stays so. */
	tell(peer, draw_and_show, .frame = 3);
	expect_frame(buffer, 3);
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	assert_int_equal(server_get_stats(server, peer).bytes_copied_in, BYTES);
	peer_finish(peer);
}

static void memory_that_becomes_direct_gives_its_copy_back(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_frame(buffer, 1);
	assert_int_equal(server_get_stats(server, peer).shadow_bytes, BYTES);
	/* One reader still reads the copy when the buffer becomes direct. */
	struct sealpool_access access;
	begin_read(buffer, &access);
	tell(peer, seal_memory, .seals = F_SEAL_SHRINK);
	tell(peer, draw_and_show, .frame = 2);
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	assert_int_equal(*(uint32_t *)access.data, client_pattern(0, 0, 1));
	sealpool_buffer_end_access(&access);
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
	assert_int_equal(server_get_stats(server, peer).bytes_copied_in, 0);
	peer_finish(peer);
}

/* This attack kills other compositors. */
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
	expect_zeroes(past);
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

/* Two buffers that share each row of their memory. */
static void expect_exact_side_by_side(struct server *server,
		enum client_memory_kind kind) {
	struct peer *peer = peer_create_with_pool(server, kind, BYTES);
	/* The last row of the right one ends where the file ends. */
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
		/* The second copy has not changed the first. */
		expect_frame(server_get_surface(server, peer, 0)->current,
			frame);
	}
	peer_finish(peer);
}

static void buffers_side_by_side_do_not_disturb_each_other(void **state) {
	expect_exact_side_by_side(*state, CLIENT_MEMORY_SEALED);
	expect_exact_side_by_side(*state, CLIENT_MEMORY_UNSEALED);
}

/* Fails unless the buffer has the bytes that fill_memory() puts there. */
static void expect_filled(struct sealpool_buffer *buffer, uint32_t frame,
		size_t size) {
	struct sealpool_access access;
	begin_read(buffer, &access);
	const uint8_t *bytes = access.data;
	size_t wrong = 0;
	int32_t offset = sealpool_buffer_get_offset(buffer);
	for (size_t i = 0; i < size; i++) {
		wrong += bytes[i] != (uint8_t)client_pattern(
			offset + (int32_t)i, 0, frame);
	}
	sealpool_buffer_end_access(&access);
	assert_int_equal(wrong, 0);
}

static void expect_planes_exact(struct server *server, uint32_t format,
		int32_t height, int32_t size) {
	struct peer *peer = peer_create_with_pool(server,
		CLIENT_MEMORY_UNSEALED, 100 + size);
	tell(peer, create_buffer, .offset = 100, .width = WIDTH,
		.height = height, .stride = WIDTH, .format = format);
	tell(peer, create_surface, .surface = 0);
	for (uint32_t frame = 1; frame <= 2; frame++) {
		tell(peer, fill_memory, .frame = frame);
		tell(peer, show, .buffer = 0);
		expect_filled(server_get_shown(server, peer), frame,
			(size_t)size);
	}
	assert_int_equal(server_get_stats(server, peer).bytes_copied_in, 2 * (uint64_t)size);
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
	/* Otherwise, the page before the buffer would be a hole. */
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
	assert_int_equal(server_get_stats(server, peer).bytes_copied_in, 0);
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
		TEST(fd_of_sealed_memory_is_the_clients),
		TEST(unsealed_memory_has_no_fd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
