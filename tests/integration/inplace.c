/* SPDX-License-Identifier: MIT */
/*
 * Limits of reading in place: what exceeds the budget, or is in a file with much more
 * memory than is shown of it, is copied. No client is disconnected for it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "peer.h"
#include "server.h"

#define WIDTH 64
#define HEIGHT 64
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

#define MIB ((int64_t)1 << 20)
/* More memory than the file of a small buffer may have. */
#define LARGE (64 * MIB)
#define SPARSE (512 * MIB)

/* The number of small buffers that fit a client's budget. Twice as many fit that of all
 * clients. */
#define FIT 4
/* Buffers of 4 MiB in a much larger pool. */
#define SIDE 1024
#define PLACE (4 * MIB)
#define PLACES 32
#define PLACES_FIT 6

static int setup_with(void **state, const struct sealpool_budget *budget) {
	*state = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget = *budget,
	});
	return *state != NULL ? 0 : -1;
}

static int setup_few(void **state) {
	return setup_with(state, &(struct sealpool_budget){
		.shadow_bytes = FIT * BYTES,
	});
}

static int setup_few_for_all(void **state) {
	return setup_with(state, &(struct sealpool_budget){
		.shadow_bytes = FIT * BYTES,
		.all_shadow_bytes = FIT * BYTES / 2,
	});
}

static int setup_few_places(void **state) {
	return setup_with(state, &(struct sealpool_budget){
		.shadow_bytes = PLACES_FIT * PLACE,
	});
}

/* Orders: allocate memory for .size bytes from .offset on, also past the file's end; draw
 * there; free the memory. */

static bool fill_place(struct actor *actor, const struct args *args) {
	return fallocate(actor->memory[args->memory].fd, FALLOC_FL_KEEP_SIZE,
		args->offset, args->size) == 0;
}

static bool write_place(struct actor *actor, const struct args *args) {
	memset((uint8_t *)actor->memory[args->memory].data + args->offset, 1,
		(size_t)args->size);
	return true;
}

static bool punch_place(struct actor *actor, const struct args *args) {
	return fallocate(actor->memory[args->memory].fd, FALLOC_FL_KEEP_SIZE |
		FALLOC_FL_PUNCH_HOLE, args->offset, args->size) == 0;
}

/* Creates a client with a file of "size" bytes, of which some have memory. */
static struct peer *create_peer(struct server *server, int64_t size) {
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = size);
	tell(peer, fill_place, .size = BYTES);
	return peer;
}

static void create_small_buffer(struct peer *peer) {
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = WL_SHM_FORMAT_XRGB8888);
}

/* The size of a file's memory is read once a second. */
static void show_until(struct server *server, struct peer *peer,
		enum sealpool_memory_kind kind) {
	int64_t end = server_now_ms() + SERVER_PATIENCE_MS;
	do {
		assert_true(server_now_ms() < end);
		tell(peer, show);
	} while (sealpool_buffer_get_kind(server_get_shown(server, peer)) !=
		kind);
}

/* The file */

static void file_with_much_memory_is_copied(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = LARGE);
	tell(peer, fill_place, .size = LARGE);
	tell(peer, create_pool, .size = BYTES);
	create_small_buffer(peer);
	for (uint32_t frame = 1; frame < 4; frame++) {
		tell(peer, draw_and_show, .frame = frame);
		expect_kind(server_get_shown(server, peer),
			SEALPOOL_MEMORY_SHADOW);
		expect_frame(server_get_shown(server, peer), frame);
	}
	peer_finish(peer);
}

static void memory_past_the_end_of_a_file_counts(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	tell(peer, fill_place, .size = LARGE);
	tell(peer, create_pool, .size = BYTES);
	create_small_buffer(peer);
	tell(peer, draw_and_show, .frame = 1);
	expect_kind(server_get_shown(server, peer), SEALPOOL_MEMORY_SHADOW);
	peer_finish(peer);
}

