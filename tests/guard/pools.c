/* SPDX-License-Identifier: MIT */
/*
 * Pools and buffers behind the guard: safe ones pass unchanged, others are shown as well,
 * and no request of a client lets libwayland use a mapping that can fault.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "host.h"

#define WIDTH 64
#define HEIGHT 64
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static void finish_bystander(struct host *host, struct peer *peer) {
	tell(peer, make_picture, .buffer = 15, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .buffer = 15, .frame = 77);
	host_expect_shown(host, peer, 77);
	peer_finish(peer);
}

static void all_kinds_of_memory_are_shown(void **state) {
	struct host *host = *state;
	client_memory_for_each(kind, CLIENT_MEMORY_SEALED) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_picture, .kind = kind, .width = WIDTH,
			.height = HEIGHT);
		for (uint32_t frame = 1; frame < 4; frame++) {
			tell(peer, draw_and_show, .frame = frame);
			host_expect_shown(host, peer, frame);
		}
		peer_finish(peer);
	}
}

static void a_sealed_pool_costs_nothing(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_SEALED, .width = WIDTH,
		.height = HEIGHT);
	for (uint32_t frame = 1; frame < 10; frame++) {
		tell(peer, draw_and_show, .frame = frame);
	}
	host_expect_shown(host, peer, 9);
	struct sealpool_stats stats = host_get_stats(host, peer);
	assert_int_equal(stats.bytes_copied_in, 0);
	assert_int_equal(stats.shadow_bytes, 0);
	assert_int_equal(stats.buffers[SEALPOOL_MEMORY_DIRECT], 1);
	peer_finish(peer);
}

/* libwayland maps each pool for writing, and would refuse these. */
static void a_sealed_file_that_cannot_be_written_is_copied(void **state) {
	struct host *host = *state;
	static const order_func orders[] = {
		make_memory_read_only, seal_memory,
	};
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED,
			.size = BYTES);
		tell(peer, orders[i], .seals = F_SEAL_FUTURE_WRITE);
		tell(peer, create_pool, .size = BYTES);
		tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
			.stride = STRIDE, .format = 1);
		for (uint32_t frame = 1; frame < 3; frame++) {
			tell(peer, draw_and_show, .frame = frame);
			host_expect_shown(host, peer, frame);
		}
		peer_finish(peer);
	}
}

static bool fill_file(struct actor *actor, const struct args *args) {
	return fallocate(actor->memory[args->memory].fd, FALLOC_FL_KEEP_SIZE,
		0, args->size) == 0;
}

static void a_sealed_file_with_much_more_memory_does_not_pass(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	tell(peer, fill_file, .size = 64 << 20);
	tell(peer, create_pool, .size = BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = 1);
	for (uint32_t frame = 1; frame < 4; frame++) {
		tell(peer, draw_and_show, .frame = frame);
		host_expect_shown(host, peer, frame);
	}
	struct sealpool_stats stats = host_get_stats(host, peer);
	assert_int_equal(stats.buffers[SEALPOOL_MEMORY_SHADOW], 1);
	assert_int_equal(stats.bytes_copied_in, 3 * BYTES);
	peer_finish(peer);
}

static void a_frame_costs_what_was_damaged(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	uint64_t before = 0;
	host->keeps = true;
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED, .width = 3840,
		.height = 2160);
	tell(peer, draw_and_show, .frame = 1);
	assert_int_equal(host_count_copied(host, peer, &before),
		3840 * 2160 * 4);
	for (int32_t i = 0; i < 10; i++) {
		tell(peer, draw_and_show, .x = 300 * i, .y = 200 * i,
			.width = 100, .height = 100, .frame = 2);
		assert_int_equal(host_count_copied(host, peer, &before),
			100 * 100 * 4);
	}
	peer_finish(peer);
}

/* Resizing */

static void resize_beyond_a_sealed_file_ends_its_client(void **state) {
	struct host *host = *state;
	struct peer *other = peer_create(&host->server);
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_SEALED, 4096);
	const char *message = refused(peer, "wl_shm_pool", 0,
		WL_SHM_ERROR_INVALID_FD, resize_pool, .size = 256 * 1024);
	expect_number(message, 4096);
	expect_number(message, 256 * 1024);
	peer_finish(peer);
	finish_bystander(host, other);
}

/* The client is disconnected only after the request was dispatched. */
struct watched {
	struct wl_listener client_destroy;
	size_t bytes;
};

static void note_mapped_bytes(struct wl_listener *listener, void *data) {
	struct watched *watched =
		wl_container_of(listener, watched, client_destroy);
	watched->bytes = host_count_mapped_bytes();
}

