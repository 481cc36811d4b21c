/* SPDX-License-Identifier: MIT */
/*
 * The limits of all clients together: which client is disconnected when one is reached.
 */
#include <errno.h>
#include <sys/resource.h>

#include "limits.h"

static int setup_few_bytes_for_all(void **state) {
	return server_setup_with_budget(state, &(struct sealpool_budget){
		.shadow_bytes = 6 * BYTES,
		.all_shadow_bytes = 8 * BYTES,
	});
}

/* Each client's own limits are high. */
static int setup_few_fds_for_all(void **state) {
	return server_setup_with_budget(state, &(struct sealpool_budget){
		.fds = ALL_FDS - FDS,
		.all_fds = ALL_FDS,
	});
}

static bool create_pools(struct actor *actor, const struct args *args) {
	for (uint32_t i = 0; i < args->count; i++) {
		/* It is never destroyed. */
		if (!create_pool(actor, args)) {
			return false;
		}
		/* libwayland sends at most this many fds at once. */
		if (i % 16 == 0 && !client_roundtrip(&actor->client)) {
			return false;
		}
	}
	return true;
}

/* Creates a server in a process with "limit" fds. A client may hold "fds", or the default
 * for 0. */
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
	/* All clients may hold 192. */
	return setup_with_limit(state, 256, 180);
}

static void thousands_of_pools_leave_the_other_clients_alone(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	/* Other compositors allow a client this many with this soft limit. */
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
	/* Its fds are free again. */
	tell(small, create_pools, .count = 100, .size = BYTES);
	peer_finish(large);
	peer_finish(small);
	finish_bystander(server, bystander);
}

/* Creates a client with pools of sealed memory, which need no copies. */
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

/* It holds more than each of them, but does nothing. */
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
	/* The next request has the same effect. */
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
	/* The same happens each time that they fill it again. */
	struct peer *more = create_holder(server, 30);
	tell(honest, create_pools, .count = 5, .size = BYTES);
	assert_int_equal(count_connected(hogs, 3) + (more->client != NULL), 2);
	peer_finish(honest);
}

/* Returns a client's buffer, which the compositor holds after the client has gone. */
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
	/* What was read can still be read, without the fds. */
	for (int i = 0; i < GONE; i++) {
		assert_int_equal(sealpool_buffer_get_fd(held[i]), -ENOTSUP);
		expect_frame(held[i], 1);
		sealpool_buffer_unref(held[i]);
	}
	peer_finish(holder);
	finish_bystander(server, bystander);
}

static void bytes_of_gone_clients_make_room(void **state) {
	/* All clients may hold this many copies, with the reserve. */
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
	/* The oldest copy was reclaimed; the newest is still there. */
	expect_frame(held[GONE - 1], 1);
	for (int i = 0; i < GONE; i++) {
		read_buffer(held[i]);
		sealpool_buffer_unref(held[i]);
	}
	peer_finish(peer);
}

/* The fd is closed, so bytes that were not read before cannot be read any more. */
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

/* Each client is within its own budget. */
static void copies_of_all_clients_are_reclaimed(void **state) {
	struct server *server = *state;
	struct peer *bystander = create_bystander(server);
	struct peer *peers[SHADOWS];
	for (int i = 0; i < SHADOWS; i++) {
		peers[i] = peer_create(server);
		show_pictures(peers[i], CLIENT_MEMORY_UNSEALED, 5);
	}
	/* 16 pictures are twice the limit of all clients. */
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

/* A read never disconnects a client because of what others hold. */
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
			sealpool_buffer_end_access(&accesses[i][j]);
		}
	}
	expect_frame(server->newest, 1);
	tell(bystander, draw, .frame = 1);
	finish_bystander(server, bystander);
}

/* Each pool has an fd. When it is read, it has two. Together, these are more than the
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
		/* The client may have exceeded its budget by now. */
		read_buffer(buffers[i]);
		sealpool_buffer_unref(buffers[i]);
	}
	server_settle(server);

	/* There are fds for the bystander's first copy, and for a new client. */
	expect_frame(server_get_shown(server, bystander), 1);
	struct peer *newcomer = create_bystander(server);
	finish_bystander(server, newcomer);
	finish_bystander(server, bystander);
}

int main(void) {
#define TEST_WITH(name, setup) \
	cmocka_unit_test_setup_teardown(name, setup, server_teardown)
#define TEST_LIMIT(name, setup) \
	cmocka_unit_test_setup_teardown(name, setup, teardown_with_limit)
	const struct CMUnitTest tests[] = {
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
