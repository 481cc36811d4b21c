/* SPDX-License-Identifier: MIT */
/*
 * What a client may hold: who wants more is disconnected, with the budget's
 * name; nobody else notices, and what is given back can be had again.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wayland-client.h>

#include "peer.h"
#include "sanitizers.h"
#include "server.h"

#define WIDTH 64
#define HEIGHT 64
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

#define POOLS 4
#define FDS 6
#define ALL_FDS 96
#define SHADOWS 3
#define BUFFERS 5

static int server_setup_with_budget(void **state, const struct sealpool_budget *budget) {
	*state = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget = *budget,
	});
	return *state != NULL ? 0 : -1;
}

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

static int setup_few_bytes_for_all(void **state) {
	return server_setup_with_budget(state, &(struct sealpool_budget){
		.shadow_bytes = 6 * BYTES,
		.all_shadow_bytes = 8 * BYTES,
	});
}

/* Plenty for one. */
static int setup_few_fds_for_all(void **state) {
	return server_setup_with_budget(state, &(struct sealpool_budget){
		.fds = ALL_FDS - FDS,
		.all_fds = ALL_FDS,
	});
}

static int setup_few_buffers(void **state) {
	return server_setup_with_budget(state, &(struct sealpool_budget){
		.buffers = BUFFERS,
	});
}

/* A client that shows a picture of its own, before and after. */
static struct peer *create_bystander(struct server *server) {
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .frame = 1);
	expect_frame(server_get_shown(server, peer), 1);
	return peer;
}

static void finish_bystander(struct server *server, struct peer *peer) {
	expect_frame(server_get_shown(server, peer), 1);
	tell(peer, draw_and_show, .frame = 2);
	expect_frame(server_get_shown(server, peer), 2);
	tell(peer, make_picture, .buffer = 1, .kind = CLIENT_MEMORY_SEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .buffer = 1, .frame = 3);
	expect_frame(server_get_shown(server, peer), 3);
	peer_finish(peer);
}

/* Of its copies, the client's next one may find the memory of some. */
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

/* "name" is a word of the budget's description, "limit" what it is. */
static void expect_over_budget(struct peer *peer, order_func order,
		const char *order_name, const struct args *args,
		const char *name, int64_t limit) {
	const char *message = peer_expect_error(peer, order, order_name, args,
		"wl_display", -1, WL_DISPLAY_ERROR_IMPLEMENTATION);
	if (strstr(message, name) == NULL) {
		fail_msg("no \"%s\" in \"%s\"", name, message);
	}
	expect_number(message, limit);
}

#define over_budget(peer, name, limit, order, ...) \
	expect_over_budget(peer, order, #order, \
		&(struct args){ __VA_ARGS__ }, name, limit)

/* Pools */

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

/* Shows pictures on surfaces of their own. */
static void show_pictures(struct peer *peer, enum client_memory_kind kind,
		int count) {
	for (int i = 0; i < count; i++) {
		tell(peer, make_picture, .buffer = i, .kind = kind,
			.width = WIDTH, .height = HEIGHT);
		tell(peer, draw_and_show, .surface = i, .buffer = i,
			.frame = (uint32_t)i + 1);
	}
}

