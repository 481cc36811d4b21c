/* SPDX-License-Identifier: MIT */
/*
 * The limits of a client: each one exactly, the message of a refusal, that a refusal
 * changes nothing, and that charges from many threads add up.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "between.h"
#include "child.h"
#include "guest.h"
#include "memory/nofault.h"
#include "policy/limits.h"
#include "server/context.h"
#include "server/pool.h"
#include "traces.h"

/* All differ, so that no limit is reached instead of another. */
#define POOLS 5
#define FDS 7
#define BUFFERS 9
#define BYTES 1000

static int setup(void **state) {
	return guests_setup(state, &(struct sealpool_budget){
		.pools = POOLS,
		.fds = FDS,
		.buffers = BUFFERS,
		.shadow_bytes = BYTES,
	});
}

/* Defaults */

static struct sealpool_budget make_budget(struct sealpool_budget wanted) {
	struct sealpool_budget budget;
	sp_budget_init(&budget, &wanted);
	return budget;
}

static void what_is_not_asked_for_has_a_default(void **state) {
	struct sealpool_budget budget = make_budget((struct sealpool_budget){ 0 });
	assert_int_equal(budget.pools, 2048);
	assert_int_equal(budget.buffers, 32768);
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) *
		(uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t all = (uint64_t)2 << 30;
	if (all > memory / 4) {
		all = memory / 4;
	}
	assert_int_equal(budget.all_shadow_bytes, all);
	assert_int_equal(budget.shadow_bytes,
		all < 512 << 20 ? all : 512 << 20);
}

static void budget_that_is_asked_for_is_kept(void **state) {
	struct sealpool_budget budget = make_budget((struct sealpool_budget){
		.pools = 1, .buffers = 2, .fds = 3, .all_fds = 60,
		.shadow_bytes = 5, .all_shadow_bytes = 80,
	});
	assert_int_equal(budget.pools, 1);
	assert_int_equal(budget.buffers, 2);
	assert_int_equal(budget.fds, 3);
	assert_int_equal(budget.shadow_bytes, 5);
	assert_int_equal(budget.all_fds, 60);
	assert_int_equal(budget.all_shadow_bytes, 80);
}

static void share_of_a_client_follows_from_that_of_all(void **state) {
	struct sealpool_budget budget = make_budget((struct sealpool_budget){
		.all_fds = 60, .all_shadow_bytes = 80,
	});
	assert_int_equal(budget.fds, 60);
	assert_int_equal(budget.shadow_bytes, 80);
}

static const char *expect_fds(rlim_t limit, uint64_t all, uint32_t each) {
	child_set_limit(RLIMIT_NOFILE, limit);
	struct sealpool_budget budget = make_budget((struct sealpool_budget){ 0 });
	if (budget.all_fds != all || budget.fds != each) {
		return child_wrong("with %llu fds, all clients may hold %u, "
			"and each %u", (unsigned long long)limit,
			budget.all_fds, budget.fds);
	}
	return NULL;
}

static const char *count_fds_of_1024(void) {
	return expect_fds(1024, 768, 768);
}

static const char *count_fds_of_256(void) {
	return expect_fds(256, 192, 192);
}

static const char *count_fds_of_many(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
			limit.rlim_max < 16384) {
		return NULL;
	}
	return expect_fds(limit.rlim_max, 6000, 2048);
}

static void fds_are_a_share_of_what_the_process_may_open(void **state) {
	child_run(count_fds_of_1024);
	child_run(count_fds_of_256);
	child_run(count_fds_of_many);
}

/* Each limit */

static void pools_are_admitted_up_to_the_budget(void **state) {
	struct guest *guest = guest_connect();
	for (int i = 0; i < POOLS; i++) {
		assert_int_equal(sp_client_admit_pool(guest->client), true);
	}
	expect_held(guest, POOLS, POOLS, 0);
	assert_int_equal(display.messages, 0);
	assert_int_equal(sp_client_admit_pool(guest->client), false);
	expect_held(guest, POOLS, POOLS, 0);
	assert_int_equal(display.context->all.used[SP_RESOURCE_FDS], POOLS);
	expect_told(guest, "5 pools");
}

static void pool_that_goes_makes_room_for_another(void **state) {
	struct guest *guest = guest_connect();
	for (int i = 0; i < POOLS; i++) {
		assert_int_equal(sp_client_admit_pool(guest->client), true);
	}
	sp_client_dismiss_pool(guest->client, true);
	expect_held(guest, POOLS - 1, POOLS - 1, 0);
	assert_int_equal(sp_client_admit_pool(guest->client), true);
}