/* The bounce file is described in bounce.c. */
static bool has_bounce_file(void) {
	char path[64], target[64];
	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (strstr(target, "sealpool-bounce") != NULL) {
			return true;
		}
	}
	return false;
}

/* Reads a narrow column of many rows. They are read from a mapping if that cannot
 * block. */
static void read_column(struct server *server, struct peer *peer) {
	tell(peer, create_pool, .size = SIDE * SIDE * 4);
	tell(peer, create_buffer, .width = SIDE, .height = SIDE,
		.stride = SIDE * 4, .format = WL_SHM_FORMAT_XRGB8888);
	tell(peer, draw_and_show, .frame = 1);
	expect_frame(server_get_shown(server, peer), 1);
	tell(peer, show, .x = 10, .y = 10, .width = 10, .height = 100);
	expect_frame(server_get_shown(server, peer), 1);
	/* With MAP_NOFAULT, nothing is copied. */
	if (sealpool_buffer_get_kind(server_get_shown(server, peer)) !=
			SEALPOOL_MEMORY_SHADOW) {
		skip();
	}
}

static void mapping_of_a_file_with_much_memory_is_not_read(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED,
		.size = SIDE * SIDE * 4);
	tell(peer, fill_place, .size = LARGE);
	read_column(server, peer);
	assert_false(has_bounce_file());
	peer_finish(peer);

	peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED,
		.size = SIDE * SIDE * 4);
	read_column(server, peer);
	assert_true(has_bounce_file());
	peer_finish(peer);
}

static void large_file_whose_buffers_are_as_large_is_read_in_place(
		void **state) {
	enum { SOME = 4, WIDE = 2048, HIGH = 2048 };
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED,
		.size = SOME * WIDE * HIGH * 4);
	tell(peer, fill_place, .size = SOME * WIDE * HIGH * 4);
	tell(peer, create_pool, .size = SOME * WIDE * HIGH * 4);
	for (int i = 0; i < SOME; i++) {
		tell(peer, create_buffer, .buffer = i,
			.offset = i * WIDE * HIGH * 4, .width = WIDE,
			.height = HIGH, .stride = WIDE * 4, .format = 1);
		expect_kind(server->newest, SEALPOOL_MEMORY_DIRECT);
	}
	peer_finish(peer);
}

/* Accesses that began before the change read the same bytes as those that began after
 * it. */
static void sparse_file_is_copied_only_while_it_is_filled(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_pool(server, CLIENT_MEMORY_SEALED,
		SPARSE);
	create_small_buffer(peer);
	tell(peer, draw_and_show, .frame = 1);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	struct sealpool_access early, late;
	begin_read(buffer, &early);

	tell(peer, fill_place, .offset = (int32_t)MIB, .size = LARGE);
	show_until(server, peer, SEALPOOL_MEMORY_SHADOW);
	for (uint32_t frame = 2; frame < 4; frame++) {
		tell(peer, draw_and_show, .frame = frame);
		expect_frame(buffer, frame);
	}
	begin_read(buffer, &late);
	assert_ptr_not_equal(late.data, early.data);
	assert_memory_equal(late.data, early.data, BYTES);

	/* When the buffer is read in place again, a copy that was up to date is in
	 * use. */
	tell(peer, punch_place, .offset = (int32_t)MIB, .size = LARGE);
	int64_t end = server_now_ms() + SERVER_PATIENCE_MS;
	do {
		assert_true(server_now_ms() < end);
		sealpool_buffer_end_access(&late);
		sealpool_buffer_begin_access(buffer, SEALPOOL_ACCESS_READ,
			&late);
		tell(peer, show);
	} while (sealpool_buffer_get_kind(buffer) != SEALPOOL_MEMORY_DIRECT);
	tell(peer, draw_and_show, .frame = 4);
	expect_frame(buffer, 4);
	/* That old copy is not shown later either, before there is a commit. */
	tell(peer, fill_place, .offset = (int32_t)MIB, .size = LARGE);
	while (sealpool_buffer_get_kind(buffer) == SEALPOOL_MEMORY_DIRECT) {
		assert_true(server_now_ms() < end);
		tell(peer, attach);
	}
	expect_frame(buffer, 4);
	sealpool_buffer_end_access(&late);
	sealpool_buffer_end_access(&early);
	expect_frame(buffer, 4);
	peer_finish(peer);
}

