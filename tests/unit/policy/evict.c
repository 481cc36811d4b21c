/* SPDX-License-Identifier: MIT */
/*
 * The limits of all clients together: which client is disconnected when they are
 * exceeded. Each client's own limits are high.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "guest.h"
#include "policy/evict.h"
#include "server/context.h"
#include "traces.h"

#define ALL_FDS 48
#define ALL_BYTES 4800

/* Processes are in another PID namespace. */
static bool are_elsewhere;

void __real_wl_client_get_credentials(struct wl_client *client, pid_t *pid,
	uid_t *uid, gid_t *gid);
void __wrap_wl_client_get_credentials(struct wl_client *client, pid_t *pid,
	uid_t *uid, gid_t *gid);

/* The kernel reports this pid for processes of other PID namespaces (seen on Linux
 * 6.18). */
void __wrap_wl_client_get_credentials(struct wl_client *client, pid_t *pid,
		uid_t *uid, gid_t *gid) {
	__real_wl_client_get_credentials(client, pid, uid, gid);
	if (are_elsewhere && pid != NULL) {
		*pid = 0;
	}
}

/* How often the holdings of an identity were read. */
static unsigned long asked;

uint64_t __real_sp_identity_get_held(const struct sp_identity *identity,
	enum sp_resource resource);
uint64_t __wrap_sp_identity_get_held(const struct sp_identity *identity,
	enum sp_resource resource);

uint64_t __wrap_sp_identity_get_held(const struct sp_identity *identity,
		enum sp_resource resource) {
	asked++;
	return __real_sp_identity_get_held(identity, resource);
}

static int setup(void **state) {
	return guests_setup(state, &(struct sealpool_budget){
		.pools = 1000,
		.fds = 1000,
		.all_fds = ALL_FDS,
		.shadow_bytes = 100000,
		.all_shadow_bytes = ALL_BYTES,
	});
}

static void make_room(void) {
	sp_evict_for(display.context, SP_RESOURCE_FDS, 0, NULL);
	sp_evict_for(display.context, SP_RESOURCE_SHADOW_BYTES, 0, NULL);
}

/* Connects this many clients of one process. */
static struct guest *connect_process(int count) {
	pid_t pid;
	struct guest *guests = guests_connect_elsewhere(count, &pid);
	for (int i = 0; i < count; i++) {
		assert_int_equal(sp_client_get_pid(guests[i].client),
			are_elsewhere ? 0 : pid);
	}
	return guests;
}

/* Connects this many processes, one after another, and charges fds to each. */
static struct guest *connect_crowd(int count, int fds) {
	struct guest *first = connect_process(1);
	charge_fds(first, fds);
	for (int i = 1; i < count; i++) {
		charge_fds(connect_process(1), fds);
	}
	return first;
}

static void pool_in_a_crowd_costs_the_one_who_holds_most(void **state) {
	struct guest *small = guest_connect();
	struct guest *large = guest_connect();
	struct guest *asking = guest_connect();
	charge_fds(small, 14);
	charge_fds(large, 20);
	charge_fds(asking, ALL_FDS - 34);
	assert_int_equal(display.messages, 0);
	assert_int_equal(sp_client_admit_pool(asking->client), true);
	assert_int_equal(guest_is_connected(large), false);
	assert_int_equal(guest_is_connected(small), true);
	assert_int_equal(guest_is_connected(asking), true);
	expect_told(large, "48 fds for all clients");
	assert_int_equal(display.messages, 1);
}

static void pool_before_there_is_a_crowd_costs_nobody(void **state) {
	struct guest *large = guest_connect();
	struct guest *asking = guest_connect();
	charge_fds(large, ALL_FDS - 1);
	assert_int_equal(sp_client_admit_pool(asking->client), true);
	assert_int_equal(guest_is_connected(large), true);
}

static void who_holds_most_and_asks_for_more_is_refused(void **state) {
	struct guest *other = guest_connect();
	struct guest *asking = guest_connect();
	charge_fds(other, ALL_FDS / 2 - 1);
	charge_fds(asking, ALL_FDS / 2 + 1);
	assert_int_equal(sp_client_admit_pool(asking->client), false);
	expect_held(asking, 0, ALL_FDS / 2 + 1, 0);
	expect_told(asking, "48 fds for all clients");
	assert_int_equal(guest_is_connected(other), true);
}