static void fds_are_charged_up_to_the_budget(void **state) {
	struct guest *guest = guest_connect();
	for (int i = 0; i < FDS; i++) {
		assert_int_equal(guest_charge_fd(guest), 0);
	}
	expect_held(guest, 0, FDS, 0);
	assert_int_equal(guest_charge_fd(guest), -EDQUOT);
	expect_held(guest, 0, FDS, 0);
	assert_int_equal(display.context->all.used[SP_RESOURCE_FDS], FDS);
	guest_discharge_fd(guest);
	assert_int_equal(guest_charge_fd(guest), 0);
}

static void pool_takes_an_fd_of_the_budget(void **state) {
	struct guest *guest = guest_connect();
	for (int i = 0; i < FDS - 1; i++) {
		assert_int_equal(guest_charge_fd(guest), 0);
	}
	assert_int_equal(sp_client_admit_pool(guest->client), true);
	assert_int_equal(sp_client_admit_pool(guest->client), false);
	expect_held(guest, 1, FDS, 0);
	expect_told(guest, "7 fds");
}

static void buffers_are_admitted_up_to_the_budget(void **state) {
	struct guest *guest = guest_connect();
	for (int i = 0; i < BUFFERS; i++) {
		assert_int_equal(sp_client_admit_buffer(guest->client), true);
	}
	assert_int_equal(display.messages, 0);
	assert_int_equal(sp_client_admit_buffer(guest->client), false);
	assert_int_equal(guest->client->buffers_len, BUFFERS);
	expect_told(guest, "9 buffers");
	sp_client_dismiss_buffer(guest->client);
	assert_int_equal(sp_client_admit_buffer(guest->client), true);
	/* Buffers have no fds. */
	expect_held(guest, 0, 0, 0);
}

static void bytes_are_charged_up_to_the_budget(void **state) {
	struct guest *guest = guest_connect();
	assert_int_equal(guest_charge_bytes(guest, BYTES - 1), 0);
	assert_int_equal(guest_charge_bytes(guest, 2), -EDQUOT);
	expect_held(guest, 0, 0, BYTES - 1);
	assert_int_equal(guest_charge_bytes(guest, 1), 0);
	expect_held(guest, 0, 0, BYTES);
	assert_int_equal(guest_charge_bytes(guest, 1), -EDQUOT);
	assert_int_equal(guest_charge_bytes(guest, 0), 0);
	guest_discharge_bytes(guest, 400);
	expect_held(guest, 0, 0, BYTES - 400);
	assert_int_equal(guest_charge_bytes(guest, 401), -EDQUOT);
	assert_int_equal(guest_charge_bytes(guest, 400), 0);
}

static void whole_budget_of_bytes_can_be_charged_at_once(void **state) {
	struct guest *guest = guest_connect();
	assert_int_equal(guest_charge_bytes(guest, BYTES + 1),
		-EDQUOT);
	assert_int_equal(guest_charge_bytes(guest, BYTES), 0);
	expect_held(guest, 0, 0, BYTES);
}

static void bytes_that_overflow_are_refused(void **state) {
	struct guest *guest = guest_connect();
	assert_int_equal(guest_charge_bytes(guest, 500), 0);
	assert_int_equal(guest_charge_bytes(guest, UINT64_MAX),
		-EDQUOT);
	assert_int_equal(guest_charge_bytes(guest,
		UINT64_MAX - 499), -EDQUOT);
	expect_held(guest, 0, 0, 500);
}

static void each_client_has_a_budget_of_its_own(void **state) {
	struct guest *first = guest_connect();
	struct guest *second = guest_connect();
	for (int i = 0; i < FDS; i++) {
		assert_int_equal(guest_charge_fd(first), 0);
	}
	assert_int_equal(guest_charge_bytes(first, BYTES), 0);
	expect_held(second, 0, 0, 0);
	assert_int_equal(guest_charge_fd(second), 0);
	assert_int_equal(guest_charge_bytes(second, BYTES), 0);
	assert_int_equal(sp_client_admit_pool(second->client), true);
}

static void client_is_told_which_budget_it_is_over(void **state) {
	struct guest *fds = guest_connect();
	struct guest *bytes = guest_connect();
	for (int i = 0; i <= FDS; i++) {
		guest_charge_fd(fds);
	}
	sp_client_post_refused(fds->client);
	expect_told(fds, "7 fds");
	guest_charge_bytes(bytes, BYTES + 1);
	sp_client_post_refused(bytes->client);
	expect_told(bytes, "1000 bytes of shadows");
}

