/* SPDX-License-Identifier: MIT */
/*
 * Feedback from the guard, about pools and buffers that another wl_shm created.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <wayland-client.h>

#include <sealpool/guard.h>

#include "asker.h"
#include "host.h"

#define WIDTH 64
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static int setup(void **state) {
	struct host *host = host_create(NULL);
	assert_non_null(sealpool_feedback_create(
		sealpool_guard_get_shm(host->guard)));
	offer_single_pixels(host->server.display);
	*state = host;
	return 0;
}

static struct peer *create_asker(struct host *host,
		enum client_memory_kind kind) {
	struct peer *peer = peer_create(&host->server);
	tell(peer, bind_feedback);
	tell(peer, make_picture, .kind = kind, .width = WIDTH,
		.height = HEIGHT);
	tell(peer, get_pool_feedback);
	tell(peer, get_buffer_feedback);
	return peer;
}

static void it_is_not_offered_unless_wanted(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, expect_no_feedback);
	peer_finish(peer);
}

/* A second one would be advertised as well. */
static void there_is_one_for_a_guard(void **state) {
	struct host *host = *state;
	struct sealpool_shm *shm = sealpool_guard_get_shm(host->guard);
	struct sealpool_feedback *feedback = sealpool_feedback_create(shm);
	assert_non_null(feedback);
	assert_ptr_equal(sealpool_feedback_create(shm), feedback);
	/* After it is destroyed, another one can be created. */
	sealpool_feedback_destroy(feedback);
	assert_non_null(sealpool_feedback_create(shm));
}

static void a_sealed_file_passes_and_is_direct(void **state) {
	struct host *host = *state;
	struct peer *peer = create_asker(host, CLIENT_MEMORY_SEALED);
	tell(peer, draw_and_show, .frame = 1);
	tell(peer, ask_buffer);
	tell(peer, ask_pool);
	tell(peer, expect_buffer_told, .told_kind = KIND(DIRECT), .count = 2);
	tell(peer, expect_pool_told, .told_kind = KIND(DIRECT), .count = 2);
	tell(peer, expect_copied);
	peer_finish(peer);
}

static void any_other_is_told_what_it_costs(void **state) {
	struct host *host = *state;
	static const struct {
		enum client_memory_kind kind;
		uint32_t reason;
	} cases[] = {
		{ CLIENT_MEMORY_UNSEALED, REASON(NO_SEAL) },
		{ CLIENT_MEMORY_SHM_OPEN, REASON(NO_SEAL) },
		{ CLIENT_MEMORY_FILE, REASON(FILE_SYSTEM) },
	};
	for (int i = 0; i < 3; i++) {
		struct peer *peer = create_asker(host, cases[i].kind);
		tell(peer, draw_and_show, .frame = 1);
		tell(peer, ask_buffer);
		tell(peer, ask_pool);
		tell(peer, expect_buffer_told, .told_kind = KIND(SHADOW),
			.reasons = cases[i].reason, .count = 2);
		tell(peer, expect_copied, .size = BYTES);
		tell(peer, expect_pool_copied, .size = BYTES);
		peer_finish(peer);
	}
}

static void a_capture_is_told(void **state) {
	struct host *host = *state;
	struct peer *peer = create_asker(host, CLIENT_MEMORY_UNSEALED);
	tell(peer, take_frame);
	host_write(host_get_taker(host), 0, HEIGHT, 4);
	host_end_capture(host, peer, 0);
	tell(peer, ask_buffer);
	tell(peer, expect_copied, .size = BYTES, .offset = BYTES);
	peer_finish(peer);
}

static void a_seal_that_comes_late_is_told_to_be_late(void **state) {
	struct host *host = *state;
	struct peer *peer = create_asker(host, CLIENT_MEMORY_UNSEALED);
	tell(peer, seal_memory, .seals = F_SEAL_SHRINK);
	tell(peer, draw_and_show, .frame = 1);
	tell(peer, ask_buffer);
	tell(peer, ask_pool);
	tell(peer, expect_buffer_told, .told_kind = KIND(SHADOW),
		.reasons = REASON(LATE), .count = 2);
	tell(peer, expect_pool_told, .told_kind = KIND(SHADOW),
		.reasons = REASON(LATE), .count = 2);
	peer_finish(peer);
}

static void what_cannot_be_written_is_told(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, bind_feedback);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	tell(peer, seal_memory, .seals = F_SEAL_FUTURE_WRITE);
	tell(peer, create_pool, .size = BYTES);
	tell(peer, get_pool_feedback);
	tell(peer, expect_pool_told, .told_kind = KIND(SHADOW),
		.reasons = REASON(READ_ONLY) | REASON(NOT_WRITABLE), .count = 1);
	peer_finish(peer);
}

static void what_is_used_is_told(void **state) {
	struct host *host = *state;
	struct peer *peer = create_asker(host, CLIENT_MEMORY_UNSEALED);
	tell(peer, get_budget_feedback);
	tell(peer, expect_usage, .format = RESOURCE(POOLS), .size = 1,
		.offset = 2048, .count = 1);
	tell(peer, draw_and_show, .frame = 1);
	tell(peer, expect_usage, .format = RESOURCE(SHADOW_BYTES),
		.size = BYTES, .count = 2);
	peer_finish(peer);
}

static void a_buffer_of_something_else_is_refused(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, bind_feedback);
	tell(peer, make_single_pixel);
	refused(peer, MANAGER, -1, ERROR(FOREIGN_OBJECT), get_buffer_feedback);
	peer_finish(peer);
}

/* In one message: the guarded wl_shm has created them before feedback is requested. */
static bool make_and_get_all(struct actor *actor, const struct args *args) {
	return make_picture(actor, args) && get_pool_feedback(actor, args) &&
		get_buffer_feedback(actor, args) &&
		get_budget_feedback(actor, args);
}

static void objects_go_in_any_order(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	for (uint32_t order = 0; order < 720; order++) {
		tell(peer, bind_feedback);
		tell(peer, make_and_get_all, .width = 4, .height = 4,
			.kind = order % 2 == 0 ? CLIENT_MEMORY_SEALED :
				CLIENT_MEMORY_UNSEALED);
		tell(peer, destroy_in_order, .count = order);
	}
	assert_int_equal(host_get_stats(host, peer).pools, 0);
	tell(peer, bind_feedback);
	tell(peer, make_and_get_all, .kind = CLIENT_MEMORY_UNSEALED,
		.width = 4, .height = 4);
	tell(peer, show);
	peer_kill(peer);
}

int main(void) {
#define feedback_test(function) \
	cmocka_unit_test_setup_teardown(function, setup, host_teardown)
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			it_is_not_offered_unless_wanted, host_setup,
			host_teardown),
		feedback_test(there_is_one_for_a_guard),
		feedback_test(a_sealed_file_passes_and_is_direct),
		feedback_test(any_other_is_told_what_it_costs),
		feedback_test(a_capture_is_told),
		feedback_test(a_seal_that_comes_late_is_told_to_be_late),
		feedback_test(what_cannot_be_written_is_told),
		feedback_test(what_is_used_is_told),
		feedback_test(a_buffer_of_something_else_is_refused),
		feedback_test(objects_go_in_any_order),
	};
	return cmocka_run_group_tests_name("feedback", tests, NULL, NULL);
}
