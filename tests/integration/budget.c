/* SPDX-License-Identifier: MIT */
/*
 * The limits of a client: a client that exceeds one is disconnected with an error that
 * names the limit. Other clients are not affected, and what is freed can be used again.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <wayland-client.h>

#include "limits.h"
#include "sanitizers.h"

static int setup_few_pools(void **state) {
	return server_setup_with_budget(state, &(struct sealpool_budget){ .pools = POOLS });
}

static int setup_few_fds(void **state) {
	return server_setup_with_budget(state, &(struct sealpool_budget){ .fds = FDS });
}

static int setup_few_bytes(void **state) {
	return server_setup_with_budget(state, &(struct sealpool_budget){
		.shadow_bytes = SHADOWS * BYTES,
	});
}

static int setup_few_buffers(void **state) {
	return server_setup_with_budget(state, &(struct sealpool_budget){
		.buffers = BUFFERS,
	});
}

/* Fails unless the client holds no more than the memory of "copies" copies, which its
 * next copies may get. */
static void expect_held(struct server *server, const struct peer *peer,
		uint32_t copies) {
	struct sealpool_stats stats = server_get_stats(server, peer);
	assert_int_equal(stats.pools, 0);
	for (int i = 0; i < SEALPOOL_MEMORY_KINDS; i++) {
		assert_int_equal(stats.buffers[i], 0);
	}
	assert_int_equal(stats.fds, 0);
	assert_int_equal(stats.pool_bytes, 0);
	assert_int_equal(stats.shadow_bytes, copies * BYTES);
}

static void expect_nothing_held(struct server *server,
		const struct peer *peer) {
	expect_held(server, peer, 0);
}

static void client_with_too_many_pools_is_disconnected(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	for (int i = 0; i < POOLS; i++) {
		tell(peer, create_pool, .pool = i, .size = BYTES);
	}
	assert_int_equal(server_get_stats(server, peer).pools, POOLS);
	over_budget(peer, "pools", POOLS, create_pool, .pool = POOLS,
		.size = BYTES);
	peer_finish(peer);
	finish_bystander(server, bystander);
}

static void pool_counts_as_long_as_it_has_a_buffer(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	for (int i = 0; i < POOLS; i++) {
		tell(peer, create_pool, .pool = i, .size = BYTES);
		tell(peer, create_buffer, .pool = i, .buffer = i,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE);
		tell(peer, destroy_pool, .pool = i);
	}
	assert_int_equal(server_get_stats(server, peer).pools, POOLS);
	over_budget(peer, "pools", POOLS, create_pool, .pool = POOLS,
		.size = BYTES);
	peer_finish(peer);
}

static void pool_counts_as_long_as_the_compositor_holds_it(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	struct sealpool_buffer *held[POOLS];
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	for (int i = 0; i < POOLS; i++) {
		tell(peer, create_pool, .pool = i, .size = BYTES);
		tell(peer, create_buffer, .pool = i, .buffer = i,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE);
		held[i] = sealpool_buffer_ref(server->newest);
		tell(peer, destroy_buffer, .buffer = i);
		tell(peer, destroy_pool, .pool = i);
	}
	assert_int_equal(server_get_stats(server, peer).pools, POOLS);
	sealpool_buffer_unref(held[0]);
	tell(peer, create_pool, .pool = 0, .size = BYTES);
	over_budget(peer, "pools", POOLS, create_pool, .pool = 1,
		.size = BYTES);
	peer_finish(peer);
	for (int i = 1; i < POOLS; i++) {
		sealpool_buffer_unref(held[i]);
	}
}

static void pools_that_are_gone_do_not_count(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	for (int i = 0; i < 10 * POOLS; i++) {
		tell(peer, create_pool, .pool = i % POOLS, .size = BYTES);
		if (i >= POOLS - 1) {
			tell(peer, destroy_pool, .pool = (i + 1) % POOLS);
		}
	}
	for (int i = 1; i < POOLS; i++) {
		tell(peer, destroy_pool, .pool = (10 * POOLS + i) % POOLS);
	}
	expect_nothing_held(server, peer);
	peer_finish(peer);
}

