/* SPDX-License-Identifier: MIT */
/*
 * Feedback to clients about their own memory. A client cannot use it to harm the
 * compositor, or to learn of other clients.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <wayland-client.h>

#include "asker.h"
#include "sanitizers.h"
#include "server.h"

#define WIDTH 512
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static int setup(void **state) {
	struct server *server = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget = { .pools = 7, .buffers = 5000, .fds = 30,
			.shadow_bytes = 1 << 20 },
	});
	if (server == NULL) {
		return -1;
	}
	assert_non_null(sealpool_feedback_create(server->shm));
	offer_single_pixels(server->display);
	*state = server;
	return 0;
}

/* Requests feedback about a pool and its buffer, of the same slot. */
static void ask_for_both(struct peer *peer, uint32_t format) {
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = format);
	tell(peer, get_pool_feedback);
	tell(peer, get_buffer_feedback);
}

/* Creates a client with a drawn picture, and feedback about its pool and buffer. */
static struct peer *create_asker(struct server *server,
		enum client_memory_kind kind) {
	struct peer *peer = peer_create(server);
	tell(peer, bind_feedback);
	tell(peer, make_memory, .kind = kind, .size = BYTES);
	tell(peer, fill_memory, .frame = 1);
	tell(peer, create_pool, .size = BYTES);
	ask_for_both(peer, WL_SHM_FORMAT_XRGB8888);
	return peer;
}

/* Fails unless one state each was sent about the pool and the buffer. */
static void expect_both_told(struct peer *peer, uint32_t kind,
		uint32_t reasons) {
	tell(peer, expect_pool_told, .told_kind = kind, .reasons = reasons,
		.count = 1);
	tell(peer, expect_buffer_told, .told_kind = kind, .reasons = reasons,
		.count = 1);
}

/* Contents */

static void it_is_not_offered_unless_wanted(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, expect_no_feedback);
	peer_finish(peer);
}

static void expect_asker_told(struct server *server,
		enum client_memory_kind memory, uint32_t kind,
		uint32_t reasons) {
	struct peer *peer = create_asker(server, memory);
	expect_both_told(peer, kind, reasons);
	tell(peer, expect_copied);
	peer_finish(peer);
}

static void sealed_memory_is_direct_for_no_reason(void **state) {
	expect_asker_told(*state, CLIENT_MEMORY_SEALED, KIND(DIRECT), 0);
	expect_asker_told(*state, CLIENT_MEMORY_FIXED, KIND(DIRECT), 0);
}

static void a_missing_seal_is_told(void **state) {
	expect_asker_told(*state, CLIENT_MEMORY_UNSEALED, KIND(SHADOW),
		REASON(NO_SEAL));
	expect_asker_told(*state, CLIENT_MEMORY_SHM_OPEN, KIND(SHADOW),
		REASON(NO_SEAL));
}

static void a_disk_is_told(void **state) {
	expect_asker_told(*state, CLIENT_MEMORY_FILE, KIND(SHADOW),
		REASON(FILE_SYSTEM));
}

static void huge_pages_are_told_as_a_file_system(void **state) {
	if (!has_huge_pages()) {
		print_message("skipped: no huge pages are to be had here "
			"(/proc/sys/vm/nr_hugepages)\n");
		skip();
	}
	for (int sealed = 0; sealed < 2; sealed++) {
		struct peer *peer = peer_create(*state);
		tell(peer, bind_feedback);
		tell(peer, make_huge_page);
		tell(peer, fill_memory, .frame = 1);
		if (sealed) {
			tell(peer, seal_memory, .seals = F_SEAL_SHRINK);
		}
		tell(peer, create_pool, .size = BYTES);
		ask_for_both(peer, WL_SHM_FORMAT_ARGB8888);
		expect_both_told(peer, KIND(SHADOW), REASON(FILE_SYSTEM));
		peer_finish(peer);
	}
}

static void a_short_file_is_told_before_it_is_read(void **state) {
	struct server *server = *state;
	static const struct {
		enum client_memory_kind kind;
		uint32_t reasons;
	} cases[] = {
		{ CLIENT_MEMORY_FIXED, REASON(SHORT) },
		{ CLIENT_MEMORY_UNSEALED, REASON(SHORT) | REASON(NO_SEAL) },
	};
	for (int i = 0; i < 2; i++) {
		struct peer *peer = peer_create(server);
		tell(peer, bind_feedback);
		tell(peer, make_memory, .kind = cases[i].kind,
			.size = BYTES - 1);
		tell(peer, create_pool, .size = BYTES);
		ask_for_both(peer, WL_SHM_FORMAT_ARGB8888);
		expect_both_told(peer, KIND(SHADOW), cases[i].reasons);
		peer_finish(peer);
	}
}