static void nor_is_it_mapped_before_that(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_SEALED, 4096);
	assert_int_equal(host_count_mapped_bytes(), 4096);
	struct watched watched = {
		.client_destroy.notify = note_mapped_bytes,
	};
	wl_client_add_destroy_listener(peer->client, &watched.client_destroy);
	refused(peer, "wl_shm_pool", 0, WL_SHM_ERROR_INVALID_FD, resize_pool,
		.size = 256 * 1024);
	assert_int_equal(watched.bytes, 4096);
	peer_finish(peer);
}

/* Sent in one message: no request after the resize is handled. */
static bool resize_and_commit(struct actor *actor, const struct args *args) {
	struct args more = {
		.size = 256 * 1024, .width = 256, .height = 256, .stride = 1024,
		.format = 1, .offset = 0,
	};
	return resize_pool(actor, &more) && create_buffer(actor, &more) &&
		show(actor, &more);
}

static void nor_is_what_follows_it_shown(void **state) {
	struct host *host = *state;
	struct peer *other = peer_create(&host->server);
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_SEALED, 4096);
	refused(peer, "wl_shm_pool", 0, WL_SHM_ERROR_INVALID_FD,
		resize_and_commit);
	peer_finish(peer);
	finish_bystander(host, other);
}

static void a_sealed_file_that_grew_is_resized_to(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_SEALED, 4096);
	tell(peer, grow_memory, .size = BYTES);
	tell(peer, resize_pool, .size = BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = 1);
	tell(peer, draw_and_show, .frame = 1);
	host_expect_shown(host, peer, 1);
	assert_int_equal(host_get_stats(host, peer).bytes_copied_in, 0);
	peer_finish(peer);
}

static void an_unsealed_pool_is_resized_a_thousand_times(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_UNSEALED, 4096);
	size_t mappings = count_pool_mappings();
	for (int64_t i = 2; i <= 1000; i++) {
		tell(peer, resize_pool, .size = i * 4096);
	}
	expect_between(count_pool_mappings(), mappings, mappings + 2);
	tell(peer, grow_memory, .size = 1000 * 4096);
	tell(peer, create_buffer, .offset = 999 * 4096, .width = 32,
		.height = 32, .stride = 128, .format = 1);
	tell(peer, draw_and_show, .frame = 5);
	host_expect_shown(host, peer, 5);
	peer_finish(peer);
}

/* A short file is reported after the commit was handled: the next roundtrip may still
 * succeed, but not the one after it. */
static bool commit_and_wait(struct actor *actor, const struct args *args) {
	commit(actor, args);
	for (int i = 0; i < 2; i++) {
		client_roundtrip(&actor->client);
	}
	return true;
}

static void a_file_that_is_too_short_ends_its_client_alone(void **state) {
	struct host *host = *state;
	struct peer *other = peer_create(&host->server);
	client_memory_for_each(kind, CLIENT_MEMORY_SEALED) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_memory, .kind = kind, .size = 4096);
		tell(peer, create_pool, .size = BYTES);
		tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
			.stride = STRIDE, .format = 1);
		tell(peer, create_surface);
		tell(peer, attach);
		tell(peer, damage_buffer);
		const char *message = refused(peer, "wl_buffer", 0,
			WL_SHM_ERROR_INVALID_FD, commit_and_wait);
		expect_number(message, 4096);
		expect_number(message, BYTES);
		peer_finish(peer);
	}
	finish_bystander(host, other);
}

static void a_lenient_guard_leaves_it_alive(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	tell(peer, cut_memory, .size = 4096);
	tell(peer, show);
	server_settle(&host->server);
	tell(peer, wait_handled);
	assert_int_equal(host_get_stats(host, peer).faults, 1);
	struct client_image *image = &host_get_surface(host, peer, 0)->image;
	assert_int_equal(client_image_get(image, 63, 15) & 0xffffff,
		client_pattern(63, 15, 1) & 0xffffff);
	assert_int_equal(client_image_get(image, 0, 16), 0);
	peer_finish(peer);
}

/* Buffers that libwayland accepts, and reads beyond the end of their pool. */

static void a_stride_that_is_too_small_is_refused(void **state) {
	struct host *host = *state;
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	for (int i = 0; i < 2; i++) {
		struct peer *peer = peer_create_with_pool(&host->server,
			kinds[i], 4096);
		refused(peer, "wl_shm_pool", 0, WL_SHM_ERROR_INVALID_STRIDE,
			create_buffer, .width = 64, .height = 64, .stride = 64,
			.format = 1);
		peer_finish(peer);
	}
}

