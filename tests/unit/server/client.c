/* SPDX-License-Identifier: MIT */
/* The record of a client: each client that needs one has exactly one, and its
 * lifetime. */
#include <drm_fourcc.h>
#include <unistd.h>

#include "guest.h"
#include "server/context.h"
#include "shm.h"

static int setup(void **state) {
	return guests_setup(state, NULL);
}

static void client_has_a_record_once_it_needs_one(void **state) {
	int fd;
	struct wl_client *wl_client = display_connect(&display, &fd);
	assert_null(sp_client_find(display.context, wl_client));
	struct sp_client *client = sp_client_get(display.context, wl_client);
	assert_non_null(client);
	assert_ptr_equal(sp_client_find(display.context, wl_client), client);
	assert_ptr_equal(sp_client_get(display.context, wl_client), client);
	assert_int_equal(wl_list_length(&display.context->clients), 1);
	close(fd);
}

static void record_goes_with_its_client(void **state) {
	int fd;
	struct wl_client *wl_client = display_connect(&display, &fd);
	sp_client_get(display.context, wl_client);
	wl_client_destroy(wl_client);
	assert_int_equal(wl_list_length(&display.context->clients), 0);
	close(fd);
}

static void record_stays_while_something_is_held(void **state) {
	struct guest *guest = guest_connect();
	assert_int_equal(sp_client_get_pid(guest->client), getpid());
	wl_client_destroy(guest->wl_client);
	charge_fds(guest, 2);
	assert_int_equal(wl_list_length(&display.context->clients), 1);
	assert_int_equal(guest_is_connected(guest), false);
	assert_int_equal(sp_client_get_pid(guest->client), 0);
	expect_held(guest, 0, 2, 0);
	guest_leave(guest);
	assert_int_equal(wl_list_length(&display.context->clients), 0);
}

static void two_globals_of_a_display_keep_records_apart(void **state) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888,
	};
	struct sealpool_shm *other = sealpool_shm_create(display.wl, 2, formats,
		2, NULL);
	assert_non_null(other);
	struct guest *guest = guest_connect();
	assert_null(sp_client_find(other->context, guest->wl_client));
	struct sp_client *second = sp_client_get(other->context, guest->wl_client);
	assert_ptr_not_equal(second, guest->client);
	assert_ptr_equal(sp_client_find(other->context, guest->wl_client), second);
	assert_ptr_equal(sp_client_find(display.context, guest->wl_client),
		guest->client);
	charge_fds(guest, 3);
	assert_int_equal(second->account.used[SP_RESOURCE_FDS], 0);
}

#define TEST_CLIENT(name) \
	cmocka_unit_test_setup_teardown(name, setup, guests_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_CLIENT(client_has_a_record_once_it_needs_one),
		TEST_CLIENT(record_goes_with_its_client),
		TEST_CLIENT(record_stays_while_something_is_held),
		TEST_CLIENT(two_globals_of_a_display_keep_records_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