static void each_client_has_its_own_budget(void **state) {
	struct server *server = *state;
	struct peer *peers[3];
	for (int i = 0; i < 3; i++) {
		peers[i] = peer_create(server);
		tell(peers[i], make_memory, .kind = CLIENT_MEMORY_SEALED,
			.size = BYTES);
		for (int j = 0; j < POOLS; j++) {
			tell(peers[i], create_pool, .pool = j, .size = BYTES);
		}
	}
	for (int i = 0; i < 3; i++) {
		peer_finish(peers[i]);
	}
}

/* File descriptors */

static void client_with_too_many_fds_is_disconnected(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	for (int i = 0; i < FDS; i++) {
		tell(peer, create_pool, .pool = i, .size = BYTES);
	}
	assert_int_equal(server_get_stats(server, peer).fds, FDS);
	over_budget(peer, "fds", FDS, create_pool, .pool = FDS, .size = BYTES);
	peer_finish(peer);
	finish_bystander(server, bystander);
}

static void copy_takes_no_fd(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	show_pictures(peer, CLIENT_MEMORY_UNSEALED, FDS);
	for (int i = 0; i < FDS; i++) {
		expect_frame(get_picture(server, peer, i), (uint32_t)i + 1);
	}
	assert_int_equal(server_get_stats(server, peer).fds, FDS);
	over_budget(peer, "fds", FDS, create_pool, .pool = FDS, .size = BYTES);
	peer_finish(peer);
}

/* Each buffer keeps the fd of its copy until the fd is needed. */
static void fd_of_a_copy_for_writing_is_given_back(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	show_pictures(peer, CLIENT_MEMORY_UNSEALED, FDS - 1);
	for (int i = 0; i < FDS - 1; i++) {
		struct sealpool_access access;
		assert_int_equal(sealpool_buffer_begin_access(
			get_picture(server, peer, i), SEALPOOL_ACCESS_WRITE,
			&access), 0);
		sealpool_buffer_end_access(&access);
		assert_int_equal(server_get_stats(server, peer).fds, FDS);
	}
	tell(peer, create_pool, .pool = FDS, .size = BYTES);
	assert_int_equal(server_get_stats(server, peer).fds, FDS);
	peer_finish(peer);
}

static void write_without_an_fd_left_disconnects_its_client(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peer = peer_create(server);
	show_pictures(peer, CLIENT_MEMORY_UNSEALED, FDS - 1);
	struct sealpool_access first, second;
	assert_int_equal(sealpool_buffer_begin_access(
		get_picture(server, peer, 0), SEALPOOL_ACCESS_WRITE, &first),
		0);
	assert_int_equal(sealpool_buffer_begin_access(
		get_picture(server, peer, 1), SEALPOOL_ACCESS_WRITE, &second),
		-EDQUOT);
	sealpool_buffer_end_access(&first);
	over_budget(peer, "fds", FDS, wait_handled, .buffer = 0);
	peer_finish(peer);
	finish_bystander(server, bystander);
}

/* Bytes */

/* Copies that nobody reads are reclaimed. */
static void copies_that_nobody_uses_are_reclaimed(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	show_pictures(peer, CLIENT_MEMORY_UNSEALED, 3 * SHADOWS);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3 * SHADOWS; i++) {
			expect_frame(get_picture(server, peer, i),
				(uint32_t)i + 1);
			expect_between(server_get_stats(server,
				peer).shadow_bytes, BYTES, SHADOWS * BYTES);
		}
	}
	peer_finish(peer);
}

static void the_copy_that_was_used_least_recently_is_reclaimed(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	uint64_t copied = 0;
	show_pictures(peer, CLIENT_MEMORY_UNSEALED, SHADOWS + 1);
	for (int i = 0; i < SHADOWS; i++) {
		read_buffer(get_picture(server, peer, i));
	}
	read_buffer(get_picture(server, peer, 0));
	read_buffer(get_picture(server, peer, SHADOWS));
	server_count_copied(server, peer, &copied);
	/* The remaining copies are read without copying again. */
	read_buffer(get_picture(server, peer, 0));
	read_buffer(get_picture(server, peer, SHADOWS));
	assert_int_equal(server_count_copied(server, peer, &copied), 0);
	read_buffer(get_picture(server, peer, 1));
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	peer_finish(peer);
}

