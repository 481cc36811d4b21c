/* SPDX-License-Identifier: MIT */
/*
 * Objects are destroyed in any order and at any time. What the compositor holds stays
 * readable and exact until it is released.
 *
 * After each test, here and in all other files of the suite, server_destroy() checks that
 * no fd and no mapping is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>

#include "peer.h"
#include "sanitizers.h"
#include "server.h"

#define WIDTH 64
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static const enum client_memory_kind kinds[] = {
	CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
};

#define KINDS_LEN (sizeof(kinds) / sizeof(kinds[0]))

/* What a client can destroy. */
enum part {
	PART_SHM,
	PART_POOL,
	PART_BUFFER,
	PART_SURFACE,
	PARTS_LEN,
};

/* Destroys the part .count. */
static bool destroy_part(struct actor *actor, const struct args *args) {
	static const order_func destroy[PARTS_LEN] = {
		[PART_SHM] = destroy_shm,
		[PART_POOL] = destroy_pool,
		[PART_BUFFER] = destroy_buffer,
		[PART_SURFACE] = destroy_surface,
	};
	return destroy[args->count](actor, &(struct args){ 0 });
}

/* Computes the permutation with this number, out of 24. */
static void get_order(unsigned number, enum part order[PARTS_LEN]) {
	enum part left[PARTS_LEN] = {
		PART_SHM, PART_POOL, PART_BUFFER, PART_SURFACE,
	};
	for (unsigned i = 0; i < PARTS_LEN; i++) {
		unsigned remaining = PARTS_LEN - i;
		unsigned pick = number % remaining;
		number /= remaining;
		order[i] = left[pick];
		for (unsigned j = pick; j + 1 < remaining; j++) {
			left[j] = left[j + 1];
		}
	}
}

#define ORDERS_LEN 24

/* Destroys parts in the given order, and kills the client after "alive" of them. With
 * "each_step", the buffer is also read in between. */
static void destroy_in_order(struct server *server,
		enum client_memory_kind kind, unsigned number, unsigned alive,
		bool each_step) {
	enum part order[PARTS_LEN];
	get_order(number, order);
	struct peer *peer = peer_create_with_picture(server,
		kind, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer =
		sealpool_buffer_ref(server_get_shown(server, peer));
	for (unsigned i = 0; i < alive; i++) {
		tell(peer, destroy_part, .count = order[i]);
		if (each_step) {
			expect_frame(buffer, 1);
		}
	}
	peer_kill(peer);
	assert_null(sealpool_buffer_get_resource(buffer));
	/* Nobody gets an error for it. */
	sealpool_buffer_send_release(buffer);
	expect_frame(buffer, 1);
	sealpool_buffer_unref(buffer);
}

static void objects_may_be_destroyed_in_any_order(void **state) {
	for (size_t i = 0; i < KINDS_LEN; i++) {
		for (unsigned number = 0; number < ORDERS_LEN; number++) {
			destroy_in_order(*state, kinds[i], number, PARTS_LEN,
				true);
		}
	}
}

static void client_may_end_between_commit_and_read(void **state) {
	for (size_t i = 0; i < KINDS_LEN; i++) {
		for (unsigned number = 0; number < ORDERS_LEN; number++) {
			destroy_in_order(*state, kinds[i], number,
				number % PARTS_LEN, false);
		}
	}
}

/* All of them, without a roundtrip in between. */
static bool destroy_all_at_once(struct actor *actor, const struct args *args) {
	enum part order[PARTS_LEN];
	get_order(args->count, order);
	for (unsigned i = 0; i < PARTS_LEN; i++) {
		destroy_part(actor, &(struct args){ .count = order[i] });
	}
	return true;
}

static void objects_may_be_destroyed_all_at_once(void **state) {
	struct server *server = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		for (unsigned number = 0; number < ORDERS_LEN; number++) {
			struct peer *peer = peer_create_with_picture(server,
				kinds[i], WIDTH, HEIGHT);
			struct sealpool_buffer *buffer = sealpool_buffer_ref(
				server_get_shown(server, peer));
			tell(peer, destroy_all_at_once, .count = number);
			expect_frame(buffer, 1);
			sealpool_buffer_unref(buffer);
			struct sealpool_stats stats =
				server_get_stats(server, peer);
			assert_int_equal(stats.pools, 0);
			peer_finish(peer);
		}
	}
}