static void expect_read_only(struct server *server, bool by_seal) {
	struct peer *peer = peer_create(server);
	tell(peer, bind_feedback);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	tell(peer, fill_memory, .frame = 1);
	if (by_seal) {
		tell(peer, seal_memory, .seals = F_SEAL_FUTURE_WRITE);
	} else {
		tell(peer, make_memory_read_only);
	}
	tell(peer, create_pool, .size = BYTES);
	ask_for_both(peer, WL_SHM_FORMAT_ARGB8888);
	expect_both_told(peer, KIND(DIRECT), REASON(READ_ONLY));
	peer_finish(peer);
}

static void memory_that_is_read_only_is_told_and_direct(void **state) {
	expect_read_only(*state, false);
	expect_read_only(*state, true);
}

static void memory_that_was_never_drawn_is_sparse(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, bind_feedback);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_SEALED, .width = WIDTH,
		.height = HEIGHT);
	tell(peer, get_pool_feedback);
	tell(peer, get_buffer_feedback);
	/* Buffers that are created later may be direct. */
	tell(peer, expect_pool_told, .told_kind = KIND(DIRECT),
		.reasons = REASON(SPARSE), .count = 1);
	tell(peer, expect_buffer_told, .told_kind = KIND(SHADOW),
		.reasons = REASON(SPARSE), .count = 1);
	/* Now that it is drawn, the next commit makes it direct. */
	tell(peer, draw, .frame = 1);
	tell(peer, ask_buffer);
	tell(peer, expect_buffer_told, .told_kind = KIND(SHADOW), .count = 2);
	tell(peer, show);
	tell(peer, expect_buffer_told, .told_kind = KIND(DIRECT), .count = 3);
	peer_finish(peer);
}

static void want_of_room_for_a_mapping_is_told(void **state) {
	struct server *server = *state;
#if WITH_ADDRESS_SANITIZER || WITH_THREAD_SANITIZER
	skip();
#endif
	struct peer *peer = peer_create(server);
	tell(peer, bind_feedback);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	tell(peer, fill_memory, .frame = 1);
	tell(peer, create_pool, .size = BYTES);
	struct rlimit before;
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	tell(peer, get_buffer_feedback);
	tell(peer, expect_buffer_told, .told_kind = KIND(SHADOW),
		.reasons = REASON(BUDGET), .count = 1);
	peer_finish(peer);
}

/* Also a file that was read in place before. */
static void a_file_that_is_too_large_is_told(void **state) {
	enum { LARGE = 64 << 20 };
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, bind_feedback);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_SEALED, .width = WIDTH,
		.height = HEIGHT, .size = LARGE);
	tell(peer, draw_and_show, .frame = 1);
	tell(peer, get_buffer_feedback);
	tell(peer, expect_buffer_told, .told_kind = KIND(DIRECT), .count = 1);
	tell(peer, fill_memory, .frame = 1);
	const struct sealpool_buffer *buffer = server_get_shown(server, peer);
	int64_t end = server_now_ms() + SERVER_PATIENCE_MS;
	while (sealpool_buffer_get_kind(buffer) == SEALPOOL_MEMORY_DIRECT) {
		assert_true(server_now_ms() < end);
		tell(peer, show);
	}
	tell(peer, expect_buffer_told, .told_kind = KIND(SHADOW),
		.reasons = REASON(BUDGET), .count = 2);
	peer_finish(peer);
}

static void bytes_that_were_copied_are_told_once(void **state) {
	struct server *server = *state;
	struct peer *peer = create_asker(server, CLIENT_MEMORY_UNSEALED);
	tell(peer, draw_and_show, .frame = 1);
	read_buffer(server_get_shown(server, peer));
	tell(peer, ask_buffer);
	tell(peer, expect_copied, .size = BYTES);
	tell(peer, ask_buffer);
	tell(peer, expect_copied, .size = 0);
	/* One row. */
	tell(peer, draw_and_show, .frame = 2, .width = WIDTH, .height = 1);
	read_buffer(server_get_shown(server, peer));
	tell(peer, ask_buffer);
	tell(peer, expect_copied, .size = STRIDE);
	/* Feedback about the pool was not requested yet. */
	tell(peer, ask_pool);
	tell(peer, expect_pool_copied, .size = BYTES + STRIDE);
	peer_finish(peer);
}

