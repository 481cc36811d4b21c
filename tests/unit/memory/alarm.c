/* SPDX-License-Identifier: MIT */
/*
 * The alarm that wakes an event loop.
 */
#include <poll.h>
#include <pthread.h>

#include "memory/alarm.h"
#include "traces.h"

static bool is_ready(const struct sp_alarm *alarm, int ms) {
	struct pollfd ready = { .fd = alarm->fd, .events = POLLIN };
	return poll(&ready, 1, ms) == 1;
}

static void rings_until_it_is_cleared(void **state) {
	struct sp_alarm alarm;
	assert_int_equal(sp_alarm_init(&alarm), 0);
	assert_false(is_ready(&alarm, 0));
	sp_alarm_ring(&alarm);
	sp_alarm_ring(&alarm);
	assert_true(is_ready(&alarm, 1000));
	sp_alarm_clear(&alarm);
	assert_false(is_ready(&alarm, 2));
	sp_alarm_ring(&alarm);
	assert_true(is_ready(&alarm, 1000));
	sp_alarm_finish(&alarm);
}

static void rings_at_the_time_that_is_set(void **state) {
	struct sp_alarm alarm;
	assert_int_equal(sp_alarm_init(&alarm), 0);
	sp_alarm_set(&alarm, UINT64_MAX);
	assert_false(is_ready(&alarm, 2));
	sp_alarm_set(&alarm, 1000000);
	assert_false(is_ready(&alarm, 2));
	sp_alarm_set(&alarm, 0);
	assert_true(is_ready(&alarm, 1000));
	sp_alarm_set(&alarm, 20);
	assert_true(is_ready(&alarm, 1000));
	sp_alarm_finish(&alarm);
}

static void time_that_is_set_does_not_undo_a_ring(void **state) {
	struct sp_alarm alarm;
	assert_int_equal(sp_alarm_init(&alarm), 0);
	sp_alarm_clear(&alarm);
	sp_alarm_ring(&alarm);
	sp_alarm_set(&alarm, 1000000);
	assert_true(is_ready(&alarm, 1000));
	sp_alarm_finish(&alarm);
}

#define RINGS 2000

static void *ring_often(void *data) {
	for (int i = 0; i < RINGS; i++) {
		sp_alarm_ring(data);
	}
	return NULL;
}

static void no_ring_of_another_thread_is_lost(void **state) {
	struct sp_alarm alarm;
	assert_int_equal(sp_alarm_init(&alarm), 0);
	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		assert_int_equal(pthread_create(&thread, NULL, ring_often,
			&alarm), 0);
		for (int j = 0; j < 200; j++) {
			sp_alarm_clear(&alarm);
			sp_alarm_set(&alarm, 1000000);
		}
		pthread_join(thread, NULL);
		sp_alarm_clear(&alarm);
		sp_alarm_ring(&alarm);
		assert_true(is_ready(&alarm, 1000));
	}
	sp_alarm_finish(&alarm);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(rings_until_it_is_cleared),
		TEST(rings_at_the_time_that_is_set),
		TEST(time_that_is_set_does_not_undo_a_ring),
		TEST(no_ring_of_another_thread_is_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