static void file_that_has_grown_is_looked_at_for_a_new_buffer(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer(server, BYTES);
	tell(peer, create_pool, .size = BYTES);
	create_small_buffer(peer);
	expect_kind(server->newest, SEALPOOL_MEMORY_DIRECT);
	tell(peer, grow_memory, .size = LARGE);
	tell(peer, fill_place, .size = LARGE);
	int64_t end = server_now_ms() + SERVER_PATIENCE_MS;
	do {
		assert_true(server_now_ms() < end);
		tell(peer, destroy_buffer);
		create_small_buffer(peer);
	} while (sealpool_buffer_get_kind(server->newest) !=
		SEALPOOL_MEMORY_SHADOW);
	peer_finish(peer);
}

struct reader {
	struct sealpool_buffer *buffer;
	const uint8_t *expected;
	atomic_bool stop;
	atomic_uint wrong;
};

static void *read_all_the_time(void *data) {
	struct reader *reader = data;
	while (!reader->stop) {
		struct sealpool_access access;
		sealpool_buffer_begin_access(reader->buffer,
			SEALPOOL_ACCESS_READ, &access);
		reader->wrong += memcmp(access.data, reader->expected,
			BYTES) != 0;
		sealpool_buffer_end_access(&access);
	}
	return NULL;
}

static void threads_read_on_while_the_kind_changes(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer(server, SPARSE);
	tell(peer, create_pool, .size = SPARSE);
	create_small_buffer(peer);
	tell(peer, draw_and_show, .frame = 1);
	struct reader reader = { .buffer = server_get_shown(server, peer) };
	struct client_image image;
	read_image(reader.buffer, &image);
	uint8_t expected[BYTES];
	memcpy(expected, image.data, sizeof(expected));
	reader.expected = expected;
	pthread_t threads[2];
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL,
			read_all_the_time, &reader), 0);
	}
	for (int i = 0; i < 2; i++) {
		tell(peer, fill_place, .offset = (int32_t)MIB, .size = LARGE);
		show_until(server, peer, SEALPOOL_MEMORY_SHADOW);
		tell(peer, punch_place, .offset = (int32_t)MIB, .size = LARGE);
		show_until(server, peer, SEALPOOL_MEMORY_DIRECT);
	}
	reader.stop = true;
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
	}
	client_image_destroy(&image);
	assert_int_equal(reader.wrong, 0);
	peer_finish(peer);
}

/* The budget */

static void show_picture(struct peer *peer, int i) {
	tell(peer, make_picture, .buffer = i, .kind = CLIENT_MEMORY_SEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .buffer = i, .surface = i,
		.frame = (uint32_t)i + 1);
}

static void expect_pictures(struct server *server, const struct peer *peer,
		int count, int direct) {
	for (int i = 0; i < count; i++) {
		struct sealpool_buffer *buffer =
			server_get_surface(server, peer, i)->current;
		expect_kind(buffer, i < direct ? SEALPOOL_MEMORY_DIRECT :
			SEALPOOL_MEMORY_SHADOW);
		expect_frame(buffer, (uint32_t)i + 1);
	}
}

/* A shadow is tried at fewer and fewer of its commits. */
static void show_until_direct(struct server *server, struct peer *peer,
		int picture) {
	const struct server_surface *surface =
		server_get_surface(server, peer, picture);
	for (int i = 0; i < 16 && sealpool_buffer_get_kind(surface->current) !=
			SEALPOOL_MEMORY_DIRECT; i++) {
		tell(peer, show, .buffer = picture, .surface = picture);
	}
	expect_kind(surface->current, SEALPOOL_MEMORY_DIRECT);
}