static void who_has_gone_is_not_disconnected_again(void **state) {
	struct guest *gone = guest_connect();
	struct guest *large = guest_connect();
	struct guest *asking = guest_connect();
	charge_fds(large, 20);
	wl_client_destroy(gone->wl_client);
	/* For example, its buffers are still shown. */
	charge_fds(gone, ALL_FDS - 20);
	assert_int_equal(sp_client_admit_pool(asking->client), true);
	assert_int_equal(guest_is_connected(large), false);
	assert_int_equal(display.messages, 1);
}

/* Many connections with little each do not evade the limit. */
static void process_that_holds_most_has_to_go(void **state) {
	struct guest *honest = connect_process(1);
	struct guest *asking = connect_process(1);
	struct guest *few = connect_process(3);
	for (int i = 0; i < 3; i++) {
		charge_fds(&few[i], i == 1 ? 11 : 10);
	}
	charge_fds(honest, 15);
	charge_fds(asking, 2);
	assert_int_equal(sp_client_admit_pool(asking->client), true);
	assert_int_equal(guest_is_connected(honest), true);
	assert_int_equal(guest_is_connected(&few[0]), true);
	assert_int_equal(guest_is_connected(&few[1]), false);
	assert_int_equal(guest_is_connected(&few[2]), true);
}

static void single_large_client_has_to_go_before_small_ones(void **state) {
	struct guest *large = connect_process(1);
	struct guest *asking = connect_process(1);
	struct guest *few = connect_process(3);
	for (int i = 0; i < 3; i++) {
		charge_fds(&few[i], 6);
	}
	charge_fds(large, ALL_FDS - 18);
	assert_int_equal(sp_client_admit_pool(asking->client), true);
	assert_int_equal(guest_is_connected(large), false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(guest_is_connected(&few[i]), true);
	}
}

/* For example, those that it created for the programs that it has started. */
static void connections_of_this_process_are_told_apart(void **state) {
	struct guest *largest = connect_process(1);
	struct guest *asking = connect_process(1);
	struct guest *own[3];
	for (int i = 0; i < 3; i++) {
		own[i] = guest_connect();
		charge_fds(own[i], 10);
	}
	charge_fds(largest, ALL_FDS - 30);
	assert_int_equal(sp_client_admit_pool(asking->client), true);
	assert_int_equal(guest_is_connected(largest), false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(guest_is_connected(own[i]), true);
	}
}

/* Their processes have no pid in this namespace, so each connection is an identity of its
 * own. */
static void clients_without_a_process_are_told_apart(void **state) {
	struct guest *largest = connect_process(1);
	struct guest *asking = connect_process(1);
	are_elsewhere = true;
	struct guest *some = connect_process(3);
	are_elsewhere = false;
	for (int i = 0; i < 3; i++) {
		charge_fds(&some[i], 10);
	}
	charge_fds(largest, ALL_FDS - 30);
	assert_int_equal(sp_client_admit_pool(asking->client), true);
	assert_int_equal(guest_is_connected(largest), false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(guest_is_connected(&some[i]), true);
	}
}

static int count_connected(const struct guest *guests, int count) {
	int connected = 0;
	for (int i = 0; i < count; i++) {
		connected += guest_is_connected(&guests[i]);
	}
	return connected;
}

static uint64_t get_share_of_fds(void) {
	return sp_evict_get_share(display.context, SP_RESOURCE_FDS);
}

static void shares_take_half_of_what_all_may_hold(void **state) {
	assert_int_equal(get_share_of_fds(), 48);
	struct guest *many = connect_crowd(1, 1);
	assert_int_equal(get_share_of_fds(), ALL_FDS / 2);
	connect_crowd(7, 1);
	assert_int_equal(get_share_of_fds(), ALL_FDS / 16);
	/* An identity that holds nothing does not count. Nor does a disconnected client,
	 * but what it still holds is not available to others. */
	guest_discharge_fd(&many[0]);
	guest_discharge_fd(&many[1]);
	assert_int_equal(get_share_of_fds(), ALL_FDS / 12);
	wl_client_destroy(many[2].wl_client);
	wl_client_destroy(many[3].wl_client);
	charge_fds(&many[3], 16);
	assert_int_equal(get_share_of_fds(), (ALL_FDS - 16) / 8);
}

