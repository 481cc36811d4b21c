/* SPDX-License-Identifier: MIT */
/*
 * Shadows: they replace a client's file, cannot be truncated, have memory only where it
 * was reserved, and are charged to their client.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "memfd.h"
#include "memory/account.h"
#include "memory/mapping.h"
#include "memory/shadow.h"
#include "process.h"
#include "traces.h"

/* The limits of the client, in pages and fds. */
#define PAGES 16
#define FDS 3

/* The client that is charged. */
struct holder {
	struct sp_account all, account;
};

static struct holder holder;

static bool reclaim(struct sp_account *account, enum sp_resource resource,
		uint64_t amount) {
	return false;
}

static void note_pressure(struct sp_account *account,
		enum sp_resource resource) {
}

static int setup(void **state) {
	static const struct sp_account_ops ops = {
		.reclaim = reclaim,
		.pressure = note_pressure,
	};
	traces_setup(state);
	sp_account_init(&holder.all, NULL, &ops);
	sp_account_init(&holder.account, &holder.all, &ops);
	sp_account_set_limit(&holder.account, SP_RESOURCE_FDS, FDS, 0);
	sp_account_set_limit(&holder.account, SP_RESOURCE_SHADOW_BYTES,
		PAGES * page_size(), 0);
	return 0;
}

static uint64_t get_fds(void) {
	return holder.account.used[SP_RESOURCE_FDS];
}

static uint64_t get_bytes(void) {
	return holder.account.used[SP_RESOURCE_SHADOW_BYTES];
}

static int teardown(void **state) {
	if (get_fds() != 0 || get_bytes() != 0) {
		print_error("%llu fds and %llu bytes are still charged\n",
			(unsigned long long)get_fds(),
			(unsigned long long)get_bytes());
		return -1;
	}
	return traces_teardown(state);
}

static struct sp_shadow create_shadow(uint64_t size) {
	struct sp_shadow shadow;
	int ret = sp_shadow_init(&shadow, &holder.account, size);
	if (ret < 0) {
		fail_msg("no shadow: %s", strerror(-ret));
	}
	return shadow;
}