static void a_row_of_24_bit_pixels_may_be_padded(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_UNSEALED, 4096);
	tell(peer, create_buffer, .width = 5, .height = 5, .stride = 16,
		.format = WL_SHM_FORMAT_RGB888);
	peer_finish(peer);
}

static void planes_outside_of_the_pool_are_refused(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_SEALED, 4096);
	refused(peer, "wl_shm_pool", 0, WL_SHM_ERROR_INVALID_STRIDE,
		create_buffer, .width = 64, .height = 64, .stride = 64,
		.format = WL_SHM_FORMAT_NV12);
	peer_finish(peer);
}

/* libwayland posts its own errors. */
static void other_refusals_are_libwaylands(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_UNSEALED, 4096);
	refused(peer, "wl_shm_pool", 0, WL_SHM_ERROR_INVALID_FORMAT,
		create_buffer, .width = 32, .height = 32, .stride = 128,
		.format = WL_SHM_FORMAT_RGB565);
	peer_finish(peer);

	peer = peer_create(&host->server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED, .size = 4096);
	refused(peer, "wl_shm", 0, WL_SHM_ERROR_INVALID_STRIDE, create_pool,
		.size = 0);
	peer_finish(peer);

	peer = peer_create_with_pool(&host->server, CLIENT_MEMORY_UNSEALED,
		4096);
	refused(peer, "wl_shm_pool", 0, WL_SHM_ERROR_INVALID_FD, resize_pool,
		.size = 2048);
	peer_finish(peer);
}

/* Objects */

static void an_id_is_used_again(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	for (uint32_t i = 0; i < 20; i++) {
		/* Sealed and unsealed ones alternate, with the same ids. */
		tell(peer, make_picture, .width = WIDTH, .height = HEIGHT,
			.kind = i % 2 == 0 ? CLIENT_MEMORY_SEALED :
				CLIENT_MEMORY_UNSEALED);
		tell(peer, draw_and_show, .frame = i);
		host_expect_shown(host, peer, i);
		tell(peer, destroy_buffer);
		if (i % 3 == 0) {
			/* The pool's id is used for a surface, and again for a pool. */
			tell(peer, create_surface, .surface = 1);
			tell(peer, commit, .surface = 1);
			tell(peer, destroy_surface, .surface = 1);
		}
		tell(peer, destroy_pool);
	}
	/* The one that is shown. */
	assert_int_equal(host_get_stats(host, peer).pools, 1);
	tell(peer, attach, .buffer = NO_BUFFER);
	tell(peer, commit);
	assert_int_equal(host_get_stats(host, peer).pools, 0);
	peer_finish(peer);
}

static void two_pools_of_one_file(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED, .size = BYTES);
	for (int i = 0; i < 2; i++) {
		tell(peer, create_pool, .pool = i, .size = BYTES);
		tell(peer, create_buffer, .pool = i, .buffer = i,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE,
			.format = 1);
	}
	for (uint32_t frame = 1; frame < 5; frame++) {
		tell(peer, draw, .frame = frame);
		tell(peer, show, .buffer = (int)(frame % 2));
		host_expect_shown(host, peer, frame);
	}
	peer_finish(peer);
}

static void a_buffer_is_on_two_surfaces(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	for (uint32_t frame = 1; frame < 6; frame++) {
		tell(peer, draw_and_show, .surface = (int)(frame % 2),
			.frame = frame);
		struct host_surface *surface = host_get_surface(host, peer,
			(int)((frame + 1) % 2));
		struct client_image expected;
		char error[256];
		assert_true(client_image_create(&expected, WIDTH, HEIGHT));
		client_image_draw(&expected, frame);
		bool ok = client_image_expect(&surface->image, 0, 0, &expected,
			error, sizeof(error));
		client_image_destroy(&expected);
		if (!ok) {
			fail_msg("frame %u: %s", frame, error);
		}
	}
	peer_finish(peer);
}

static void a_buffer_goes_between_attach_and_commit(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < 3; i++) {
		tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
			.width = WIDTH, .height = HEIGHT);
		if (i == 0) {
			tell(peer, create_surface);
		}
		tell(peer, attach);
		tell(peer, destroy_buffer);
		tell(peer, destroy_pool);
		tell(peer, commit);
		tell(peer, damage_buffer);
		tell(peer, commit);
	}
	assert_int_equal(host_get_stats(host, peer).pools, 0);
	finish_bystander(host, peer);
}