/* Begins to read all pictures but the last at the same time. */
static void begin_reading(struct server *server, const struct peer *peer,
		struct sealpool_access accesses[SHADOWS]) {
	for (int i = 0; i < SHADOWS; i++) {
		assert_int_equal(sealpool_buffer_begin_access(
			get_picture(server, peer, i), SEALPOOL_ACCESS_READ,
			&accesses[i]), 0);
	}
}

static void end_reading(struct sealpool_access accesses[SHADOWS]) {
	for (int i = 0; i < SHADOWS; i++) {
		assert_int_equal(*(uint32_t *)accesses[i].data,
			client_pattern(0, 0, (uint32_t)i + 1));
		sealpool_buffer_end_access(&accesses[i]);
	}
}

static void client_with_too_many_bytes_is_disconnected(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peer = peer_create(server);
	struct sealpool_access accesses[SHADOWS];
	show_pictures(peer, CLIENT_MEMORY_UNSEALED, SHADOWS + 1);
	begin_reading(server, peer, accesses);
	assert_int_equal(server_get_stats(server, peer).shadow_bytes,
		SHADOWS * BYTES);
	expect_zeroes(get_picture(server, peer, SHADOWS));
	/* The client gets the first error only. A compositor may post another, on an
	 * object that cannot be used then. */
	wl_client_post_implementation_error(
		wl_resource_get_client(server_get_surface(server, peer,
			0)->base.resource), "unsupported");
	assert_int_equal(server_get_stats(server, peer).shadow_bytes,
		SHADOWS * BYTES);
	end_reading(accesses);
	over_budget(peer, "bytes", SHADOWS * BYTES, wait_handled, .buffer = 0);
	peer_finish(peer);
	finish_bystander(server, bystander);
}

static void *read_zeroes(void *data) {
	expect_zeroes(data);
	return NULL;
}

static void read_on_another_thread_disconnects_as_well(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	struct sealpool_access accesses[SHADOWS];
	show_pictures(peer, CLIENT_MEMORY_UNSEALED, SHADOWS + 1);
	begin_reading(server, peer, accesses);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, read_zeroes,
		get_picture(server, peer, SHADOWS)), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	end_reading(accesses);
	over_budget(peer, "bytes", SHADOWS * BYTES, wait_handled, .buffer = 0);
	peer_finish(peer);
}

/* The process has no addresses left for a copy. That is not the client's fault. */
static void read_without_memory_shows_zeroes_and_disconnects_nobody(
		void **state) {
	enum { SIDE = 512 };
	struct server *server = *state;
#if WITH_ADDRESS_SANITIZER || WITH_THREAD_SANITIZER
	skip();
#endif
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED, .width = SIDE,
		.height = SIDE);
	tell(peer, draw_and_show, .frame = 1);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	const struct rlimit none = { 0, limit.rlim_max };
	unsigned messages = server->messages;
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	expect_zeroes(buffer);
	/* For example at each frame. */
	expect_zeroes(buffer);
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	assert_int_equal(server->messages, messages + 1);
	assert_non_null(strstr(server->message, strerror(ENOMEM)));
	expect_frame(buffer, 1);
	tell(peer, draw_and_show, .frame = 2);
	expect_frame(buffer, 2);
	peer_finish(peer);
}

static void pictures_that_nobody_reads_cost_nothing(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	show_pictures(peer, CLIENT_MEMORY_UNSEALED, 4 * SHADOWS);
	assert_int_equal(server_get_stats(server, peer).shadow_bytes, 0);
	peer_finish(peer);
}

static void sealed_pictures_cost_nothing(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	show_pictures(peer, CLIENT_MEMORY_SEALED, SHADOWS);
	for (int i = 0; i < SHADOWS; i++) {
		expect_frame(get_picture(server, peer, i), (uint32_t)i + 1);
	}
	assert_int_equal(server_get_stats(server, peer).shadow_bytes, 0);
	peer_finish(peer);
}