/* A second buffer of the pool counts for itself. */
static void buffers_of_a_pool_are_told_apart(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, bind_feedback);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED,
		.size = 2 * BYTES);
	tell(peer, create_pool, .size = 2 * BYTES);
	for (int i = 0; i < 2; i++) {
		tell(peer, create_buffer, .buffer = i, .offset = i * BYTES,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE,
			.format = 1);
		tell(peer, get_buffer_feedback, .buffer = i);
	}
	static const int order[] = { 0, 1, 1 };
	for (int i = 0; i < 3; i++) {
		tell(peer, draw_and_show, .buffer = order[i], .frame = 1);
		read_buffer(server_get_shown(server, peer));
	}
	for (int i = 0; i < 2; i++) {
		tell(peer, ask_buffer, .buffer = i);
		tell(peer, expect_copied, .buffer = i,
			.size = (i + 1) * BYTES);
	}
	peer_finish(peer);
}

/* A request for feedback does not end the tracking of a buffer. */
static void asking_costs_no_copy(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, bind_feedback);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .frame = 1);
	read_buffer(server_get_shown(server, peer));
	tell(peer, get_buffer_feedback);
	tell(peer, draw_and_show, .frame = 2, .width = WIDTH, .height = 1);
	read_buffer(server_get_shown(server, peer));
	tell(peer, ask_buffer);
	tell(peer, expect_copied, .size = STRIDE);
	peer_finish(peer);
}

static void bytes_that_were_written_are_told(void **state) {
	struct server *server = *state;
	struct peer *peer = create_asker(server, CLIENT_MEMORY_UNSEALED);
	tell(peer, capture);
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(server->captured,
		SEALPOOL_ACCESS_WRITE, &access), 0);
	memset(access.data, 1, BYTES);
	sealpool_buffer_end_access(&access);
	tell(peer, ask_buffer);
	tell(peer, expect_copied, .size = BYTES, .offset = BYTES);
	peer_finish(peer);
}

/* Time */

static void a_seal_that_comes_late_is_told_at_the_next_commit(void **state) {
	struct server *server = *state;
	struct peer *peer = create_asker(server, CLIENT_MEMORY_UNSEALED);
	tell(peer, draw_and_show, .frame = 1);
	read_buffer(server_get_shown(server, peer));
	tell(peer, seal_memory, .seals = F_SEAL_SHRINK);
	tell(peer, expect_buffer_told, .told_kind = KIND(SHADOW),
		.reasons = REASON(NO_SEAL), .count = 1);
	tell(peer, draw_and_show, .frame = 2);
	tell(peer, expect_buffer_told, .told_kind = KIND(DIRECT), .count = 2);
	tell(peer, expect_pool_told, .told_kind = KIND(DIRECT), .count = 2);
	/* The state counts what was copied until the change. */
	tell(peer, expect_copied, .size = BYTES);
	peer_finish(peer);
}

static void *read_on_a_thread(void *data) {
	read_buffer(data);
	return NULL;
}

/* Also when another surface is committed. */
static void a_change_on_another_thread_is_told_at_the_next_commit(
		void **state) {
	struct server *server = *state;
	struct peer *peer = create_asker(server, CLIENT_MEMORY_UNSEALED);
	tell(peer, capture);
	tell(peer, seal_memory, .seals = F_SEAL_SHRINK);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, read_on_a_thread,
		server->captured), 0);
	pthread_join(thread, NULL);
	expect_kind(server->captured, SEALPOOL_MEMORY_DIRECT);
	tell(peer, expect_buffer_told, .told_kind = KIND(SHADOW),
		.reasons = REASON(NO_SEAL), .count = 1);
	tell(peer, create_surface, .surface = 3);
	tell(peer, commit, .surface = 3);
	tell(peer, expect_buffer_told, .told_kind = KIND(DIRECT), .count = 2);
	peer_finish(peer);
}

static void a_pool_that_outgrows_its_seal_is_told(void **state) {
	struct server *server = *state;
	struct peer *peer = create_asker(server, CLIENT_MEMORY_SEALED);
	tell(peer, resize_pool, .size = 2 * BYTES);
	tell(peer, show);
	tell(peer, expect_pool_told, .told_kind = KIND(SHADOW),
		.reasons = REASON(SHORT), .count = 2);
	/* The buffer is below the sealed size. */
	tell(peer, expect_buffer_told, .told_kind = KIND(DIRECT), .count = 1);
	peer_finish(peer);
}