/* Mappings have no limit of their own, since there are few for each fd. */
static void mappings_are_few_for_each_fd(void **state) {
	static const struct sp_mapping_mode *const modes[] = {
		&sp_mapping_read, &sp_mapping_write, &sp_nofault_mode,
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t before = traces_count_mappings();
	struct guest *guest = guest_connect();
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	struct sp_file file;
	const char *reason;
	assert_int_equal(sp_file_init(&file, fd, &reason), 0);
	struct sp_pool *pool = sp_pool_new(display.context, guest->wl_client, &file,
		(int32_t)page);
	assert_non_null(pool);
	/* Each mapping stays in use while the pool grows. */
	struct sp_mapping *used[5 * 3 + 6];
	size_t used_len = 0;
	for (size_t times = 1; times <= 5; times++) {
		sp_backing_grow(&pool->backing, times * page);
		for (size_t i = 0; i < 3; i++) {
			used[used_len] = sp_backing_map(&pool->backing, modes[i],
				times * page);
			assert_non_null(used[used_len++]);
		}
	}
	expect_held(guest, 1, 1, 0);
	assert_int_equal(traces_count_mappings() - before, 6);
	assert_int_equal(sp_backing_pin(&pool->backing), 0);
	for (size_t times = 5; times <= 10; times++) {
		assert_int_equal(sp_backing_grow(&pool->backing, times * page),
			0);
		used[used_len++] = sp_mapping_ref(pool->backing.pinned.shadow.mapping);
	}
	expect_held(guest, 1, 2, 0);
	assert_int_equal(traces_count_mappings() - before, 8);
	while (used_len > 0) {
		sp_mapping_unref(used[--used_len]);
	}
	sp_pool_unref(pool);
}

/* Threads */

#define THREADS 4
#define ROUNDS 20000

struct total {
	struct guest *guest;
	/* What the threads hold, by their own count. */
	atomic_uint fds, fds_most;
	_Atomic uint64_t bytes, bytes_most;
	atomic_uint granted, refused;
};

static void raise_to(atomic_uint *most, unsigned value) {
	unsigned before = *most;
	while (before < value &&
			!atomic_compare_exchange_weak(most, &before, value)) {
	}
}

static void *charge_and_discharge(void *data) {
	struct total *total = data;
	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t bytes = 1 + i * 37 % (BYTES / 2);
		if (guest_charge_bytes(total->guest, bytes) == 0) {
			uint64_t now = atomic_fetch_add(&total->bytes, bytes) +
				bytes;
			uint64_t before = total->bytes_most;
			while (before < now && !atomic_compare_exchange_weak(
					&total->bytes_most, &before, now)) {
			}
			total->granted++;
			atomic_fetch_sub(&total->bytes, bytes);
			guest_discharge_bytes(total->guest, bytes);
		} else {
			total->refused++;
		}
		unsigned got = 0;
		while (got < 3 && guest_charge_fd(total->guest) == 0) {
			got++;
			raise_to(&total->fds_most,
				atomic_fetch_add(&total->fds, 1) + 1);
		}
		for (; got > 0; got--) {
			atomic_fetch_sub(&total->fds, 1);
			guest_discharge_fd(total->guest);
		}
	}
	return NULL;
}

static void charges_of_many_threads_add_up(void **state) {
	struct guest *guest = guest_connect();
	struct total total = { .guest = guest };
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL,
			charge_and_discharge, &total), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	expect_held(guest, 0, 0, 0);
	assert_int_equal(display.context->all.used[SP_RESOURCE_FDS], 0);
	assert_int_equal(total.granted + total.refused, THREADS * ROUNDS);
	expect_between(total.bytes_most, 1, BYTES);
	expect_between(total.fds_most, 1, FDS);
}

#define TEST_BUDGET(name) \
	cmocka_unit_test_setup_teardown(name, setup, guests_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_asked_for_has_a_default),
		TEST(budget_that_is_asked_for_is_kept),
		TEST(share_of_a_client_follows_from_that_of_all),
		TEST(fds_are_a_share_of_what_the_process_may_open),

		TEST_BUDGET(pools_are_admitted_up_to_the_budget),
		TEST_BUDGET(pool_that_goes_makes_room_for_another),
		TEST_BUDGET(fds_are_charged_up_to_the_budget),
		TEST_BUDGET(pool_takes_an_fd_of_the_budget),
		TEST_BUDGET(buffers_are_admitted_up_to_the_budget),
		TEST_BUDGET(bytes_are_charged_up_to_the_budget),
		TEST_BUDGET(whole_budget_of_bytes_can_be_charged_at_once),
		TEST_BUDGET(bytes_that_overflow_are_refused),
		TEST_BUDGET(each_client_has_a_budget_of_its_own),
		TEST_BUDGET(client_is_told_which_budget_it_is_over),

		TEST_BUDGET(mappings_are_few_for_each_fd),
		TEST_BUDGET(charges_of_many_threads_add_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