static void buffer_may_end_between_attach_and_commit(void **state) {
	struct server *server = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(server,
			kinds[i], WIDTH, HEIGHT);
		tell(peer, make_picture, .buffer = 1, .kind = kinds[i],
			.width = WIDTH, .height = HEIGHT);
		tell(peer, draw, .buffer = 1, .frame = 2);
		tell(peer, attach, .buffer = 1);
		tell(peer, destroy_buffer, .buffer = 1);
		tell(peer, commit, .surface = 0);
		/* This compositor continues to use the buffer. */
		expect_frame(server_get_shown(server, peer), 2);
		tell(peer, draw_and_show, .buffer = 0, .frame = 3);
		expect_frame(server_get_shown(server, peer), 3);
		peer_finish(peer);
	}
}

static void buffer_may_end_while_it_is_read(void **state) {
	struct server *server = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(server,
			kinds[i], WIDTH, HEIGHT);
		struct sealpool_buffer *buffer = sealpool_buffer_ref(
			server_get_shown(server, peer));
		struct sealpool_access access;
		begin_read(buffer, &access);
		peer_kill(peer);
		uint32_t last = ((uint32_t *)access.data)[BYTES / 4 - 1];
		sealpool_buffer_end_access(&access);
		assert_int_equal(last,
			client_pattern(WIDTH - 1, HEIGHT - 1, 1));
		sealpool_buffer_unref(buffer);
	}
}

static void client_may_end_while_it_is_written_to(void **state) {
	struct server *server = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(server,
			kinds[i], WIDTH, HEIGHT);
		struct sealpool_buffer *buffer = sealpool_buffer_ref(
			server_get_shown(server, peer));
		struct sealpool_access access;
		assert_int_equal(sealpool_buffer_begin_access(buffer,
			SEALPOOL_ACCESS_WRITE, &access), 0);
		peer_kill(peer);
		memset(access.data, 0xee, BYTES);
		sealpool_buffer_end_access(&access);
		begin_read(buffer, &access);
		uint32_t last = ((uint32_t *)access.data)[BYTES / 4 - 1];
		sealpool_buffer_end_access(&access);
		assert_int_equal(last, 0xeeeeeeee);
		sealpool_buffer_unref(buffer);
	}
}

/* There is no client that could get an error. */
static void missing_bytes_of_a_client_that_is_gone_read_as_zero(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer =
		sealpool_buffer_ref(server_get_shown(server, peer));
	tell(peer, cut_memory, .size = 0);
	peer_kill(peer);
	expect_zeroes(buffer);
	server_settle(server);
	expect_zeroes(buffer);
	sealpool_buffer_unref(buffer);
}