static void who_holds_no_more_than_the_share_is_spared(void **state) {
	struct guest *small = connect_crowd(5, 3);
	struct guest *large = connect_crowd(1, 5);
	connect_crowd(1, 28);
	struct guest *asking = connect_process(1);
	/* 48 / (2 * 7), and the larger of the two that hold more. */
	assert_int_equal(get_share_of_fds(), 3);
	assert_int_equal(sp_client_admit_pool(asking->client), true);
	assert_int_equal(count_connected(small, 5), 5);
	assert_int_equal(guest_is_connected(&large[0]), true);
	assert_int_equal(guest_is_connected(&large[1]), false);
}

/* The large client did not cause the shortage. */
static void crowd_of_small_ones_is_thinned_out_before_a_large_one(
		void **state) {
	struct guest *large = connect_crowd(1, 12);
	struct guest *many = connect_crowd(12, 3);
	/* Each holds 2 more than its share, 24 in total; the large one holds 11 more. */
	assert_int_equal(get_share_of_fds(), 1);
	assert_int_equal(sp_client_admit_pool(large->client), true);
	assert_int_equal(guest_is_connected(large), true);
	assert_int_equal(count_connected(many, 12), 11);
}

/* An honest client in a crowd whose members hold as much. It connected before or after
 * the crowd. */
static void expect_middle_of_a_crowd(bool honest_first) {
	struct guest *honest = honest_first ? connect_crowd(1, 8) : NULL;
	struct guest *many = connect_crowd(5, 8);
	if (!honest_first) {
		honest = connect_crowd(1, 8);
	}
	struct guest *asking = connect_process(1);
	assert_int_equal(sp_client_admit_pool(asking->client), true);
	assert_int_equal(guest_is_connected(honest), true);
	assert_int_equal(guest_is_connected(asking) + count_connected(many, 5),
		5);
}

static void crowd_that_comes_later_is_thinned_out(void **state) {
	expect_middle_of_a_crowd(true);
}

static void crowd_that_came_before_is_thinned_out(void **state) {
	expect_middle_of_a_crowd(false);
}

static void asking_client_stays_where_its_process_has_a_larger_one(
		void **state) {
	struct guest *honest = connect_crowd(1, 10);
	struct guest *few = connect_process(2);
	charge_fds(&few[0], 20);
	charge_fds(&few[1], 18);
	assert_int_equal(sp_client_admit_pool(few[1].client), true);
	assert_int_equal(guest_is_connected(&few[0]), false);
	assert_int_equal(guest_is_connected(honest), true);
}

/* No more than necessary are disconnected. */
static void as_many_have_to_go_as_it_takes(void **state) {
	struct guest *hogs = connect_crowd(5, 1);
	struct guest *honest = connect_crowd(1, 1);
	for (int i = 0; i < 5; i++) {
		charge_bytes(&hogs[i], ALL_BYTES / 4 - 1);
	}
	charge_bytes(honest, 1);
	assert_int_equal(count_connected(hogs, 5), 5);
	display_settle(&display);
	assert_int_equal(count_connected(hogs, 5), 4);
	assert_int_equal(sp_evict_for(display.context,
		SP_RESOURCE_SHADOW_BYTES, ALL_BYTES / 2, honest->client), true);
	assert_int_equal(count_connected(hogs, 5), 2);
	assert_int_equal(guest_is_connected(honest), true);
	/* The request exceeds what all clients hold. */
	assert_int_equal(sp_evict_for(display.context,
		SP_RESOURCE_SHADOW_BYTES, ALL_BYTES + 1, honest->client), false);
	assert_int_equal(count_connected(hogs, 5), 2);
	assert_int_equal(guest_is_connected(honest), true);
}

#define MANY 180

/* The cost of a request in a crowd grows with the crowd, but not with its square. */
static void crowd_is_looked_at_a_few_times(void **state) {
	struct guest *asking = guest_connect();
	sp_account_set_limit(&display.context->all, SP_RESOURCE_FDS, MANY, 0);
	for (int i = 0; i < MANY; i++) {
		charge_fds(guest_connect(), 1);
	}
	asked = 0;
	assert_int_equal(sp_client_admit_pool(asking->client), true);
	assert_int_equal(count_connected(asking + 1, MANY), MANY - 1);
	if (asked < MANY || asked > 10 * MANY) {
		fail_msg("asked %lu times what one of %d identities holds",
			asked, MANY);
	}
}

static void shadows_in_a_crowd_take_from_the_reserve(void **state) {
	struct guest *guest = guest_connect();
	int all = ALL_FDS + ALL_FDS / 6;
	charge_fds(guest, all);
	assert_int_equal(guest_charge_fd(guest), -EDQUOT);
	assert_ptr_equal(guest->client->account.refused_by, &display.context->all);
	expect_held(guest, 0, (uint64_t)all, 0);
	assert_int_equal(display.context->all.used[SP_RESOURCE_FDS], all);
}