static void shm_of_version_one(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, bind_shm, .version = 1);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .frame = 3);
	host_expect_shown(host, peer, 3);
	assert_int_equal(host_get_stats(host, peer).buffers[
		SEALPOOL_MEMORY_SHADOW], 1);
	peer_finish(peer);
}

/* Files on disk are closed by threads, which then exit. */
static size_t count_fds_at_rest(void) {
	while (count_threads() > 1) {
		usleep(1000);
	}
	return count_fds();
}

static void nothing_is_left_of_many_clients(void **state) {
	struct host *host = *state;
	size_t fds = 0, mappings = 0;
	for (int i = 0; i < 30; i++) {
		struct peer *peer = peer_create(&host->server);
		for (int j = 0; j < 4; j++) {
			tell(peer, make_picture, .buffer = j, .width = WIDTH,
				.kind = (unsigned)((i + j) % 5),
				.height = HEIGHT);
			tell(peer, draw_and_show, .buffer = j, .frame = 1);
		}
		tell(peer, take_icon, .buffer = 1);
		tell(peer, take_frame, .buffer = 2, .count = 1);
		if (i % 2 == 0) {
			peer_kill(peer);
		} else {
			peer_finish(peer);
		}
		/* Each kind has been used once. */
		if (i == 4) {
			fds = count_fds_at_rest();
			mappings = count_pool_mappings();
		}
	}
	/* On a busy machine, some fds of the first rounds may not have been closed yet
	 * when they were counted. */
	assert_in_range(count_fds_at_rest(), 0, fds);
	assert_in_range(count_pool_mappings(), 0, mappings);
}

/* The guard does not know its file, so it cannot check what is done with the pool. */
static void expect_unknown_pool_is_refused(struct peer *peer, order_func order,
		const char *name, const struct args *args) {
	const char *message = peer_expect_error(peer, order, name, args,
		"wl_display", -1, WL_DISPLAY_ERROR_IMPLEMENTATION);
	assert_non_null(strstr(message, "not known to the guard"));
	peer_finish(peer);
}

static void pool_from_before_the_guard_is_refused(void **state) {
	struct host *host = host_create_unguarded();
	*state = host;
	struct peer *peers[2];
	for (int i = 0; i < 2; i++) {
		peers[i] = peer_create(&host->server);
		tell(peers[i], make_memory, .kind = CLIENT_MEMORY_SEALED,
			.size = 2 * BYTES);
		tell(peers[i], create_pool, .size = BYTES);
	}
	host_guard(host, NULL);
	expect_unknown_pool_is_refused(peers[0], create_buffer,
		"create_buffer", &(struct args){ .width = WIDTH,
		.height = HEIGHT, .stride = STRIDE, .format = 1 });
	expect_unknown_pool_is_refused(peers[1], resize_pool, "resize_pool",
		&(struct args){ .size = 2 * BYTES });
	finish_bystander(host, peer_create(&host->server));
}

int main(void) {
#define pool_test(function) \
	cmocka_unit_test_setup_teardown(function, host_setup, host_teardown)
	static const struct CMUnitTest tests[] = {
		pool_test(all_kinds_of_memory_are_shown),
		pool_test(a_sealed_pool_costs_nothing),
		pool_test(a_sealed_file_that_cannot_be_written_is_copied),
		pool_test(a_sealed_file_with_much_more_memory_does_not_pass),
		pool_test(a_frame_costs_what_was_damaged),
		pool_test(resize_beyond_a_sealed_file_ends_its_client),
		pool_test(nor_is_it_mapped_before_that),
		pool_test(nor_is_what_follows_it_shown),
		pool_test(a_sealed_file_that_grew_is_resized_to),
		pool_test(an_unsealed_pool_is_resized_a_thousand_times),
		pool_test(a_file_that_is_too_short_ends_its_client_alone),
		cmocka_unit_test_setup_teardown(
			a_lenient_guard_leaves_it_alive, host_setup_lenient,
			host_teardown),
		pool_test(a_stride_that_is_too_small_is_refused),
		pool_test(a_row_of_24_bit_pixels_may_be_padded),
		pool_test(planes_outside_of_the_pool_are_refused),
		pool_test(other_refusals_are_libwaylands),
		pool_test(an_id_is_used_again),
		pool_test(two_pools_of_one_file),
		pool_test(a_buffer_is_on_two_surfaces),
		pool_test(a_buffer_goes_between_attach_and_commit),
		pool_test(shm_of_version_one),
		pool_test(nothing_is_left_of_many_clients),
		cmocka_unit_test_teardown(pool_from_before_the_guard_is_refused,
			host_teardown),
	};
	return cmocka_run_group_tests_name("pools", tests, NULL, NULL);
}