static void nothing_is_told_that_has_not_changed(void **state) {
	struct server *server = *state;
	struct peer *peer = create_asker(server, CLIENT_MEMORY_UNSEALED);
	tell(peer, draw_and_show, .frame = 1);
	read_buffer(server_get_shown(server, peer));
	tell(peer, get_budget_feedback);
	for (uint32_t frame = 2; frame < 6; frame++) {
		tell(peer, draw_and_show, .frame = frame);
		read_buffer(server_get_shown(server, peer));
	}
	expect_both_told(peer, KIND(SHADOW), REASON(NO_SEAL));
	tell(peer, expect_usage, .format = RESOURCE(POOLS), .size = 1,
		.offset = 7, .count = 1);
	peer_finish(peer);
}

/* Budgets */

static void what_is_used_of_budgets_is_told(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, bind_feedback);
	tell(peer, get_budget_feedback);
	tell(peer, expect_usage, .format = RESOURCE(POOLS), .size = 0,
		.offset = 7, .count = 1);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .frame = 1);
	tell(peer, expect_usage, .format = RESOURCE(FDS), .size = 1,
		.offset = 30, .count = 2);
	read_buffer(server_get_shown(server, peer));
	tell(peer, ask_budget);
	tell(peer, expect_usage, .format = RESOURCE(POOLS), .size = 1,
		.offset = 7, .count = 3);
	tell(peer, expect_usage, .format = RESOURCE(BUFFERS), .size = 1,
		.offset = 5000, .count = 3);
	tell(peer, expect_usage, .format = RESOURCE(FDS), .size = 1,
		.offset = 30, .count = 3);
	tell(peer, expect_usage, .format = RESOURCE(SHADOW_BYTES),
		.size = BYTES, .offset = 1 << 20, .count = 3);
	peer_finish(peer);
}

static void others_are_not_told_of(void **state) {
	struct server *server = *state;
	struct peer *peer = create_asker(server, CLIENT_MEMORY_UNSEALED);
	tell(peer, get_budget_feedback);
	struct peer *other = peer_create(server);
	for (int i = 0; i < 4; i++) {
		tell(other, make_picture, .buffer = i, .width = WIDTH,
			.kind = CLIENT_MEMORY_UNSEALED, .height = HEIGHT);
		tell(other, draw_and_show, .buffer = i, .frame = 1);
		read_buffer(server_get_shown(server, other));
	}
	tell(peer, create_surface);
	tell(peer, commit);
	tell(peer, expect_usage, .format = RESOURCE(POOLS), .size = 1,
		.count = 1);
	tell(peer, ask_budget);
	tell(peer, expect_usage, .format = RESOURCE(POOLS), .size = 1,
		.count = 2);
	tell(peer, expect_usage, .format = RESOURCE(SHADOW_BYTES), .size = 0,
		.count = 2);
	tell(peer, expect_pool_told, .told_kind = KIND(SHADOW),
		.reasons = REASON(NO_SEAL), .count = 1);
	peer_finish(peer);
	peer_finish(other);
}

/* Abuse */

static void a_buffer_of_something_else_is_refused(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, bind_feedback);
	tell(peer, make_single_pixel);
	refused(peer, MANAGER, -1, ERROR(FOREIGN_OBJECT), get_buffer_feedback);
	peer_finish(peer);
}

static void so_is_one_of_another_wl_shm(void **state) {
	struct server *server = *state;
	/* A client binds the first manager. */
	static const uint32_t formats[] = { 0x34325241, 0x34325258 };
	struct sealpool_shm *shm =
		sealpool_shm_create(server->display, 2, formats, 2, NULL);
	assert_non_null(shm);
	assert_non_null(sealpool_feedback_create(shm));
	/* The manager was announced last. */
	static const order_func orders[] = {
		get_pool_feedback, get_buffer_feedback,
	};
	for (int i = 0; i < 2; i++) {
		struct peer *peer = peer_create(server);
		tell(peer, bind_feedback);
		tell(peer, make_picture, .kind = CLIENT_MEMORY_SEALED,
			.width = WIDTH, .height = HEIGHT);
		peer_expect_error(peer, orders[i], "get feedback",
			&(struct args){ 0 }, MANAGER, -1,
			ERROR(FOREIGN_OBJECT));
		peer_finish(peer);
	}
}

static void a_second_object_about_the_same_is_refused(void **state) {
	struct server *server = *state;
	static const order_func orders[] = {
		get_pool_feedback, get_buffer_feedback, get_budget_feedback,
	};
	for (int i = 0; i < 3; i++) {
		struct peer *peer =
			create_asker(server, CLIENT_MEMORY_SEALED);
		tell(peer, get_budget_feedback);
		peer_expect_error(peer, orders[i], "get it again",
			&(struct args){ 0 }, MANAGER, -1,
			ERROR(ALREADY_EXISTS));
		peer_finish(peer);
	}
	/* After the first is destroyed, another may be created. */
	struct peer *peer = create_asker(server, CLIENT_MEMORY_SEALED);
	tell(peer, destroy_buffer_feedback);
	tell(peer, get_buffer_feedback);
	tell(peer, expect_buffer_told, .told_kind = KIND(DIRECT), .count = 1);
	peer_finish(peer);
}

