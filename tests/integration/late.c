/* SPDX-License-Identifier: MIT */
/*
 * Files on FUSE whose server responds late or never.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "peer.h"
#include "server.h"
#include "silent-files.h"

#define WIDTH 128
#define HEIGHT 128
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

/* A file whose server never responds */

static bool create_pool_of_silent_file(struct actor *actor,
		const struct args *args) {
	/* The fd stays open: close() would not return. */
	int fd = open(args->path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		return client_fail(&actor->client, "%s: %s", args->path,
			strerror(errno));
	}
	return send_create_pool(actor, args, &fd);
}

static void tell_pool(struct peer *peer, const struct silent_files *files,
		int64_t size) {
	struct args args = { .size = size };
	snprintf(args.path, sizeof(args.path), "%s", files->file);
	peer_tell(peer, create_pool_of_silent_file,
		"create_pool_of_silent_file", &args);
}

static void tell_buffer(struct peer *peer, int buffer, int32_t offset) {
	tell(peer, create_buffer, .buffer = buffer, .offset = offset,
		.width = WIDTH, .height = HEIGHT, .stride = STRIDE);
}

/* Returns the longest duration of many requests, in milliseconds. */
static int64_t time_bystander(struct peer *bystander) {
	int64_t longest = 0;
	for (int i = 0; i < 20; i++) {
		int64_t start = server_now_ms();
		tell(bystander, create_buffer, .buffer = 0, .width = WIDTH,
			.height = HEIGHT, .stride = STRIDE);
		tell(bystander, destroy_buffer, .buffer = 0);
		int64_t took = server_now_ms() - start;
		longest = took > longest ? took : longest;
	}
	return longest;
}

/* A reader thread waits for the file, until the client is disconnected. */
static void file_whose_server_is_silent_ends_its_client(void **state) {
	struct server *server = *state;
	struct silent_files files;
	if (!silent_files_mount(&files)) {
		print_message("skipped: %s\n", files.error);
		skip();
	}
	struct peer *bystander = peer_create_with_pool(server,
		CLIENT_MEMORY_SEALED, BYTES);
	struct peer *peer = peer_create(server);
	tell_pool(peer, &files, BYTES);
	tell_buffer(peer, 0, 0);
	expect_zeroes(server->newest);
	print_message("the bystander's longest roundtrip: %d ms\n",
		(int)time_bystander(bystander));
	/* Only its own client gets an error. */
	const char *message = peer_expect_error(peer, wait_for_the_end,
		"wait_for_the_end", &(struct args){ 0 }, "wl_display", -1,
		WL_DISPLAY_ERROR_IMPLEMENTATION);
	assert_non_null(strstr(message, "not answered"));
	tell(bystander, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE);
	bool silent = silent_files_unmount(&files);
	assert_true(silent);
	peer_finish(peer);
	peer_finish(bystander);
}

/* The duration of each read, many times what the event loop may wait. */
#define LATE_MS 300

static void mount_late(struct silent_files *files, unsigned ms) {
	if (!silent_files_mount_late(files, ms)) {
		print_message("skipped: %s\n", files->error);
		skip();
	}
}

static void show_late_file(struct peer *peer, struct silent_files *files) {
	mount_late(files, LATE_MS);
	tell_pool(peer, files, BYTES);
	tell_buffer(peer, 0, 0);
	tell(peer, show, .buffer = 0);
}

static void expect_late_bytes(struct sealpool_buffer *buffer) {
	struct sealpool_access access;
	begin_read(buffer, &access);
	const uint8_t *bytes = access.data;
	for (int i = 0; i < BYTES; i++) {
		assert_int_equal(bytes[i], SILENT_FILES_LATE_BYTE);
	}
	sealpool_buffer_end_access(&access);
}

struct held {
	unsigned holds, releases;
};

static uint32_t hold_commit(struct wl_resource *surface, void *data) {
	struct held *held = data;
	return ++held->holds;
}

static void release_commit(struct wl_resource *surface, uint32_t number,
		void *data) {
	struct held *held = data;
	held->releases++;
}