static void bytes_given_back_can_be_had_again(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	for (int round = 0; round < 4; round++) {
		show_pictures(peer, CLIENT_MEMORY_UNSEALED, SHADOWS);
		for (int i = 0; i < SHADOWS; i++) {
			expect_frame(get_picture(server, peer, i),
				(uint32_t)i + 1);
		}
		assert_int_equal(server_get_stats(server, peer).shadow_bytes,
			SHADOWS * BYTES);
		for (int i = 0; i < SHADOWS; i++) {
			tell(peer, destroy_surface, .surface = i);
			tell(peer, destroy_buffer, .buffer = i);
			tell(peer, destroy_pool, .pool = i);
		}
		expect_held(server, peer, 1);
	}
	peer_finish(peer);
}

/* Also within one pool that stays: the spare of the last buffer does not fit, and is
 * freed when another copy is destroyed. */
static void bytes_of_a_buffer_go_with_it(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_pool(server,
		CLIENT_MEMORY_UNSEALED, 4 * SHADOWS * BYTES);
	for (int i = 0; i < 4 * SHADOWS; i++) {
		tell(peer, create_buffer, .buffer = 0, .offset = i * BYTES,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE,
			.format = WL_SHM_FORMAT_XRGB8888);
		tell(peer, draw, .frame = 5);
		expect_frame(server->newest, 5);
		assert_int_equal(server_get_stats(server, peer).shadow_bytes,
			BYTES);
		tell(peer, destroy_buffer, .buffer = 0);
		assert_int_equal(server_get_stats(server, peer).shadow_bytes,
			BYTES);
	}
	tell(peer, destroy_pool, .pool = 0);
	expect_held(server, peer, 1);
	peer_finish(peer);
}

/* Returns whether reading memory that was never written allocates none. That is so with a
 * zero page, which nearly every kernel has. */
static bool zeroes_are_free(void) {
	size_t size = (size_t)8 << 20;
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	const volatile uint8_t *zeroes = mmap(NULL, size, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(zeroes, MAP_FAILED);
	size_t resident = count_resident_bytes();
	for (size_t i = 0; i < size; i += page_size) {
		assert_int_equal(zeroes[i], 0);
	}
	bool free = count_resident_bytes() < resident + size / 2;
	munmap((void *)zeroes, size);
	if (!free) {
		print_message("skipped: this kernel has no zero page, so zeroes "
			"take memory\n");
	}
	return free;
}

static void expect_resident(size_t most) {
	size_t resident = count_resident_bytes();
	if (resident > most && zeroes_are_free()) {
		fail_msg("the compositor has grown to %zu bytes", resident);
	}
}

/* Reading a hole in place would allocate memory without limit that is not charged to the
 * client. */
static void sparse_sealed_file_costs_its_client(void **state) {
	enum { WIDE = 8192, HIGH = 8192 };
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_FIXED, .width = WIDE,
		.height = HIGH);
	tell(peer, show, .buffer = 0);
	size_t resident = count_resident_bytes();
	expect_zeroes(server_get_shown(server, peer));
	assert_int_equal(server_get_stats(server, peer).shadow_bytes, 0);
	expect_resident(resident + WIDE * HIGH);
	over_budget(peer, "bytes", SHADOWS * BYTES, wait_handled, .buffer = 0);
	peer_finish(peer);
	finish_bystander(server, bystander);
}

static void sparse_sealed_file_within_the_budget_is_charged(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_FIXED, .width = WIDTH,
		.height = HEIGHT);
	tell(peer, show, .buffer = 0);
	expect_zeroes(server_get_shown(server, peer));
	assert_int_equal(server_get_stats(server, peer).shadow_bytes, BYTES);
	/* The file is still sparse. */
	tell(peer, expect_sparse, .memory = 0);
	tell(peer, destroy_surface, .surface = 0);
	tell(peer, destroy_buffer, .buffer = 0);
	tell(peer, destroy_pool, .pool = 0);
	expect_held(server, peer, 1);
	peer_finish(peer);
}