static struct sealpool_buffer *get_picture(struct server *server,
		const struct peer *peer, int index) {
	return server_get_surface(server, peer, index)->current;
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

/* One is kept for each buffer, until the fd is needed. */
static void fd_of_a_copy_for_writing_is_given_back(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	show_pictures(peer, CLIENT_MEMORY_UNSEALED, FDS - 1);
	for (int i = 0; i < FDS - 1; i++) {
		struct sealpool_access access;
		assert_int_equal(sealpool_buffer_begin_access(
			get_picture(server, peer, i), SEALPOOL_ACCESS_WRITE,
			&access), 0);
		sealpool_access_end(&access);
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
	sealpool_access_end(&first);
	over_budget(peer, "fds", FDS, wait_handled, .buffer = 0);
	peer_finish(peer);
	finish_bystander(server, bystander);
}

/* Bytes */

/* What is not being read makes room. */
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
	/* Those that are left are read without copying. */
	read_buffer(get_picture(server, peer, 0));
	read_buffer(get_picture(server, peer, SHADOWS));
	assert_int_equal(server_count_copied(server, peer, &copied), 0);
	read_buffer(get_picture(server, peer, 1));
	assert_int_equal(server_count_copied(server, peer, &copied), BYTES);
	peer_finish(peer);
}

/* Reads all pictures but the last at once. */
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
		sealpool_access_end(&accesses[i]);
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
	/* The first error is the client's: a compositor may add one of its
	 * own, of an object that cannot be used then. */
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

/* The compositor has no addresses left for a copy, which is not the client's
 * fault. */
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
	/* Frame after frame, say. */
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

/* Also within one pool that stays: what is kept of the last one does not fit, and
 * goes when there is another. */
static void bytes_of_a_buffer_go_with_it(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED,
		.size = 4 * SHADOWS * BYTES);
	tell(peer, create_pool, .size = 4 * SHADOWS * BYTES);
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

/* Whether memory that was never written to takes none when it is read, as by the zero
 * page that nearly every kernel has. */
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

/* Reading a hole in place would give it memory, as much as the client likes,
 * and none of it the client's. */
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

static bool expect_sparse(struct actor *actor, const struct args *args) {
	struct stat st;
	if (fstat(actor->memory[args->memory].fd, &st) < 0) {
		return client_fail(&actor->client, "fstat: %s",
			strerror(errno));
	}
	return st.st_blocks == 0 || client_fail(&actor->client,
		"the file has %lld blocks", (long long)st.st_blocks);
}

static void sparse_sealed_file_within_the_budget_is_charged(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_FIXED, .width = WIDTH,
		.height = HEIGHT);
	tell(peer, show, .buffer = 0);
	struct client_image blank;
	assert_true(client_image_create(&blank, WIDTH, HEIGHT));
	expect_image(server_get_shown(server, peer), &blank);
	client_image_destroy(&blank);
	assert_int_equal(server_get_stats(server, peer).shadow_bytes, BYTES);
	/* And the file is as sparse as it was. */
	tell(peer, expect_sparse, .memory = 0);
	tell(peer, destroy_surface, .surface = 0);
	tell(peer, destroy_buffer, .buffer = 0);
	tell(peer, destroy_pool, .pool = 0);
	expect_held(server, peer, 1);
	peer_finish(peer);
}

/* Many clients make a wl_buffer for each frame, over the same bytes. */
static void bytes_of_several_buffers_are_charged_once(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED,
		.size = SHADOWS * BYTES);
	tell(peer, create_pool, .size = SHADOWS * BYTES);
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

/* With the budgets that nobody has set. */
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

/* All clients together */

static bool create_pools(struct actor *actor, const struct args *args) {
	for (uint32_t i = 0; i < args->count; i++) {
		/* Nobody destroys it. */
		if (!create_pool(actor, args)) {
			return false;
		}
		/* As many as libwayland sends at once. */
		if (i % 16 == 0 && !client_roundtrip(&actor->client)) {
			return false;
		}
	}
	return true;
}

/* A server of a process that may have this many fds, of which a client may have
 * as many as it says, or the default for 0. */
static int setup_with_limit(void **state, rlim_t limit, uint32_t fds) {
	struct rlimit old, small;
	if (getrlimit(RLIMIT_NOFILE, &old) < 0 || old.rlim_cur < limit) {
		return -1;
	}
	small = (struct rlimit){ .rlim_cur = limit, .rlim_max = old.rlim_max };
	if (setrlimit(RLIMIT_NOFILE, &small) < 0) {
		return -1;
	}
	int ret = server_setup_with_budget(state, &(struct sealpool_budget){ .fds = fds });
	if (ret == 0) {
		struct server *server = *state;
		static struct rlimit before;
		before = old;
		server->data = &before;
	} else {
		setrlimit(RLIMIT_NOFILE, &old);
	}
	return ret;
}

