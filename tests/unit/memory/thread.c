/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait, or copy, instead of the event loop.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory/thread.h"

static sem_t done;
static int policy;

static void *note_policy(void *data) {
	policy = sched_getscheduler(0);
	sem_post(&done);
	return NULL;
}

static bool set_policy(int wanted, int priority) {
	return sched_setscheduler(0, wanted,
		&(struct sched_param){ .sched_priority = priority }) == 0;
}

static int start_and_get_policy(void) {
	policy = -1;
	assert_int_equal(sp_thread_start(note_policy, NULL), 0);
	while (sem_wait(&done) < 0 && errno == EINTR) {
	}
	return policy;
}

/* Each user may set SCHED_BATCH. */
static void threads_do_not_inherit_a_policy(void **state) {
	assert_true(set_policy(SCHED_BATCH, 0));
	int inherited = start_and_get_policy();
	assert_true(set_policy(SCHED_OTHER, 0));
	assert_int_equal(inherited, SCHED_OTHER);
}

static void threads_do_not_inherit_real_time(void **state) {
	if (!set_policy(SCHED_RR, 1)) {
		print_message("skipped: sched_setscheduler(): %s\n",
			strerror(errno));
		skip();
	}
	int inherited = start_and_get_policy();
	assert_true(set_policy(SCHED_OTHER, 0));
	assert_int_equal(inherited, SCHED_OTHER);
}

/* As with a filter of system calls. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
	void *(*run)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
	void *(*run)(void *), void *data);

static bool policy_is_refused;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
		void *(*run)(void *), void *data) {
	int inherit;
	pthread_attr_getinheritsched(attr, &inherit);
	if (policy_is_refused && inherit == PTHREAD_EXPLICIT_SCHED) {
		return EPERM;
	}
	return __real_pthread_create(thread, attr, run, data);
}

static void threads_start_where_no_policy_can_be_set(void **state) {
	policy_is_refused = true;
	assert_int_equal(start_and_get_policy(), SCHED_OTHER);
	policy_is_refused = false;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_do_not_inherit_a_policy),
		cmocka_unit_test(threads_do_not_inherit_real_time),
		cmocka_unit_test(threads_start_where_no_policy_can_be_set),
	};
	sem_init(&done, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
