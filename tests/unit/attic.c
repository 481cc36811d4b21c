/* SPDX-License-Identifier: MIT */
/*
 * Mappings that wait to be unmapped together: that they all go, and nothing
 * else does.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "attic.h"
#include "display.h"
#include "mapping.h"
#include "shm.h"
#include "traces.h"

static struct display display;

static int setup(void **state) {
	traces_setup(state);
	display_init(&display, NULL);
	return 0;
}

static int teardown(void **state) {
	display_finish(&display);
	return traces_teardown(state);
}

static struct sp_mapping *map(size_t size) {
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	struct sp_mapping *mapping = sp_mapping_create(fd, SP_MAPPING_READ,
		size, (size_t)sysconf(_SC_PAGESIZE), false);
	assert_non_null(mapping);
	close(fd);
	return mapping;
}

static bool is_mapped(const uint8_t *data) {
	unsigned char resident;
	return mincore((void *)data, 1, &resident) == 0;
}

static void mappings_wait_for_one_another(void **state) {
	const uint8_t *data[SP_ATTIC_LEN];
	for (size_t i = 0; i < SP_ATTIC_LEN; i++) {
		struct sp_mapping *mapping = map(16384);
		data[i] = mapping->data;
		assert_int_equal(display.shm->attic.len, i);
		sp_attic_unref_mapping(display.shm, mapping);
		assert_int_equal(is_mapped(data[i]), i < SP_ATTIC_LEN - 1);
	}
	for (size_t i = 0; i < SP_ATTIC_LEN; i++) {
		assert_false(is_mapped(data[i]));
	}
	assert_int_equal(display.shm->attic.len, 0);
}

/* Some lie side by side, with one that is in use between them. */
static void mapping_in_use_is_left_alone(void **state) {
	struct sp_mapping *used[SP_ATTIC_LEN];
	for (size_t i = 0; i < SP_ATTIC_LEN; i++) {
		used[i] = map(16384);
		sp_attic_unref_mapping(display.shm, map(16384));
	}
	assert_int_equal(display.shm->attic.len, 0);
	for (size_t i = 0; i < SP_ATTIC_LEN; i++) {
		assert_true(is_mapped(used[i]->data));
		/* Also where it is not the last reference. */
		sp_attic_unref_mapping(display.shm, sp_mapping_ref(used[i]));
		assert_true(is_mapped(used[i]->data));
		assert_int_equal(display.shm->attic.len, 0);
		sp_mapping_unref(used[i]);
	}
}

static void large_mapping_does_not_wait(void **state) {
	struct sp_mapping *mapping = map(SP_ATTIC_SIZE_MAX + 1);
	const uint8_t *data = mapping->data;
	sp_attic_unref_mapping(display.shm, mapping);
	assert_false(is_mapped(data));
}

static void last_ones_go_after_a_while(void **state) {
	struct sp_mapping *mapping = map(16384);
	const uint8_t *data = mapping->data;
	sp_attic_unref_mapping(display.shm, mapping);
	assert_true(is_mapped(data));
	assert_true(display.shm->attic.waiting);
	for (int i = 0; i < 600 && display.shm->attic.len > 0; i++) {
		wl_event_loop_dispatch(display.loop, 100);
	}
	assert_false(is_mapped(data));
	assert_false(display.shm->attic.waiting);
}

/* And with the display. */
static void nothing_waits_without_a_display(void **state) {
	struct sealpool_shm *shm = sp_shm_ref(display.shm);
	struct sp_mapping *first = map(16384), *second = map(16384);
	const uint8_t *data[] = { first->data, second->data };
	sp_attic_unref_mapping(shm, first);
	sp_shm_destroy(shm);
	assert_false(is_mapped(data[0]));
	sp_attic_unref_mapping(shm, second);
	assert_false(is_mapped(data[1]));
	sp_shm_unref(shm);
}

#define TEST_ATTIC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_ATTIC(mappings_wait_for_one_another),
		TEST_ATTIC(mapping_in_use_is_left_alone),
		TEST_ATTIC(large_mapping_does_not_wait),
		TEST_ATTIC(last_ones_go_after_a_while),
		TEST_ATTIC(nothing_waits_without_a_display),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