static void wait_released(struct server *server, const struct held *held) {
	while (held->releases < held->holds) {
		server_dispatch(server, -1, server_now_ms() + 1000);
	}
}

static void hold_commits(struct server *server, struct held *held) {
	*held = (struct held){ 0 };
	sealpool_shm_set_commit_funcs(server->shm, hold_commit, release_commit,
		held);
}

static void commit_of_a_late_file_is_held_back(void **state) {
	struct server *server = *state;
	struct peer *bystander = peer_create_with_pool(server,
		CLIENT_MEMORY_SEALED, BYTES);
	struct peer *peer = peer_create(server);
	struct silent_files files;
	struct held held;
	hold_commits(server, &held);
	show_late_file(peer, &files);
	assert_int_equal(held.holds, 1);
	print_message("the bystander's longest roundtrip: %d ms\n",
		(int)time_bystander(bystander));
	wait_released(server, &held);
	/* All bytes have arrived, so none are requested. */
	expect_late_bytes(server_get_shown(server, peer));
	assert_int_equal(held.holds, 1);
	peer_finish(peer);
	peer_finish(bystander);
	assert_true(silent_files_unmount(&files));
}

static void surface_may_go_while_its_commit_is_held_back(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	struct silent_files files;
	struct held held;
	hold_commits(server, &held);
	show_late_file(peer, &files);
	tell(peer, destroy_surface, .surface = 0);
	tell(peer, destroy_buffer, .buffer = 0);
	peer_finish(peer);
	assert_int_equal(held.holds, 1);
	assert_true(silent_files_unmount(&files));
}

/* In a compositor that does not delay commits. */
static void late_file_is_shown_when_it_answers(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	struct silent_files files;
	show_late_file(peer, &files);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	uint8_t first = 0;
	while (first == 0) {
		server_dispatch(server, -1, server_now_ms() + 10);
		struct sealpool_access access;
		begin_read(buffer, &access);
		first = *(const uint8_t *)access.data;
		sealpool_buffer_end_access(&access);
	}
	expect_late_bytes(buffer);
	peer_finish(peer);
	assert_true(silent_files_unmount(&files));
}

static void *read_often(void *data) {
	for (int i = 0; i < 30; i++) {
		read_buffer(data);
		usleep(2000);
	}
	return NULL;
}

static void threads_may_wait_for_the_same_answer(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	struct silent_files files;
	mount_late(&files, 20);
	tell_pool(peer, &files, BYTES);
	tell_buffer(peer, 0, 0);
	struct sealpool_buffer *buffer = sealpool_buffer_ref(server->newest);
	pthread_t threads[2];
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, read_often,
			buffer), 0);
	}
	for (int i = 0; i < 2; i++) {
		server_dispatch(server, -1, server_now_ms() + 100);
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	sealpool_buffer_unref(buffer);
	peer_finish(peer);
	assert_true(silent_files_unmount(&files));
}

/* Memory for one copy, for one answer, and for half of another copy. */
static int setup_little(void **state) {
	*state = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget.shadow_bytes = 5 * BYTES / 2,
	});
	return *state != NULL ? 0 : -1;
}

static void commit_that_finds_no_room_is_not_held_for_ever(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	struct silent_files files;
	struct held held;
	hold_commits(server, &held);
	mount_late(&files, LATE_MS);
	tell_pool(peer, &files, 2 * BYTES);
	tell_buffer(peer, 0, 0);
	/* A smaller one, so that it and its answer fit in the place of the first copy. */
	tell(peer, create_buffer, .buffer = 1, .offset = BYTES, .width = WIDTH,
		.height = HEIGHT * 3 / 4, .stride = STRIDE);
	tell(peer, show, .buffer = 0, .surface = 0);
	tell(peer, show, .buffer = 1, .surface = 1);
	wait_released(server, &held);
	peer_finish(peer);
	assert_true(silent_files_unmount(&files));
}

/* Whether this succeeds depends on the kernel's page cache. */
static void try_to_write(struct sealpool_buffer *buffer) {
	struct sealpool_access access;
	if (sealpool_buffer_begin_access(buffer, SEALPOOL_ACCESS_WRITE,
			&access) == 0) {
		sealpool_buffer_end_access(&access);
	}
}