/* The error is pending when its object is destroyed. */
static void buffer_may_end_before_its_error_is_sent(void **state) {
	struct server *server = *state;
	struct peer *bystander = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	for (int i = 0; i < 2; i++) {
		struct peer *peer = peer_create_with_picture(server,
			CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
		tell(peer, cut_memory, .size = 0);
		struct sealpool_buffer *buffer = sealpool_buffer_ref(
			server_get_shown(server, peer));
		read_buffer(buffer);
		/* The event loop has not sent it yet. */
		if (i == 0) {
			wl_resource_destroy(
				sealpool_buffer_get_resource(buffer));
		} else {
			wl_client_destroy(peer->client);
		}
		sealpool_buffer_unref(buffer);
		server_settle(server);
		peer_kill(peer);
	}
	expect_frame(server_get_shown(server, bystander), 1);
	peer_finish(bystander);
}

static void buffer_outlives_the_display(void **state) {
	struct server *server = *state;
	struct sealpool_buffer *buffers[2 * KINDS_LEN];
	for (size_t i = 0; i < 2 * KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(server,
			kinds[i / 2], WIDTH, HEIGHT);
		buffers[i] = sealpool_buffer_ref(
			server_get_shown(server, peer));
		if (i % 2 == 0) {
			expect_frame(buffers[i], 1);
		}
		/* The server stays, and does not change its file. */
	}
	struct peer *cutter = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *cut =
		sealpool_buffer_ref(server_get_shown(server, cutter));
	tell(cutter, cut_memory, .size = 0);

	wl_display_destroy_clients(server->display);
	wl_display_destroy(server->display);
	server->display = NULL;
	for (size_t i = 0; i < 2 * KINDS_LEN; i++) {
		assert_null(sealpool_buffer_get_resource(buffers[i]));
		expect_frame(buffers[i], 1);
		sealpool_buffer_unref(buffers[i]);
	}
	expect_zeroes(cut);
	sealpool_buffer_unref(cut);
}

static void fault_on_its_way_does_not_outlive_the_display(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	tell(peer, cut_memory, .size = 0);
	read_buffer(server_get_shown(server, peer));
	wl_display_destroy_clients(server->display);
	wl_display_destroy(server->display);
	server->display = NULL;
}

/* Resizing */

static void resize_does_not_move_what_is_read(void **state) {
	struct server *server = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(server,
			kinds[i], WIDTH, HEIGHT);
		struct sealpool_buffer *buffer =
			server_get_shown(server, peer);
		struct sealpool_access access;
		begin_read(buffer, &access);
		int64_t size = BYTES;
		for (int j = 1; j < 8; j++) {
			size *= 3;
			tell(peer, grow_memory, .size = size);
			tell(peer, resize_pool, .size = size);
			tell(peer, create_buffer, .buffer = j,
				.offset = (int32_t)(size - BYTES),
				.width = WIDTH, .height = HEIGHT,
				.stride = STRIDE,
				.format = WL_SHM_FORMAT_XRGB8888);
			tell(peer, draw_and_show, .surface = j, .buffer = j,
				.frame = (uint32_t)j + 1);
			expect_frame(server_get_surface(server, peer,
				j)->current, (uint32_t)j + 1);
		}
		size_t wrong = 0;
		for (int32_t j = 0; j < WIDTH * HEIGHT; j++) {
			wrong += ((uint32_t *)access.data)[j] !=
				client_pattern(j % WIDTH, j / WIDTH, 1);
		}
		sealpool_buffer_end_access(&access);
		assert_int_equal(wrong, 0);
		/* A new access shows the same. */
		expect_frame(buffer, 1);
		tell(peer, draw_and_show, .frame = 9);
		expect_frame(buffer, 9);
		peer_finish(peer);
	}
}

static void resizing_often_keeps_few_mappings(void **state) {
	struct server *server = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(server,
			kinds[i], WIDTH, HEIGHT);
		for (int j = 1; j <= 100; j++) {
			tell(peer, grow_memory, .size = (j + 1) * BYTES);
			tell(peer, resize_pool, .size = (j + 1) * BYTES);
			tell(peer, create_buffer, .buffer = 1,
				.offset = j * BYTES, .width = WIDTH,
				.height = HEIGHT, .stride = STRIDE,
				.format = WL_SHM_FORMAT_XRGB8888);
			tell(peer, draw_and_show, .buffer = 1,
				.frame = (uint32_t)j);
			expect_frame(server_get_shown(server, peer),
				(uint32_t)j);
		}
		expect_between(count_pool_mappings(), 0, 4);
		peer_finish(peer);
	}
}

/* Ten thousand pools */

/* Reads what is shown, and releases it. */
static void read_and_release(struct server_surface *surface) {
	if (surface->current == NULL) {
		return;
	}
	/* The first pixel has the number of the frame. */
	struct sealpool_access access;
	begin_read(surface->current, &access);
	const uint32_t *pixels = access.data;
	int32_t width = sealpool_buffer_get_width(surface->current);
	int32_t height = sealpool_buffer_get_height(surface->current);
	size_t wrong = 0;
	for (int32_t i = 1; i < width * height; i++) {
		wrong += pixels[i] != pixels[0] + (uint32_t)i;
	}
	sealpool_buffer_end_access(&access);
	assert_int_equal(wrong, 0);
	sealpool_buffer_send_release(surface->current);
	(*(unsigned *)surface->server->data)++;
}

static bool draw_numbers(struct actor *actor, const struct args *args,
		uint32_t first) {
	struct client_image image;
	if (!client_buffer_get_image(&actor->client,
			&actor->buffers[args->buffer], &image)) {
		return false;
	}
	uint32_t *pixels = image.data;
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
		pixels[i] = first + i;
	}
	return true;
}

