/* SPDX-License-Identifier: MIT */
/*
 * <sealpool/memory.h>: limits, and which hook is called when a client exceeds one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

static void handle_pressure(void *data) {
	the.pressures++;
	the.data = data;
}

/* Limits */

static void client_has_no_more_files_than_its_limit(void **state) {
	const struct sealpool_account_limits limits = {
		.size = sizeof(limits), .fds = 1,
	};
	create_memory(NULL, &limits);
	open_view(create_file(BYTES, 7, 0));
	expect_refused(fcntl(the.fd, F_DUPFD_CLOEXEC, 0), BYTES, EDQUOT);
	/* Another client is not affected. */
	struct sealpool_account *other =
		sealpool_account_create(the.memory, NULL, NULL);
	struct sealpool_file *file = sealpool_file_open(other,
		fcntl(the.fd, F_DUPFD_CLOEXEC, 0), BYTES, NULL, NULL);
	assert_non_null(file);
	sealpool_file_close(file);
	sealpool_account_destroy(other);
}

#define ALL_FDS 12

/* Opens files for two clients until the limit of all clients refuses one. */
static void fill_all_fds(struct sealpool_account *accounts[2],
		struct sealpool_file *files[ALL_FDS * 2]) {
	size_t i = 0;
	close(create_file(BYTES, 7, 0));
	for (;; i++) {
		assert_true(i < ALL_FDS * 2);
		files[i] = sealpool_file_open(accounts[i % 3 == 0],
			fcntl(the.fd, F_DUPFD_CLOEXEC, 0), BYTES, NULL, NULL);
		if (files[i] == NULL) {
			break;
		}
	}
	assert_int_equal(errno, EMFILE);
	assert_true(i >= ALL_FDS);
}

static void test_pressure(bool has_hook) {
	struct sealpool_memory_options options = make_options();
	options.all_fds = ALL_FDS;
	options.pressure = has_hook ? handle_pressure : NULL;
	create_memory(&options, NULL);
	static struct sealpool_account *accounts[2];
	static struct sealpool_file *files[ALL_FDS * 2];
	accounts[0] = sealpool_account_create(the.memory, NULL, accounts);
	accounts[1] = the.account;
	fill_all_fds(accounts, files);
	dispatch_until(has_hook ? &the.pressures : &the.exceeded_len);
	assert_int_equal(the.pressures, has_hook);
	assert_int_equal(the.exceeded_len, !has_hook);
	/* Two of the three files are the other client's. */
	assert_ptr_equal(the.data, has_hook ? (void *)&the : (void *)accounts);
	for (size_t i = 0; files[i] != NULL; i++) {
		sealpool_file_close(files[i]);
	}
	assert_int_equal(sealpool_account_get_fds(the.account), 0);
	sealpool_account_destroy(accounts[0]);
}

static void too_many_files_of_all_are_told(void **state) {
	test_pressure(true);
}

static void client_with_most_files_is_told_of_by_default(void **state) {
	test_pressure(false);
}

static void copy_over_the_limit_reads_as_zero_and_is_told(void **state) {
	const struct sealpool_memory_options options = make_options();
	const struct sealpool_account_limits limits = {
		.size = sizeof(limits), .shadow_bytes = 1,
	};
	create_memory(&options, &limits);
	open_view(create_file(BYTES, 7, 0));
	if (sealpool_view_get_kind(the.view) != SEALPOOL_MEMORY_SHADOW) {
		skip();
	}
	assert_int_equal(read_at(0, 0), 0);
	assert_int_equal(read_at(0, 0), 0);
	dispatch_until(&the.exceeded_len);
	dispatch_now();
	assert_int_equal(the.exceeded_len, 1);
	assert_ptr_equal(the.data, &the.account);
	assert_non_null(the.reason);
	assert_int_equal(the.short_files, 0);
}

/* Calls after the account is destroyed */

static void create_view_again(void) {
	sealpool_view_create(the.file, &layout, NULL);
}

static void damage_view_again(void) {
	sealpool_view_damage(the.view, &all, 1);
}

static void expect_abort(void (*func)(void)) {
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* Hides the assertion's message. */
		close(STDERR_FILENO);
		func();
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void gone_account_gets_no_view(void **state) {
	create_memory(NULL, NULL);
	open_view(create_file(BYTES, 7, 0));
	sealpool_account_destroy(the.account);
	the.account = NULL;
	expect_abort(create_view_again);
	expect_abort(damage_view_again);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_PUBLIC(client_has_no_more_files_than_its_limit),
		TEST_PUBLIC(too_many_files_of_all_are_told),
		TEST_PUBLIC(client_with_most_files_is_told_of_by_default),
		TEST_PUBLIC(copy_over_the_limit_reads_as_zero_and_is_told),
		TEST_PUBLIC(gone_account_gets_no_view),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