/* A charge may reclaim other copies, but not while this one is in use. */
static void answer_has_room_beside_what_is_not_used(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	struct silent_files files;
	mount_late(&files, 1);
	tell_pool(peer, &files, BYTES);
	tell_buffer(peer, 0, 0);
	struct sealpool_buffer *buffer = server->newest;
	try_to_write(buffer);
	/* The copy for writing stays, unused. */
	while (server_get_stats(server, peer).shadow_bytes > BYTES) {
		server_dispatch(server, -1, server_now_ms() + 10);
	}
	read_buffer(buffer);
	peer_finish(peer);
	assert_true(silent_files_unmount(&files));
}

/* A client that captures repeatedly may create a buffer for each capture. */
static void file_that_is_always_late_is_logged_once(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	struct silent_files files;
	mount_late(&files, LATE_MS);
	tell_pool(peer, &files, BYTES);
	unsigned before = server->messages;
	for (uint32_t i = 0; i < 4; i++) {
		tell_buffer(peer, i, 0);
		try_to_write(server->newest);
		try_to_write(server->newest);
	}
	unsigned logged = server->messages - before;
	bool of_time = strstr(server->message, strerror(ETIMEDOUT)) != NULL;
	peer_finish(peer);
	assert_true(silent_files_unmount(&files));
	assert_true(of_time);
	assert_int_equal(logged, 1);
}

static void what_a_write_has_asked_for_holds_nothing_up(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	struct silent_files files;
	struct held held;
	hold_commits(server, &held);
	show_late_file(peer, &files);
	wait_released(server, &held);
	try_to_write(server_get_shown(server, peer));
	tell(peer, commit, .surface = 0);
	wait_released(server, &held);
	server_dispatch(server, -1, server_now_ms() + LATE_MS);
	peer_finish(peer);
	assert_true(silent_files_unmount(&files));
}

static bool commit_until_told(struct actor *actor, const struct args *args) {
	for (uint32_t i = 0; i < args->count; i++) {
		wl_surface_commit(actor->surfaces[args->surface]);
		if (!client_roundtrip(&actor->client)) {
			return false;
		}
		usleep(LATE_MS * 1000 / 10);
	}
	return true;
}

/* Ten commits in the time of one answer. */
static void client_that_goes_on_to_commit_is_shown(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	struct silent_files files;
	struct held held;
	hold_commits(server, &held);
	show_late_file(peer, &files);
	int64_t start = server_now_ms();
	tell(peer, commit_until_told, .count = 40);
	assert_true(held.releases > 0);
	/* The commits are held back one after another. */
	assert_true(held.holds <= (server_now_ms() - start) / LATE_MS + 1);
	wait_released(server, &held);
	peer_finish(peer);
	assert_true(silent_files_unmount(&files));
}

static void many_commits_are_held_back_as_one(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	struct silent_files files;
	struct held held;
	hold_commits(server, &held);
	show_late_file(peer, &files);
	for (int i = 0; i < 50; i++) {
		tell(peer, commit, .surface = 0);
	}
	assert_true(held.holds < 50);
	wait_released(server, &held);
	peer_finish(peer);
	assert_true(silent_files_unmount(&files));
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)
#define TEST_LITTLE(name) \
	cmocka_unit_test_setup_teardown(name, setup_little, server_teardown)
	const struct CMUnitTest tests[] = {
		TEST(file_whose_server_is_silent_ends_its_client),
		TEST(commit_of_a_late_file_is_held_back),
		TEST(surface_may_go_while_its_commit_is_held_back),
		TEST(late_file_is_shown_when_it_answers),
		TEST(threads_may_wait_for_the_same_answer),
		TEST_LITTLE(commit_that_finds_no_room_is_not_held_for_ever),
		TEST_LITTLE(answer_has_room_beside_what_is_not_used),
		TEST(file_that_is_always_late_is_logged_once),
		TEST(what_a_write_has_asked_for_holds_nothing_up),
		TEST(client_that_goes_on_to_commit_is_shown),
		TEST(many_commits_are_held_back_as_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