static void what_is_beyond_the_budget_is_copied(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	for (int i = 0; i < FIT + 2; i++) {
		show_picture(peer, i);
	}
	expect_pictures(server, peer, FIT + 2, FIT);
	/* Until other buffers are destroyed. */
	for (int i = 0; i < 2; i++) {
		tell(peer, attach, .surface = i, .buffer = NO_BUFFER);
		tell(peer, commit, .surface = i);
		tell(peer, destroy_buffer, .buffer = i);
		tell(peer, destroy_pool, .pool = i);
		show_until_direct(server, peer, FIT + i);
	}
	peer_finish(peer);
}

static void all_clients_together_have_a_budget(void **state) {
	struct server *server = *state;
	struct peer *first = peer_create(server);
	struct peer *second = peer_create(server);
	for (int i = 0; i < FIT - 1; i++) {
		show_picture(first, i);
	}
	for (int i = 0; i < FIT - 1; i++) {
		show_picture(second, i);
	}
	expect_pictures(server, first, FIT - 1, FIT - 1);
	expect_pictures(server, second, FIT - 1, 1);
	peer_finish(first);
	show_until_direct(server, second, 1);
	peer_finish(second);
}

static void buffers_of_the_same_bytes_cost_no_more_than_their_pool(
		void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer(server, FIT * BYTES);
	tell(peer, fill_place, .size = FIT * BYTES);
	tell(peer, create_pool, .size = FIT * BYTES);
	for (int i = 0; i < 3 * FIT; i++) {
		tell(peer, create_buffer, .buffer = i, .width = WIDTH,
			.height = HEIGHT, .stride = STRIDE, .format = 1);
		expect_kind(server->newest, SEALPOOL_MEMORY_DIRECT);
	}
	peer_finish(peer);
}

/* Shows one place of a large pool after another. Returns how many were read in place. */
static int scroll(struct server *server, struct peer *peer, bool punches) {
	int direct = 0;
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED,
		.size = PLACES * PLACE);
	tell(peer, create_pool, .size = PLACES * PLACE);
	for (int i = 0; i < PLACES; i++) {
		int32_t offset = (int32_t)(i * PLACE);
		tell(peer, write_place, .offset = offset, .size = PLACE);
		tell(peer, create_buffer, .offset = offset, .width = SIDE,
			.height = SIDE, .stride = SIDE * 4, .format = 1);
		direct += sealpool_buffer_get_kind(server->newest) ==
			SEALPOOL_MEMORY_DIRECT;
		tell(peer, destroy_buffer);
		if (punches) {
			tell(peer, punch_place, .offset = offset,
				.size = PLACE);
		}
	}
	return direct;
}

static void pool_pays_for_the_memory_that_its_file_has_left(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	assert_int_equal(scroll(server, peer, true), PLACES);
	peer_finish(peer);
}

static void pool_pays_for_what_it_may_have_mapped(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	assert_int_equal(scroll(server, peer, false), PLACES_FIT);
	peer_finish(peer);
}

#define test_with(name, setup) \
	cmocka_unit_test_setup_teardown(name, setup, server_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		test_with(file_with_much_memory_is_copied, server_setup),
		test_with(memory_past_the_end_of_a_file_counts, server_setup),
		test_with(mapping_of_a_file_with_much_memory_is_not_read,
			server_setup),
		test_with(
			large_file_whose_buffers_are_as_large_is_read_in_place,
			server_setup),
		test_with(sparse_file_is_copied_only_while_it_is_filled,
			server_setup),
		test_with(file_that_has_grown_is_looked_at_for_a_new_buffer,
			server_setup),
		test_with(threads_read_on_while_the_kind_changes,
			server_setup),
		test_with(what_is_beyond_the_budget_is_copied, setup_few),
		test_with(all_clients_together_have_a_budget,
			setup_few_for_all),
		test_with(
			buffers_of_the_same_bytes_cost_no_more_than_their_pool,
			setup_few),
		test_with(pool_pays_for_the_memory_that_its_file_has_left,
			setup_few_places),
		test_with(pool_pays_for_what_it_may_have_mapped,
			setup_few_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