static void objects_are_limited_even_when_inert(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, bind_feedback);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED, .size = 4096);
	tell(peer, create_pool, .size = 4096);
	tell(peer, leave_inert, .count = 1024);
	refused(peer, MANAGER, -1, ERROR(TOO_MANY), leave_inert, .count = 1);
	peer_finish(peer);
}

static void an_inert_object_says_nothing(void **state) {
	struct server *server = *state;
	struct peer *peer = create_asker(server, CLIENT_MEMORY_UNSEALED);
	tell(peer, show);
	tell(peer, destroy_buffer);
	tell(peer, destroy_pool);
	tell(peer, ask_buffer);
	tell(peer, ask_pool);
	tell(peer, commit);
	expect_both_told(peer, KIND(SHADOW), REASON(NO_SEAL));
	tell(peer, destroy_buffer_feedback);
	tell(peer, destroy_pool_feedback);
	peer_finish(peer);
}

static void objects_go_in_any_order(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	for (uint32_t order = 0; order < 720; order++) {
		tell(peer, bind_feedback);
		tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
			.width = 4, .height = 4);
		tell(peer, get_pool_feedback);
		tell(peer, get_buffer_feedback);
		tell(peer, get_budget_feedback);
		tell(peer, destroy_in_order, .count = order);
	}
	assert_int_equal(server_get_stats(server, peer).pools, 0);
	/* The client ends without destroying its objects. */
	tell(peer, bind_feedback);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED, .width = 4,
		.height = 4);
	tell(peer, get_pool_feedback);
	tell(peer, get_buffer_feedback);
	tell(peer, get_budget_feedback);
	tell(peer, show);
	struct sealpool_buffer *buffer =
		sealpool_buffer_ref(server_get_shown(server, peer));
	peer_kill(peer);
	read_buffer(buffer);
	sealpool_buffer_unref(buffer);
}

static void who_asks_without_end_harms_nobody(void **state) {
	struct server *server = *state;
	struct peer *other = create_asker(server, CLIENT_MEMORY_UNSEALED);
	struct peer *peer = create_asker(server, CLIENT_MEMORY_UNSEALED);
	tell(peer, get_budget_feedback);
	static const struct args args = { .count = 20000 };
	peer_begin(peer, ask_without_listening, "ask without listening", &args);
	for (uint32_t frame = 1; frame < 20; frame++) {
		tell(other, draw_and_show, .frame = frame);
		expect_frame(server_get_shown(server, other), frame);
	}
	peer_kill(peer);
	tell(other, ask_buffer);
	tell(other, expect_buffer_told, .told_kind = KIND(SHADOW),
		.reasons = REASON(NO_SEAL), .count = 2);
	peer_finish(other);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, server_teardown)
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			it_is_not_offered_unless_wanted, server_setup,
			server_teardown),
		TEST(sealed_memory_is_direct_for_no_reason),
		TEST(a_missing_seal_is_told),
		TEST(a_disk_is_told),
		TEST(huge_pages_are_told_as_a_file_system),
		TEST(a_short_file_is_told_before_it_is_read),
		TEST(memory_that_is_read_only_is_told_and_direct),
		TEST(memory_that_was_never_drawn_is_sparse),
		TEST(want_of_room_for_a_mapping_is_told),
		TEST(a_file_that_is_too_large_is_told),
		TEST(bytes_that_were_copied_are_told_once),
		TEST(buffers_of_a_pool_are_told_apart),
		TEST(asking_costs_no_copy),
		TEST(bytes_that_were_written_are_told),
		TEST(a_seal_that_comes_late_is_told_at_the_next_commit),
		TEST(a_change_on_another_thread_is_told_at_the_next_commit),
		TEST(a_pool_that_outgrows_its_seal_is_told),
		TEST(nothing_is_told_that_has_not_changed),
		TEST(what_is_used_of_budgets_is_told),
		TEST(others_are_not_told_of),
		TEST(a_buffer_of_something_else_is_refused),
		TEST(so_is_one_of_another_wl_shm),
		TEST(a_second_object_about_the_same_is_refused),
		TEST(objects_are_limited_even_when_inert),
		TEST(an_inert_object_says_nothing),
		TEST(objects_go_in_any_order),
		TEST(who_asks_without_end_harms_nobody),
	};
	return cmocka_run_group_tests_name("feedback", tests, NULL, NULL);
}