/* Returns the memory of the file, in bytes. */
static uint64_t get_memory(const struct sp_shadow *shadow) {
	struct stat st;
	assert_int_equal(fstat(shadow->fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

/* Fails unless the file has this many pages and the client is charged for them. */
static void expect_charged(const struct sp_shadow *shadow, uint64_t pages) {
	uint64_t bytes = pages * page_size();
	if (get_memory(shadow) != bytes || shadow->charged != bytes ||
			get_bytes() != bytes) {
		fail_msg("of %llu bytes, the file has memory for %llu; %llu "
			"are charged for it, and %llu to the client",
			(unsigned long long)bytes,
			(unsigned long long)get_memory(shadow),
			(unsigned long long)shadow->charged,
			(unsigned long long)get_bytes());
	}
}

static int reserve(struct sp_shadow *shadow, uint64_t first, uint64_t end) {
	return sp_shadow_reserve(shadow, first * page_size(),
		end * page_size());
}

static void release(struct sp_shadow *shadow, uint64_t first, uint64_t end) {
	sp_shadow_release(shadow, first * page_size(), end * page_size());
}

/* The file */

static void shadow_cannot_be_cut(void **state) {
	struct sp_shadow shadow = create_shadow(1000);
	assert_int_equal(ftruncate(shadow.fd, 999), -1);
	assert_int_equal(errno, EPERM);
	int seals = fcntl(shadow.fd, F_GET_SEALS);
	assert_int_equal(seals & F_SEAL_SHRINK, F_SEAL_SHRINK);
	sp_shadow_finish(&shadow);
}

/* Another process that receives the fd could otherwise forbid writing or growing. */
static void shadow_takes_no_more_seals(void **state) {
	struct sp_shadow shadow = create_shadow(1000);
	assert_int_equal(fcntl(shadow.fd, F_ADD_SEALS, F_SEAL_GROW), -1);
	assert_int_equal(errno, EPERM);
	int seals = fcntl(shadow.fd, F_GET_SEALS);
	assert_int_equal(seals, F_SEAL_SHRINK | F_SEAL_SEAL);
	sp_shadow_finish(&shadow);
}

static void shadow_is_as_large_as_the_pool(void **state) {
	struct sp_shadow shadow = create_shadow(12345);
	struct stat st;
	assert_int_equal(fstat(shadow.fd, &st), 0);
	assert_int_equal(st.st_size, 12345);
	assert_int_equal(shadow.size, 12345);
	assert_true(shadow.mapping->size >= 12345);
	sp_shadow_finish(&shadow);
}

static void shadow_has_no_memory_at_first(void **state) {
	struct sp_shadow shadow = create_shadow(INT32_MAX);
	expect_charged(&shadow, 0);
	sp_shadow_finish(&shadow);
}

static void shadow_is_closed_on_exec(void **state) {
	struct sp_shadow shadow = create_shadow(1000);
	assert_int_equal(fcntl(shadow.fd, F_GETFD), FD_CLOEXEC);
	sp_shadow_finish(&shadow);
}

static void shadow_and_its_mapping_are_the_same_bytes(void **state) {
	struct sp_shadow shadow = create_shadow(2 * page_size());
	assert_int_equal(reserve(&shadow, 0, 2), 0);
	uint8_t *data = shadow.mapping->data;
	for (size_t i = 0; i < 2 * page_size(); i++) {
		assert_int_equal(data[i], 0);
	}
	data[page_size()] = 7;
	uint8_t byte;
	assert_int_equal(pread(shadow.fd, &byte, 1, (off_t)page_size()), 1);
	assert_int_equal(byte, 7);
	sp_shadow_finish(&shadow);
}

/* Growing */

static void shadow_grows_and_keeps_its_bytes(void **state) {
	struct sp_shadow shadow = create_shadow(page_size());
	assert_int_equal(reserve(&shadow, 0, 1), 0);
	shadow.mapping->data[5] = 9;
	assert_int_equal(sp_shadow_grow(&shadow, 10 * page_size()), 0);
	struct stat st;
	assert_int_equal(fstat(shadow.fd, &st), 0);
	assert_int_equal(st.st_size, 10 * page_size());
	assert_int_equal(shadow.size, 10 * page_size());
	assert_true(shadow.mapping->size >= 10 * page_size());
	assert_int_equal(shadow.mapping->data[5], 9);
	expect_charged(&shadow, 1);
	sp_shadow_finish(&shadow);
}

static void old_mapping_stays_while_it_is_used(void **state) {
	struct sp_shadow shadow = create_shadow(page_size());
	assert_int_equal(reserve(&shadow, 0, 1), 0);
	struct sp_mapping *old = sp_mapping_ref(shadow.mapping);
	assert_int_equal(sp_shadow_grow(&shadow, 10 * page_size()), 0);
	assert_ptr_not_equal(shadow.mapping, old);
	old->data[5] = 9;
	assert_int_equal(shadow.mapping->data[5], 9);
	sp_shadow_finish(&shadow);
	/* Also after the shadow is destroyed. */
	assert_int_equal(old->data[5], 9);
	sp_mapping_unref(old);
}

static void shadow_that_grew_once_has_room(void **state) {
	if (sizeof(void *) < 8) {
		skip();
	}
	struct sp_shadow shadow = create_shadow(page_size());
	assert_int_equal(sp_shadow_grow(&shadow, 10 * page_size()), 0);
	struct sp_mapping *mapping = shadow.mapping;
	assert_int_equal(sp_shadow_grow(&shadow, INT32_MAX), 0);
	assert_ptr_equal(shadow.mapping, mapping);
	assert_int_equal(shadow.size, INT32_MAX);
	sp_shadow_finish(&shadow);
}

static void shadow_does_not_become_smaller(void **state) {
	struct sp_shadow shadow = create_shadow(10 * page_size());
	struct sp_mapping *mapping = shadow.mapping;
	assert_int_equal(sp_shadow_grow(&shadow, 1), 0);
	assert_int_equal(sp_shadow_grow(&shadow, 10 * page_size()), 0);
	assert_int_equal(shadow.size, 10 * page_size());
	assert_ptr_equal(shadow.mapping, mapping);
	sp_shadow_finish(&shadow);
}

/* Memory */

static void memory_is_given_to_whole_pages_of_a_range(void **state) {
	struct sp_shadow shadow = create_shadow(10 * page_size());
	assert_int_equal(sp_shadow_reserve(&shadow, 2 * page_size() + 100,
		4 * page_size() + 1), 0);
	expect_charged(&shadow, 3);
	/* Touching them allocates no more memory. */
	memset(shadow.mapping->data + 2 * page_size(), 7, 3 * page_size());
	expect_charged(&shadow, 3);
	sp_shadow_finish(&shadow);
}

static void memory_of_the_last_page_leaves_the_size_as_it_is(void **state) {
	struct sp_shadow shadow = create_shadow(100);
	assert_int_equal(sp_shadow_reserve(&shadow, 0, 100), 0);
	expect_charged(&shadow, 1);
	struct stat st;
	assert_int_equal(fstat(shadow.fd, &st), 0);
	assert_int_equal(st.st_size, 100);
	sp_shadow_finish(&shadow);
}

static void memory_that_is_there_is_charged_once(void **state) {
	struct sp_shadow shadow = create_shadow(10 * page_size());
	assert_int_equal(reserve(&shadow, 0, 4), 0);
	shadow.mapping->data[2 * page_size()] = 3;
	assert_int_equal(reserve(&shadow, 0, 4), 0);
	assert_int_equal(reserve(&shadow, 2, 6), 0);
	expect_charged(&shadow, 6);
	assert_int_equal(shadow.mapping->data[2 * page_size()], 3);
	sp_shadow_finish(&shadow);
}

static void memory_up_to_the_budget_is_given(void **state) {
	struct sp_shadow shadow = create_shadow(100 * page_size());
	assert_int_equal(reserve(&shadow, 3, 3 + PAGES), 0);
	expect_charged(&shadow, PAGES);
	sp_shadow_finish(&shadow);
}

static void memory_over_the_budget_is_refused(void **state) {
	struct sp_shadow shadow = create_shadow(100 * page_size());
	assert_int_equal(reserve(&shadow, 3, 4 + PAGES), -EDQUOT);
	expect_charged(&shadow, 0);
	assert_ptr_equal(holder.account.refused_by, &holder.account);
	assert_int_equal(holder.account.refused_resource,
		SP_RESOURCE_SHADOW_BYTES);
	assert_int_equal(reserve(&shadow, 0, 10), 0);
	assert_int_equal(reserve(&shadow, 10, 11 + PAGES - 10), -EDQUOT);
	expect_charged(&shadow, 10);
	sp_shadow_finish(&shadow);
}

static void memory_that_is_lacking_is_charged_beforehand(void **state) {
	struct sp_shadow shadow = create_shadow((PAGES + 1) * page_size());
	assert_int_equal(reserve(&shadow, 0, PAGES - 1), 0);
	assert_int_equal(reserve(&shadow, 0, PAGES + 1), -EDQUOT);
	expect_charged(&shadow, PAGES - 1);
	sp_shadow_finish(&shadow);
}

static void shadows_of_a_client_share_its_budget(void **state) {
	struct sp_shadow first = create_shadow(100 * page_size());
	struct sp_shadow second = create_shadow(100 * page_size());
	assert_int_equal(reserve(&first, 0, PAGES), 0);
	assert_int_equal(reserve(&second, 0, 1), -EDQUOT);
	assert_int_equal(get_memory(&second), 0);
	sp_shadow_finish(&first);
	assert_int_equal(reserve(&second, 0, PAGES), 0);
	expect_charged(&second, PAGES);
	sp_shadow_finish(&second);
}

static void memory_given_back_is_not_charged_any_more(void **state) {
	struct sp_shadow shadow = create_shadow(10 * page_size());
	assert_int_equal(reserve(&shadow, 0, 8), 0);
	release(&shadow, 2, 5);
	expect_charged(&shadow, 5);
	release(&shadow, 0, 10);
	expect_charged(&shadow, 0);
	sp_shadow_finish(&shadow);
}

static void memory_given_back_reads_as_zero(void **state) {
	struct sp_shadow shadow = create_shadow(2 * page_size());
	assert_int_equal(reserve(&shadow, 0, 2), 0);
	memset(shadow.mapping->data, 7, 2 * page_size());
	release(&shadow, 0, 1);
	uint8_t bytes[2];
	assert_int_equal(pread(shadow.fd, bytes, 2, (off_t)page_size() - 1),
		2);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(bytes[1], 7);
	sp_shadow_finish(&shadow);
}

static void partial_pages_are_given_back_as_well(void **state) {
	struct sp_shadow shadow = create_shadow(10 * page_size());
	assert_int_equal(reserve(&shadow, 0, 8), 0);
	sp_shadow_release(&shadow, 3 * page_size() - 1, 4 * page_size() + 1);
	expect_charged(&shadow, 5);
	sp_shadow_finish(&shadow);
}

static void giving_nothing_back_changes_nothing(void **state) {
	struct sp_shadow shadow = create_shadow(10 * page_size());
	assert_int_equal(reserve(&shadow, 0, 8), 0);
	release(&shadow, 3, 3);
	release(&shadow, 8, 10);
	expect_charged(&shadow, 8);
	sp_shadow_finish(&shadow);
}

static void shadow_that_goes_takes_its_charge_along(void **state) {
	struct sp_shadow shadow = create_shadow(10 * page_size());
	assert_int_equal(reserve(&shadow, 0, 8), 0);
	sp_shadow_finish(&shadow);
	assert_int_equal(get_bytes(), 0);
	assert_int_equal(get_fds(), 0);
	assert_int_equal(holder.all.used[SP_RESOURCE_FDS], 0);
}

/* Fds, and missing resources */

static void shadow_is_charged_one_fd(void **state) {
	struct sp_shadow shadow = create_shadow(1000);
	assert_int_equal(get_fds(), 1);
	assert_int_equal(holder.all.used[SP_RESOURCE_FDS], 1);
	sp_shadow_finish(&shadow);
}

static void shadow_over_the_budget_of_fds_is_refused(void **state) {
	struct sp_shadow shadows[FDS];
	for (int i = 0; i < FDS; i++) {
		shadows[i] = create_shadow(1000);
	}
	size_t fds = count_fds();
	struct sp_shadow refused;
	assert_int_equal(sp_shadow_init(&refused, &holder.account, 1000),
		-EDQUOT);
	assert_int_equal(holder.account.refused_resource, SP_RESOURCE_FDS);
	assert_int_equal(get_fds(), FDS);
	assert_int_equal(count_fds(), fds);
	for (int i = 0; i < FDS; i++) {
		sp_shadow_finish(&shadows[i]);
	}
}

static const char *expect_no_shadow(uint64_t size, int error) {
	struct sp_shadow shadow;
	int ret = sp_shadow_init(&shadow, &holder.account, size);
	if (ret != -error) {
		return child_wrong("returned %d, not %d", ret, -error);
	}
	if (get_fds() != 0 ||
			holder.all.used[SP_RESOURCE_FDS] != 0) {
		return child_wrong("%llu fds are charged",
			(unsigned long long)get_fds());
	}
	return shadow.fd == -1 ? NULL : "has an fd";
}

static const char *create_without_fds(void) {
	child_set_limit(RLIMIT_NOFILE, 0);
	return expect_no_shadow(1000, EMFILE);
}

static const char *create_with_short_files(void) {
	size_t fds = count_fds();
	/* A write beyond the limit would kill the process. */
	signal(SIGXFSZ, SIG_DFL);
	child_set_limit(RLIMIT_FSIZE, page_size() - 1);
	const char *wrong = expect_no_shadow(1000, EFBIG);
	return wrong == NULL && count_fds() != fds ?
		"left an fd open" : wrong;
}

static const char *create_without_addresses(void) {
	size_t fds = count_fds();
	child_limit_addresses(16 << 20);
	const char *wrong = expect_no_shadow(256 << 20, ENOMEM);
	return wrong == NULL && count_fds() != fds ?
		"left an fd open" : wrong;
}

static void shadow_that_finds_no_fd_is_not_charged(void **state) {
	child_run(create_without_fds);
}

static void shadow_that_cannot_be_so_large_is_not_charged(void **state) {
	child_run(create_with_short_files);
}

static void shadow_that_cannot_be_mapped_is_not_charged(void **state) {
	child_run(create_without_addresses);
}

static const char *grow_without_addresses(void) {
	struct sp_shadow shadow;
	if (sp_shadow_init(&shadow, &holder.account, page_size()) < 0 ||
			reserve(&shadow, 0, 1) < 0) {
		return "no shadow";
	}
	shadow.mapping->data[0] = 7;
	child_limit_addresses(16 << 20);
	int ret = sp_shadow_grow(&shadow, 256 << 20);
	if (ret != -ENOMEM) {
		return child_wrong("returned %d", ret);
	}
	if (shadow.mapping == NULL || shadow.mapping->data[0] != 7) {
		return "the old mapping no longer exists";
	}
	sp_shadow_finish(&shadow);
	return NULL;
}

static void shadow_that_cannot_grow_stays_as_it_was(void **state) {
	child_run(grow_without_addresses);
}

static const char *reserve_in_short_files(void) {
	struct sp_shadow shadow;
	if (sp_shadow_init(&shadow, &holder.account, 1000) < 0) {
		return "no shadow";
	}
	/* The last page ends beyond the limit. */
	child_set_limit(RLIMIT_FSIZE, 1000);
	int ret = sp_shadow_reserve(&shadow, 0, 1000);
	if (ret != -EFBIG) {
		return child_wrong("returned %d", ret);
	}
	uint64_t charged = get_bytes();
	sp_shadow_finish(&shadow);
	return charged == 0 ? NULL : child_wrong("%llu bytes are charged",
		(unsigned long long)charged);
}

static void memory_that_is_not_to_be_had_is_not_charged(void **state) {
	child_run(reserve_in_short_files);
}

#define TEST_SHADOW(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_SHADOW(shadow_cannot_be_cut),
		TEST_SHADOW(shadow_takes_no_more_seals),
		TEST_SHADOW(shadow_is_as_large_as_the_pool),
		TEST_SHADOW(shadow_has_no_memory_at_first),
		TEST_SHADOW(shadow_is_closed_on_exec),
		TEST_SHADOW(shadow_and_its_mapping_are_the_same_bytes),

		TEST_SHADOW(shadow_grows_and_keeps_its_bytes),
		TEST_SHADOW(old_mapping_stays_while_it_is_used),
		TEST_SHADOW(shadow_that_grew_once_has_room),
		TEST_SHADOW(shadow_does_not_become_smaller),

		TEST_SHADOW(memory_is_given_to_whole_pages_of_a_range),
		TEST_SHADOW(memory_of_the_last_page_leaves_the_size_as_it_is),
		TEST_SHADOW(memory_that_is_there_is_charged_once),
		TEST_SHADOW(memory_up_to_the_budget_is_given),
		TEST_SHADOW(memory_over_the_budget_is_refused),
		TEST_SHADOW(memory_that_is_lacking_is_charged_beforehand),
		TEST_SHADOW(shadows_of_a_client_share_its_budget),
		TEST_SHADOW(memory_given_back_is_not_charged_any_more),
		TEST_SHADOW(memory_given_back_reads_as_zero),
		TEST_SHADOW(partial_pages_are_given_back_as_well),
		TEST_SHADOW(giving_nothing_back_changes_nothing),
		TEST_SHADOW(shadow_that_goes_takes_its_charge_along),

		TEST_SHADOW(shadow_is_charged_one_fd),
		TEST_SHADOW(shadow_over_the_budget_of_fds_is_refused),
		TEST_SHADOW(shadow_that_finds_no_fd_is_not_charged),
		TEST_SHADOW(shadow_that_cannot_be_so_large_is_not_charged),
		TEST_SHADOW(shadow_that_cannot_be_mapped_is_not_charged),
		TEST_SHADOW(shadow_that_cannot_grow_stays_as_it_was),
		TEST_SHADOW(memory_that_is_not_to_be_had_is_not_charged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
