/* SPDX-License-Identifier: MIT */
/* What other threads post to the event loop. */
#include "server/mailbox.h"
#include "traces.h"

#define THREADS 4
#define POSTS 1000

static struct fixture {
	struct wl_event_loop *loop;
	struct sp_mailbox mailbox;
	/* The handled letters, as digits. */
	int handled;
	bool was_here;
} fixture;

static void handle_first(struct sp_mailbox *mailbox) {
	fixture.handled = fixture.handled * 10 + 1;
	fixture.was_here = sp_mailbox_is_here(&fixture.mailbox);
}

static void handle_second(struct sp_mailbox *mailbox) {
	fixture.handled = fixture.handled * 10 + 2;
}

static void post_first(void) {
	sp_mailbox_post(&fixture.mailbox, SP_MAIL_UPKEEP, handle_first);
}

static void post_second(void) {
	sp_mailbox_post(&fixture.mailbox, SP_MAIL_REPORTS, handle_second);
}

static int setup(void **state) {
	traces_setup(state);
	fixture = (struct fixture){ .loop = wl_event_loop_create() };
	if (sp_mailbox_init(&fixture.mailbox, fixture.loop) < 0) {
		return -1;
	}
	return 0;
}

static int teardown(void **state) {
	sp_mailbox_detach(&fixture.mailbox);
	sp_mailbox_finish(&fixture.mailbox);
	wl_event_loop_destroy(fixture.loop);
	return traces_teardown(state);
}

static void dispatch(void) {
	assert_int_equal(wl_event_loop_dispatch(fixture.loop, 0), 0);
}

static void mails_are_handled_in_their_order(void **state) {
	post_second();
	post_first();
	assert_int_equal(fixture.handled, 0);
	dispatch();
	assert_int_equal(fixture.handled, 12);
	dispatch();
	assert_int_equal(fixture.handled, 12);
}

static void mail_that_was_posted_twice_is_handled_once(void **state) {
	for (int i = 0; i < 3; i++) {
		post_second();
	}
	dispatch();
	assert_int_equal(fixture.handled, 2);
	post_second();
	dispatch();
	assert_int_equal(fixture.handled, 22);
}

static void handle_third(struct sp_mailbox *mailbox) {
	handle_second(mailbox);
	post_first();
}

static void mail_that_is_posted_by_a_later_one_is_not_lost(void **state) {
	sp_mailbox_post(&fixture.mailbox, SP_MAIL_PRESSURE, handle_third);
	dispatch();
	dispatch();
	assert_int_equal(fixture.handled, 21);
}

static void *post_often(void *data) {
	bool *here = data;
	for (int i = 0; i < POSTS; i++) {
		post_first();
	}
	*here = sp_mailbox_is_here(&fixture.mailbox);
	return NULL;
}

static void threads_leave_it_to_the_loop(void **state) {
	pthread_t threads[THREADS];
	bool here[THREADS];
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, post_often,
			&here[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_false(here[i]);
	}
	assert_int_equal(fixture.handled, 0);
	dispatch();
	assert_int_equal(fixture.handled, 1);
	assert_true(fixture.was_here);
}

int main(void) {
#define TEST_MAILBOX(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST_MAILBOX(mails_are_handled_in_their_order),
		TEST_MAILBOX(mail_that_was_posted_twice_is_handled_once),
		TEST_MAILBOX(mail_that_is_posted_by_a_later_one_is_not_lost),
		TEST_MAILBOX(threads_leave_it_to_the_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