/* Creates, uses, resizes, uses and destroys .count pools. */
static bool use_pools(struct actor *actor, const struct args *args) {
	struct client *client = &actor->client;
	for (uint32_t i = 0; i < args->count; i++) {
		/* Three sealed pools for each unsealed one. */
		struct args picture = {
			.kind = i % 4 < 3 ? CLIENT_MEMORY_SEALED :
				CLIENT_MEMORY_UNSEALED,
			.width = WIDTH,
			.height = HEIGHT,
		};
		if (!make_picture(actor, &picture) ||
				!draw_numbers(actor, &picture, i) ||
				!show(actor, &picture) ||
				!client_buffer_wait_released(client,
					&actor->buffers[0])) {
			return false;
		}
		struct args more = {
			.buffer = 1,
			.size = 2 * BYTES,
			.offset = BYTES,
			.width = WIDTH,
			.height = HEIGHT,
			.stride = STRIDE,
		};
		if (!grow_memory(actor, &more) || !resize_pool(actor, &more) ||
				!create_buffer(actor, &more) ||
				!draw_numbers(actor, &more, i + 1) ||
				!show(actor, &(struct args){ .buffer = 1 }) ||
				!client_buffer_wait_released(client,
					&actor->buffers[1])) {
			return false;
		}
		destroy_buffer(actor, &(struct args){ .buffer = 0 });
		destroy_buffer(actor, &(struct args){ .buffer = 1 });
		destroy_pool(actor, &(struct args){ .pool = 0 });
		attach(actor, &(struct args){ .buffer = NO_BUFFER });
		commit(actor, &(struct args){ .surface = 0 });
		client_memory_destroy(&actor->memory[0]);
	}
	return true;
}

/* Returns 0 with a sanitizer that keeps freed memory for a while. */
static size_t get_resident(void) {
	return WITH_ADDRESS_SANITIZER || WITH_THREAD_SANITIZER ? 0 :
		count_resident_bytes();
}

static int setup_short_idle(void **state) {
	*state = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.shadow_idle_ms = 500,
	});
	return *state != NULL ? 0 : -1;
}

/* The memory of a copy is freed when it is idle. */
static void wait_given_back(struct server *server, const struct peer *peer) {
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	while (server_get_stats(server, peer).shadow_bytes > 0 &&
			server_now_ms() < deadline) {
		server_dispatch(server, -1, server_now_ms() + 100);
	}
	assert_int_equal(count_pool_mappings(), 0);
}

static void many_pools_in_sequence_leave_nothing_behind(void **state) {
	struct server *server = *state;
	unsigned reads = 0;
	server->data = &reads;
	server->handle_commit = read_and_release;
	struct peer *peer = peer_create(server);
	/* The heap grows to its usual size. */
	tell(peer, use_pools, .count = 100);
	wait_given_back(server, peer);
	size_t fds = count_fds();
	size_t mappings = count_mappings("", "");
	size_t resident = get_resident();

	tell(peer, use_pools, .count = 10000);
	assert_int_equal(reads, 2 * 10100);
	wait_given_back(server, peer);
	assert_int_equal(count_fds(), fds);
	/* malloc() may map and unmap an arena. */
	expect_between(count_mappings("", ""), mappings - 4, mappings + 4);
	/* A leak of a hundred bytes for each pool would exceed this. */
	if (get_resident() > resident + 1024 * 1024) {
		fail_msg("the compositor has grown by %zu bytes",
			get_resident() - resident);
	}

	struct sealpool_stats stats = server_get_stats(server, peer);
	assert_int_equal(stats.pools, 0);
	assert_int_equal(stats.buffers[SEALPOOL_MEMORY_DIRECT], 0);
	assert_int_equal(stats.buffers[SEALPOOL_MEMORY_SHADOW], 0);
	assert_int_equal(stats.fds, 0);
	assert_int_equal(stats.pool_bytes, 0);
	assert_int_equal(stats.shadow_bytes, 0);
	peer_finish(peer);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)
	const struct CMUnitTest tests[] = {
		TEST(objects_may_be_destroyed_in_any_order),
		TEST(client_may_end_between_commit_and_read),
		TEST(objects_may_be_destroyed_all_at_once),
		TEST(buffer_may_end_between_attach_and_commit),
		TEST(buffer_may_end_while_it_is_read),
		TEST(client_may_end_while_it_is_written_to),
		TEST(missing_bytes_of_a_client_that_is_gone_read_as_zero),
		TEST(buffer_may_end_before_its_error_is_sent),
		TEST(buffer_outlives_the_display),
		TEST(fault_on_its_way_does_not_outlive_the_display),

		TEST(resize_does_not_move_what_is_read),
		TEST(resizing_often_keeps_few_mappings),

		cmocka_unit_test_setup_teardown(
			many_pools_in_sequence_leave_nothing_behind,
			setup_short_idle, server_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