static void bytes_in_a_crowd_are_taken_from_the_reserve(void **state) {
	struct guest *guest = guest_connect();
	uint64_t all = ALL_BYTES + ALL_BYTES / 4;
	charge_bytes(guest, all - 1);
	assert_int_equal(guest_charge_bytes(guest, 2), -EDQUOT);
	assert_false(sp_client_exceeds_limit(guest->client));
	charge_bytes(guest, 1);
	expect_held(guest, 0, 0, all);
	assert_int_equal(display.context->all.used[SP_RESOURCE_SHADOW_BYTES], all);
	sp_client_post_refused(guest->client);
}

static void crowd_is_thinned_out_by_the_event_loop(void **state) {
	struct guest *small = guest_connect();
	struct guest *large = guest_connect();
	charge_fds(small, ALL_FDS / 3);
	charge_fds(large, ALL_FDS - ALL_FDS / 3);
	display_settle(&display);
	/* The limit is reached, but no client has requested more. */
	assert_int_equal(guest_is_connected(large), true);
	charge_fds(small, 1);
	assert_int_equal(guest_is_connected(large), true);
	display_settle(&display);
	assert_int_equal(guest_is_connected(large), false);
	assert_int_equal(guest_is_connected(small), true);
}

static void crowd_of_bytes_is_thinned_out_as_well(void **state) {
	struct guest *small = guest_connect();
	struct guest *large = guest_connect();
	/* The shortage is one of bytes. */
	charge_fds(small, 30);
	charge_bytes(small, ALL_BYTES / 3);
	charge_bytes(large, ALL_BYTES - ALL_BYTES / 3);
	display_settle(&display);
	assert_int_equal(guest_is_connected(large), true);
	charge_bytes(small, 1);
	display_settle(&display);
	assert_int_equal(guest_is_connected(large), false);
	assert_int_equal(guest_is_connected(small), true);
	expect_told(large, "4800 bytes of shadows for all clients");
}

static void crowd_that_has_gone_costs_nobody(void **state) {
	struct guest *guest = guest_connect();
	charge_fds(guest, ALL_FDS + 1);
	guest_discharge_fd(guest);
	guest_discharge_fd(guest);
	display_settle(&display);
	assert_int_equal(guest_is_connected(guest), true);
}

static void room_is_made_only_where_it_is_short(void **state) {
	struct guest *guest = guest_connect();
	charge_fds(guest, ALL_FDS - 1);
	charge_bytes(guest, ALL_BYTES - 1);
	make_room();
	assert_int_equal(guest_is_connected(guest), true);
	charge_bytes(guest, 1);
	charge_fds(guest, 1);
	make_room();
	assert_int_equal(guest_is_connected(guest), true);
	charge_bytes(guest, 1);
	make_room();
	assert_int_equal(guest_is_connected(guest), false);
	/* There is no client left to disconnect. */
	charge_bytes(guest, ALL_BYTES);
	make_room();
}

/* What a client held may be freed later, when the compositor drops its buffers. */
static void one_client_has_to_go_at_a_time(void **state) {
	static const uint64_t bytes[] = { 1300, 2000, 1800 };
	struct guest *guests[3];
	for (int i = 0; i < 3; i++) {
		guests[i] = guest_connect();
		charge_bytes(guests[i], bytes[i]);
	}
	wl_list_remove(&guests[1]->destroy.link);
	wl_list_init(&guests[1]->destroy.link);
	display_settle(&display);
	assert_int_equal(guest_is_connected(guests[0]), true);
	assert_int_equal(guest_is_connected(guests[1]), false);
	assert_int_equal(guest_is_connected(guests[2]), true);
	/* Its resources are not free yet, and another client requests more. */
	charge_bytes(guests[0], 1);
	display_settle(&display);
	assert_int_equal(guest_is_connected(guests[0]), true);
	assert_int_equal(guest_is_connected(guests[2]), false);
}

/* Whatever the reason for its disconnection. */
static void who_goes_in_any_case_goes_first(void **state) {
	struct guest *going = guest_connect();
	struct guest *large = guest_connect();
	struct guest *asking = guest_connect();
	charge_fds(going, 1);
	charge_fds(large, ALL_FDS - 1);
	sp_client_disconnect_later(going->client);
	assert_int_equal(guest_is_connected(going), true);
	assert_int_equal(sp_client_admit_pool(asking->client), true);
	assert_int_equal(guest_is_connected(going), false);
	assert_int_equal(guest_is_connected(large), true);
	assert_int_equal(display.messages, 0);
	display_settle(&display);
	assert_int_equal(guest_is_connected(large), true);
}

