/* SPDX-License-Identifier: MIT */
/* This process is in a control group with 32 MiB. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holes.h"

#define CGROUP_BYTES ((int64_t)32 << 20)
#define GREEDY_SIDE 4096

/* The client leaves the group, so that its memory is not scarce. */
static bool leave_cgroup(struct actor *actor, const struct args *args) {
	char pid[32];
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	return write_setting("/sys/fs/cgroup/cgroup.procs", pid) ||
		client_fail(&actor->client, "leaving the control group: %s",
			strerror(errno));
}

static struct peer *create_greedy_peer(struct server *server,
		enum client_memory_kind kind, bool drawn) {
	struct peer *peer = peer_create(server);
	tell(peer, leave_cgroup, .buffer = 0);
	/* Twice what the compositor may have. */
	tell(peer, make_picture, .kind = kind, .width = GREEDY_SIDE,
		.height = GREEDY_SIDE);
	if (drawn) {
		tell(peer, draw, .frame = 1);
	}
	tell(peer, show, .buffer = 0);
	return peer;
}

/* By default, no more is read in place than may be in copies. */
static int setup_with_much_in_place(void **state) {
	*state = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.short_file = server_ignore_short_file,
		.budget = {
			.shadow_bytes = 8 * CGROUP_BYTES,
			.all_shadow_bytes = 8 * CGROUP_BYTES,
		},
	});
	return *state != NULL ? 0 : -1;
}

static void what_a_cgroup_cannot_have_is_over_the_budget(void **state) {
	struct server *server = *state;
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = create_greedy_peer(server, kinds[i], false);
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
		expect_kind(buffer, SEALPOOL_MEMORY_SHADOW);
		expect_zeroes(buffer);
		refused(peer, "wl_display", -1,
			WL_DISPLAY_ERROR_IMPLEMENTATION, wait_handled,
			.buffer = 0);
		peer_finish(peer);
	}
}

static void memory_that_others_pay_for_is_read_in_place(void **state) {
	struct server *server = *state;
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	for (size_t i = 0; i < (nofault ? 2 : 1); i++) {
		struct peer *peer = create_greedy_peer(server, kinds[i], true);
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
		expect_kind(buffer, i == 0 ? SEALPOOL_MEMORY_DIRECT :
			SEALPOOL_MEMORY_NOFAULT);
		struct sealpool_access access;
		assert_int_equal(sealpool_buffer_begin_access(buffer,
			SEALPOOL_ACCESS_READ, &access), 0);
		const volatile uint8_t *bytes = access.data;
		size_t wrong = 0;
		for (size_t y = 0; y < GREEDY_SIDE; y++) {
			const volatile uint32_t *pixel =
				(const volatile uint32_t *)(bytes +
				y * access.stride);
			wrong += ((*pixel ^ client_pattern(0, (int32_t)y, 1)) &
				0xffffff) != 0;
		}
		sealpool_buffer_end_access(&access);
		assert_int_equal(wrong, 0);
		peer_finish(peer);
	}
}

/* Reads in a child, which may be killed. */
static int read_holes(struct sealpool_buffer *buffer) {
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		die_of_signals();
		/* The kernel should kill this process first. */
		write_setting("/proc/self/oom_score_adj", "1000");
		struct sealpool_access access;
		if (sealpool_buffer_begin_access(buffer, SEALPOOL_ACCESS_READ,
				&access) < 0) {
			_exit(GOT_NO_ACCESS);
		}
		const volatile uint8_t *bytes = access.data;
		unsigned sum = 0;
		for (size_t i = 0; i < (size_t)2 * CGROUP_BYTES; i += 4096) {
			sum += bytes[i];
		}
		_exit(sum == 0 ? SAW_ZEROES : SAW_SOMETHING);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/*
 * The known limitation: the reader's group is charged for a hole that is read in place,
 * and if it has no memory, the kernel kills a process in it, here the child. MAP_NOFAULT
 * does not change that, except for shared mappings, which show zeroes that are not
 * charged to anyone.
 */
static void hole_punched_into_memory_is_paid_for_by_the_reader(void **state) {
	struct server *server = *state;
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	for (size_t i = 0; i < (nofault ? 2 : 1); i++) {
		struct peer *peer = create_greedy_peer(server, kinds[i], true);
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
		expect_kind(buffer, i == 0 ? SEALPOOL_MEMORY_DIRECT :
			SEALPOOL_MEMORY_NOFAULT);
		tell(peer, punch, .memory = 0);
		int status = read_holes(buffer);
		if (coherent) {
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), SAW_ZEROES);
		} else {
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), SIGKILL);
		}
		peer_finish(peer);
	}
}

/* Without a seal, a commit notices the hole, and the buffer is not read in place. */
static void hole_punched_into_unsealed_memory_is_not_paid_for(void **state) {
	struct server *server = *state;
	struct peer *peer = create_greedy_peer(server, CLIENT_MEMORY_UNSEALED,
		true);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	tell(peer, punch, .memory = 0);
	tell(peer, show, .buffer = 0);
	expect_kind(buffer, SEALPOOL_MEMORY_SHADOW);
	expect_zeroes(buffer);
	refused(peer, "wl_display", -1, WL_DISPLAY_ERROR_IMPLEMENTATION,
		wait_handled, .buffer = 0);
	peer_finish(peer);
}

#define TEST_IN_PLACE(name) cmocka_unit_test_setup_teardown(name, \
	setup_with_much_in_place, holes_teardown)

int run_cgroup(void) {
	const struct CMUnitTest tests[] = {
		TEST(what_a_cgroup_cannot_have_is_over_the_budget),
		TEST_IN_PLACE(
			memory_that_others_pay_for_is_read_in_place),
		TEST_IN_PLACE(
			hole_punched_into_memory_is_paid_for_by_the_reader),
		TEST(hole_punched_into_unsealed_memory_is_not_paid_for),
	};
	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
