/* SPDX-License-Identifier: MIT */
/*
 * Files whose memory takes long to free are never freed on the event loop, neither by the
 * guard nor by the guarded wl_shm.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <wayland-client.h>

#include "host.h"

/* No other file has this size. */
#define LARGE (((int64_t)33 << 20) + 4096)

static pthread_t main_thread;
static atomic_bool watching;
/* The number of closed fds of such files in this process. */
static atomic_size_t closed_here, closed_elsewhere, closed_while_mapped;

static bool is_mapped(const struct stat *st) {
	FILE *maps = fopen("/proc/self/maps", "re");
	if (maps == NULL) {
		return false;
	}
	char line[4096 + 256];
	unsigned major, minor;
	unsigned long long inode;
	bool mapped = false;
	while (fgets(line, sizeof(line), maps) != NULL) {
		mapped |= sscanf(line, "%*s %*s %*s %x:%x %llu", &major, &minor,
				&inode) == 3 && inode == st->st_ino &&
			makedev(major, minor) == st->st_dev;
	}
	fclose(maps);
	return mapped;
}

/* Replaces libc's in this program. */
int close(int fd) {
	struct stat st;
	if (watching && fstat(fd, &st) == 0 && st.st_size == LARGE) {
		closed_while_mapped += is_mapped(&st);
		bool here = pthread_equal(pthread_self(), main_thread);
		int ret = (int)syscall(SYS_close, fd);
		*(here ? &closed_here : &closed_elsewhere) += 1;
		return ret;
	}
	return (int)syscall(SYS_close, fd);
}

static int setup(void **state) {
	main_thread = pthread_self();
	closed_here = closed_elsewhere = closed_while_mapped = 0;
	return host_setup(state);
}

/* Waits until a thread has closed the last one. */
static void expect_closed_elsewhere(void) {
	while (closed_elsewhere == 0) {
		if (closed_here > 0) {
			fail_msg("a large file is closed on the event loop");
		}
		usleep(1000);
	}
	watching = false;
	assert_int_equal(closed_here, 0);
	assert_int_equal(closed_elsewhere, 1);
	assert_int_equal(closed_while_mapped, 0);
}

/* An order: closes the client's fd, so that only the compositor has the file. */
static bool forget_memory(struct actor *actor, const struct args *args) {
	client_memory_destroy(&actor->memory[args->memory]);
	return true;
}

static void end_pool(struct host *host, enum client_memory_kind kind,
		int64_t size) {
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_memory, .kind = kind, .size = LARGE);
	tell(peer, fill_memory, .frame = 1);
	tell(peer, create_pool, .size = size);
	tell(peer, forget_memory);
	watching = true;
	tell(peer, destroy_pool);
	expect_closed_elsewhere();
	peer_finish(peer);
}

static void a_large_file_that_passes_is_freed_by_a_thread(void **state) {
	end_pool(*state, CLIENT_MEMORY_SEALED, LARGE);
}

static void so_is_one_that_does_not(void **state) {
	end_pool(*state, CLIENT_MEMORY_UNSEALED, 4096);
	closed_elsewhere = 0;
	/* It has much more memory than its pool shows. */
	end_pool(*state, CLIENT_MEMORY_SEALED, 4096);
}

static struct peer *show_large(struct host *host) {
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = LARGE);
	tell(peer, fill_memory, .frame = 1);
	tell(peer, create_pool, .size = LARGE);
	tell(peer, create_buffer, .width = 32, .height = 32, .stride = 128,
		.format = 1);
	tell(peer, show);
	return peer;
}

static void and_one_whose_client_goes(void **state) {
	struct peer *peer = show_large(*state);
	watching = true;
	peer_kill(peer);
	expect_closed_elsewhere();
}

/* The compositor keeps libwayland's mapping longer than all objects of the client. */
static void one_that_passes_is_kept_until_it_is_unmapped(void **state) {
	struct host *host = *state;
	host->keeps = true;
	struct peer *peer = show_large(host);
	tell(peer, forget_memory);
	watching = true;
	tell(peer, destroy_buffer);
	tell(peer, destroy_pool);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(closed_here + closed_elsewhere, 0);
		usleep(1000);
	}
	peer_kill(peer);
	expect_closed_elsewhere();
}

static void refuse(struct host *host, enum client_memory_kind kind,
		int64_t size) {
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_memory, .kind = kind, .size = LARGE);
	tell(peer, fill_memory, .frame = 1);
	watching = true;
	refused(peer, "wl_shm", 0, WL_SHM_ERROR_INVALID_STRIDE, create_pool,
		.size = size);
	expect_closed_elsewhere();
	peer_finish(peer);
}

static void a_pool_of_no_size_is_closed_by_a_thread(void **state) {
	refuse(*state, CLIENT_MEMORY_SEALED, 0);
}

static void so_is_one_of_less(void **state) {
	refuse(*state, CLIENT_MEMORY_UNSEALED, -1);
}

/* Its blocks may be many. Skipped if the folder is not on a disk. */
static void and_one_on_a_disk(void **state) {
	refuse(*state, CLIENT_MEMORY_FILE, -1);
}

int main(void) {
#define large_test(function) \
	cmocka_unit_test_setup_teardown(function, setup, host_teardown)
	static const struct CMUnitTest tests[] = {
		large_test(a_large_file_that_passes_is_freed_by_a_thread),
		large_test(so_is_one_that_does_not),
		large_test(and_one_whose_client_goes),
		large_test(one_that_passes_is_kept_until_it_is_unmapped),
		large_test(a_pool_of_no_size_is_closed_by_a_thread),
		large_test(so_is_one_of_less),
		large_test(and_one_on_a_disk),
	};
	return cmocka_run_group_tests_name("large", tests, NULL, NULL);
}