/* Many clients create a wl_buffer for each frame, over the same bytes. */
static void bytes_of_several_buffers_are_charged_once(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_pool(server,
		CLIENT_MEMORY_UNSEALED, SHADOWS * BYTES);
	for (int i = 0; i < 3; i++) {
		tell(peer, create_buffer, .buffer = i, .width = WIDTH,
			.height = SHADOWS * HEIGHT, .stride = STRIDE,
			.format = WL_SHM_FORMAT_XRGB8888);
		read_buffer(server->newest);
		assert_int_equal(server_get_stats(server, peer).shadow_bytes,
			SHADOWS * BYTES);
	}
	peer_finish(peer);
}

/* With the default limits. */
static void largest_pool_of_an_empty_file_costs_its_client(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED, .size = BYTES);
	tell(peer, create_pool, .size = INT32_MAX);
	tell(peer, create_buffer, .width = 16384, .height = 32767,
		.stride = 65536);
	size_t resident = count_resident_bytes();
	expect_zeroes(server->newest);
	expect_resident(resident + ((size_t)1 << 28));
	over_budget(peer, "bytes", (int64_t)512 << 20, wait_handled,
		.buffer = 0);
	peer_finish(peer);
	finish_bystander(server, bystander);
}

static bool create_buffers(struct actor *actor, const struct args *args) {
	for (uint32_t i = 0; i < args->count; i++) {
		/* It is never destroyed. */
		if (!create_buffer(actor, args)) {
			return false;
		}
	}
	return true;
}

static void client_with_too_many_buffers_is_disconnected(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peer = peer_create_with_pool(server, CLIENT_MEMORY_SEALED,
		BYTES);
	tell(peer, create_buffers, .count = BUFFERS, .width = WIDTH,
		.height = HEIGHT, .stride = STRIDE);
	over_budget(peer, "buffers", BUFFERS, create_buffers, .count = 1,
		.width = WIDTH, .height = HEIGHT, .stride = STRIDE);
	peer_finish(peer);
	finish_bystander(server, bystander);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)
#define TEST_WITH(name, setup) \
	cmocka_unit_test_setup_teardown(name, setup, server_teardown)
	const struct CMUnitTest tests[] = {
		TEST_WITH(client_with_too_many_pools_is_disconnected,
			setup_few_pools),
		TEST_WITH(pool_counts_as_long_as_it_has_a_buffer,
			setup_few_pools),
		TEST_WITH(pool_counts_as_long_as_the_compositor_holds_it,
			setup_few_pools),
		TEST_WITH(pools_that_are_gone_do_not_count, setup_few_pools),
		TEST_WITH(each_client_has_its_own_budget, setup_few_pools),
		TEST_WITH(client_with_too_many_fds_is_disconnected,
			setup_few_fds),
		TEST_WITH(copy_takes_no_fd, setup_few_fds),
		TEST_WITH(fd_of_a_copy_for_writing_is_given_back,
			setup_few_fds),
		TEST_WITH(write_without_an_fd_left_disconnects_its_client,
			setup_few_fds),
		TEST_WITH(copies_that_nobody_uses_are_reclaimed,
			setup_few_bytes),
		TEST_WITH(the_copy_that_was_used_least_recently_is_reclaimed,
			setup_few_bytes),
		TEST_WITH(client_with_too_many_bytes_is_disconnected,
			setup_few_bytes),
		TEST_WITH(read_on_another_thread_disconnects_as_well,
			setup_few_bytes),
		TEST(read_without_memory_shows_zeroes_and_disconnects_nobody),
		TEST_WITH(pictures_that_nobody_reads_cost_nothing,
			setup_few_bytes),
		TEST_WITH(sealed_pictures_cost_nothing, setup_few_bytes),
		TEST_WITH(bytes_given_back_can_be_had_again, setup_few_bytes),
		TEST_WITH(bytes_of_a_buffer_go_with_it, setup_few_bytes),
		TEST_WITH(sparse_sealed_file_costs_its_client, setup_few_bytes),
		TEST_WITH(sparse_sealed_file_within_the_budget_is_charged,
			setup_few_bytes),
		TEST_WITH(bytes_of_several_buffers_are_charged_once,
			setup_few_bytes),
		TEST(largest_pool_of_an_empty_file_costs_its_client),
		TEST_WITH(client_with_too_many_buffers_is_disconnected,
			setup_few_buffers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