static void crowd_that_goes_in_any_case_costs_nobody(void **state) {
	struct guest *going = guest_connect();
	struct guest *large = guest_connect();
	charge_fds(going, 4);
	charge_fds(large, ALL_FDS - 2);
	sp_client_disconnect_later(going->client);
	display_settle(&display);
	assert_int_equal(guest_is_connected(going), false);
	assert_int_equal(guest_is_connected(large), true);
	assert_int_equal(display.messages, 0);
}

static void who_is_to_go_gets_nothing_more(void **state) {
	struct guest *going = guest_connect();
	struct guest *large = guest_connect();
	charge_fds(large, ALL_FDS);
	sp_client_disconnect_later(going->client);
	assert_int_equal(sp_client_admit_pool(going->client), false);
	expect_held(going, 0, 0, 0);
	assert_int_equal(guest_is_connected(large), true);
	assert_int_equal(display.messages, 0);
	assert_int_equal(guest_is_connected(going), true);
	display_settle(&display);
	assert_int_equal(guest_is_connected(going), false);
}

struct greedy {
	struct guest *guest;
	uint64_t bytes;
	atomic_bool over;
};

static void *ask_for_too_much(void *data) {
	struct greedy *greedy = data;
	while (!greedy->over) {
		if (guest_charge_bytes(greedy->guest, greedy->bytes) == 0) {
			break;
		}
	}
	return NULL;
}

static void refusal_on_one_thread_costs_no_other(void **state) {
	struct greedy greedy = {
		.guest = guest_connect(),
		.bytes = 2 * ALL_BYTES,
	};
	struct guest *other = guest_connect();
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, ask_for_too_much,
		&greedy), 0);
	unsigned refused = 0;
	for (int i = 0; i < 100000; i++) {
		if (guest_charge_bytes(other, 1) == 0) {
			guest_discharge_bytes(other, 1);
		} else {
			refused++;
		}
	}
	greedy.over = true;
	pthread_join(thread, NULL);
	assert_int_equal(refused, 0);
}

#define TEST_EVICT(name) \
	cmocka_unit_test_setup_teardown(name, setup, guests_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_EVICT(pool_in_a_crowd_costs_the_one_who_holds_most),
		TEST_EVICT(pool_before_there_is_a_crowd_costs_nobody),
		TEST_EVICT(who_holds_most_and_asks_for_more_is_refused),
		TEST_EVICT(who_has_gone_is_not_disconnected_again),
		TEST_EVICT(process_that_holds_most_has_to_go),
		TEST_EVICT(single_large_client_has_to_go_before_small_ones),
		TEST_EVICT(connections_of_this_process_are_told_apart),
		TEST_EVICT(clients_without_a_process_are_told_apart),
		TEST_EVICT(shares_take_half_of_what_all_may_hold),
		TEST_EVICT(who_holds_no_more_than_the_share_is_spared),
		TEST_EVICT(crowd_of_small_ones_is_thinned_out_before_a_large_one),
		TEST_EVICT(crowd_that_comes_later_is_thinned_out),
		TEST_EVICT(crowd_that_came_before_is_thinned_out),
		TEST_EVICT(asking_client_stays_where_its_process_has_a_larger_one),
		TEST_EVICT(as_many_have_to_go_as_it_takes),
		TEST_EVICT(crowd_is_looked_at_a_few_times),
		TEST_EVICT(shadows_in_a_crowd_take_from_the_reserve),
		TEST_EVICT(bytes_in_a_crowd_are_taken_from_the_reserve),
		TEST_EVICT(crowd_is_thinned_out_by_the_event_loop),
		TEST_EVICT(crowd_of_bytes_is_thinned_out_as_well),
		TEST_EVICT(crowd_that_has_gone_costs_nobody),
		TEST_EVICT(room_is_made_only_where_it_is_short),
		TEST_EVICT(one_client_has_to_go_at_a_time),
		TEST_EVICT(who_goes_in_any_case_goes_first),
		TEST_EVICT(crowd_that_goes_in_any_case_costs_nobody),
		TEST_EVICT(who_is_to_go_gets_nothing_more),
		TEST_EVICT(refusal_on_one_thread_costs_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