static int teardown_with_limit(void **state) {
	struct server *server = *state;
	setrlimit(RLIMIT_NOFILE, server->data);
	return server_teardown(state);
}

static int setup_limit_1024(void **state) {
	return setup_with_limit(state, 1024, 0);
}

static int setup_limit_256(void **state) {
	/* Of 192 for all clients. */
	return setup_with_limit(state, 256, 180);
}

static void thousands_of_pools_leave_the_other_clients_alone(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	/* Others let a client have as many with this soft limit. */
	tell(peer, create_pools, .count = 600, .size = BYTES);
	/* Three quarters of 1024. */
	over_budget(peer, "fds", 768, create_pools, .count = 3000,
		.size = BYTES);
	peer_finish(peer);
	finish_bystander(server, bystander);
}

static void client_that_holds_most_makes_room_for_the_others(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *large = peer_create(server);
	struct peer *small = peer_create(server);
	tell(large, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	tell(small, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	tell(large, create_pools, .count = 150, .size = BYTES);
	tell(small, create_pools, .count = 60, .size = BYTES);
	assert_int_equal(server_get_stats(server, small).pools, 60);
	over_budget(large, "fds", 192, wait_handled, .buffer = 0);
	/* And the room is there. */
	tell(small, create_pools, .count = 100, .size = BYTES);
	peer_finish(large);
	peer_finish(small);
	finish_bystander(server, bystander);
}

/* Pools of sealed memory, which cost nothing but fds. */
static struct peer *create_holder(struct server *server, uint32_t pools) {
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	tell(peer, create_pools, .count = pools, .size = BYTES);
	return peer;
}

static int count_connected(struct peer *const *peers, int count) {
	int connected = 0;
	for (int i = 0; i < count; i++) {
		connected += peers[i]->client != NULL;
	}
	return connected;
}

/* It holds more than any of them, and does nothing. */
static void idle_client_stays_when_many_small_ones_fill_all(void **state) {
	enum { MANY = (ALL_FDS - 1) / 6 };
	struct server *server = *state;
	struct peer *idle = create_holder(server, 7);
	struct peer *many[MANY];
	for (int i = 0; i < MANY; i++) {
		many[i] = create_holder(server, 6);
	}
	assert_int_equal(count_connected(many, MANY), MANY - 1);
	assert_non_null(idle->client);
	/* The same again. */
	tell(many[MANY - 1], create_pools, .count = 6, .size = BYTES);
	assert_int_equal(count_connected(many, MANY), MANY - 2);
	peer_finish(idle);
}

static void who_asks_for_little_stays_when_hogs_fill_all(void **state) {
	struct server *server = *state;
	struct peer *honest = create_holder(server, 2);
	struct peer *hogs[3];
	for (int i = 0; i < 3; i++) {
		hogs[i] = create_holder(server, i == 0 ? 32 : 31);
	}
	tell(honest, create_pools, .count = 1, .size = BYTES);
	assert_int_equal(count_connected(hogs, 3), 2);
	/* And each time that they fill it again. */
	struct peer *more = create_holder(server, 30);
	tell(honest, create_pools, .count = 5, .size = BYTES);
	assert_int_equal(count_connected(hogs, 3) + (more->client != NULL), 2);
	peer_finish(honest);
}

/* A client's picture, which the compositor holds, and the client is gone. */
static struct sealpool_buffer *hold_of_gone(struct server *server,
		enum client_memory_kind kind) {
	struct peer *peer =
		peer_create_with_picture(server, kind, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer =
		sealpool_buffer_ref(server_get_shown(server, peer));
	expect_frame(buffer, 1);
	peer_finish(peer);
	return buffer;
}

static void fds_of_gone_clients_make_room(void **state) {
	enum { GONE = ALL_FDS };
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct sealpool_buffer *held[GONE];
	for (int i = 0; i < GONE; i++) {
		held[i] = hold_of_gone(server, i % 2 == 0 ?
			CLIENT_MEMORY_SEALED : CLIENT_MEMORY_UNSEALED);
	}
	struct peer *holder = create_holder(server, ALL_FDS - FDS);
	assert_int_equal(server_get_stats(server, holder).fds, ALL_FDS - FDS);
	/* What was read of them is still there, but for an fd. */
	for (int i = 0; i < GONE; i++) {
		assert_int_equal(sealpool_buffer_get_fd(held[i]), -ENOTSUP);
		expect_frame(held[i], 1);
		sealpool_buffer_unref(held[i]);
	}
	peer_finish(holder);
	finish_bystander(server, bystander);
}

static void bytes_of_gone_clients_make_room(void **state) {
	/* As many as all may hold, with the reserve. */
	enum { GONE = 10 };
	struct server *server = *state;
	struct sealpool_buffer *held[GONE];
	for (int i = 0; i < GONE; i++) {
		held[i] = hold_of_gone(server, CLIENT_MEMORY_UNSEALED);
	}
	struct peer *peer = peer_create(server);
	show_pictures(peer, CLIENT_MEMORY_UNSEALED, 6);
	for (int i = 0; i < 6; i++) {
		expect_frame(get_picture(server, peer, i), (uint32_t)i + 1);
	}
	/* The oldest went first; the newest is still there. */
	expect_frame(held[GONE - 1], 1);
	for (int i = 0; i < GONE; i++) {
		read_buffer(held[i]);
		sealpool_buffer_unref(held[i]);
	}
	peer_finish(peer);
}

/* The fd is gone, and what was not read cannot be had any more. */
static void unread_bytes_of_gone_clients_read_as_zero(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_picture(server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct sealpool_buffer *buffer =
		sealpool_buffer_ref(server_get_shown(server, peer));
	peer_finish(peer);
	unsigned messages = server->messages;
	struct sealpool_access access;
	struct peer *holders[2] = {
		create_holder(server, ALL_FDS - FDS),
		create_holder(server, FDS),
	};
	expect_zeroes(buffer);
	assert_int_equal(sealpool_buffer_begin_access(buffer,
		SEALPOOL_ACCESS_WRITE, &access), -EBADF);
	sealpool_buffer_unref(buffer);
	assert_int_equal(server->messages, messages);
	assert_int_equal(count_connected(holders, 2), 2);
	peer_finish(holders[0]);
	peer_finish(holders[1]);
}

/* Each within its own budget. */
static void copies_of_all_clients_are_reclaimed(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peers[SHADOWS];
	for (int i = 0; i < SHADOWS; i++) {
		peers[i] = peer_create(server);
		show_pictures(peers[i], CLIENT_MEMORY_UNSEALED, 5);
	}
	/* 16 pictures are twice what all may hold. */
	for (int j = 0; j < 5; j++) {
		for (int i = 0; i < SHADOWS; i++) {
			expect_frame(get_picture(server, peers[i], j),
				(uint32_t)j + 1);
		}
	}
	for (int i = 0; i < SHADOWS; i++) {
		peer_finish(peers[i]);
	}
	finish_bystander(server, bystander);
}

/* Reading ends nobody for what others hold. */
static void read_beyond_the_limit_of_all_shows_zeroes(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peers[SHADOWS];
	struct sealpool_access accesses[SHADOWS][5];
	for (int i = 0; i < SHADOWS; i++) {
		peers[i] = peer_create(server);
		show_pictures(peers[i], CLIENT_MEMORY_UNSEALED, 5);
		for (int j = 0; j < 5; j++) {
			assert_int_equal(sealpool_buffer_begin_access(
				get_picture(server, peers[i], j),
				SEALPOOL_ACCESS_READ, &accesses[i][j]), 0);
		}
	}
	tell(bystander, draw, .frame = 2);
	tell(bystander, make_picture, .buffer = 2, .width = WIDTH,
		.kind = CLIENT_MEMORY_UNSEALED, .height = 4 * HEIGHT);
	tell(bystander, draw, .buffer = 2, .frame = 1);
	expect_zeroes(server->newest);
	for (int i = 0; i < SHADOWS; i++) {
		for (int j = 0; j < 5; j++) {
			sealpool_access_end(&accesses[i][j]);
		}
	}
	expect_frame(server->newest, 1);
	tell(bystander, draw, .frame = 1);
	finish_bystander(server, bystander);
}

static bool create_buffers(struct actor *actor, const struct args *args) {
	for (uint32_t i = 0; i < args->count; i++) {
		/* Nobody destroys it. */
		if (!create_buffer(actor, args)) {
			return false;
		}
	}
	return true;
}

static void client_with_too_many_buffers_is_disconnected(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	tell(peer, create_pool, .size = BYTES);
	tell(peer, create_buffers, .count = BUFFERS, .width = WIDTH,
		.height = HEIGHT, .stride = STRIDE);
	over_budget(peer, "buffers", BUFFERS, create_buffers, .count = 1,
		.width = WIDTH, .height = HEIGHT, .stride = STRIDE);
	peer_finish(peer);
	finish_bystander(server, bystander);
}

/* Pools come with an fd each. Read, they have two: of these, more than the
 * process may have. */
static void shadows_of_all_clients_leave_room_for_the_others(void **state) {
	enum { PEERS = 4, PICTURES = 40 };
	struct server *server = *state;
	struct peer *bystander = peer_create(server);
	tell(bystander, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(bystander, draw_and_show, .frame = 1);
	struct peer *peers[PEERS];
	struct sealpool_buffer *buffers[PEERS * PICTURES];
	for (int i = 0; i < PEERS; i++) {
		peers[i] = peer_create(server);
		for (int j = 0; j < PICTURES; j++) {
			tell(peers[i], make_picture,
				.kind = CLIENT_MEMORY_UNSEALED, .width = WIDTH,
				.height = HEIGHT);
			buffers[i * PICTURES + j] =
				sealpool_buffer_ref(server->newest);
		}
	}
	for (int i = 0; i < PEERS * PICTURES; i++) {
		/* Its client may be over the budget by then. */
		read_buffer(buffers[i]);
		sealpool_buffer_unref(buffers[i]);
	}
	server_settle(server);

	/* There is room for its first shadow, and for a new client. */
	expect_frame(server_get_shown(server, bystander), 1);
	struct peer *newcomer = create_bystander(server);
	finish_bystander(server, newcomer);
	finish_bystander(server, bystander);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)
#define TEST_WITH(name, setup) \
	cmocka_unit_test_setup_teardown(name, setup, server_teardown)
#define TEST_LIMIT(name, setup) \
	cmocka_unit_test_setup_teardown(name, setup, teardown_with_limit)
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
		TEST_WITH(fds_of_gone_clients_make_room,
			setup_few_fds_for_all),
		TEST_WITH(bytes_of_gone_clients_make_room,
			setup_few_bytes_for_all),
		TEST_WITH(unread_bytes_of_gone_clients_read_as_zero,
			setup_few_fds_for_all),
		TEST_WITH(copies_of_all_clients_are_reclaimed,
			setup_few_bytes_for_all),
		TEST_WITH(read_beyond_the_limit_of_all_shows_zeroes,
			setup_few_bytes_for_all),

		TEST_WITH(client_with_too_many_buffers_is_disconnected,
			setup_few_buffers),

		TEST_WITH(idle_client_stays_when_many_small_ones_fill_all,
			setup_few_fds_for_all),
		TEST_WITH(who_asks_for_little_stays_when_hogs_fill_all,
			setup_few_fds_for_all),
		TEST_LIMIT(thousands_of_pools_leave_the_other_clients_alone,
			setup_limit_1024),
		TEST_LIMIT(client_that_holds_most_makes_room_for_the_others,
			setup_limit_256),
		TEST_LIMIT(shadows_of_all_clients_leave_room_for_the_others,
			setup_limit_256),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
