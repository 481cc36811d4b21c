/* SPDX-License-Identifier: MIT */
/* Strict overcommit, with the limit reached. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holes.h"

/* From now on, the kernel refuses to allocate memory. */
static void exhaust_commit_limit(void) {
	set_setting("/proc/sys/vm/overcommit_kbytes", "1");
	set_setting("/proc/sys/vm/overcommit_memory", "2");
}

static void restore_commit_limit(void) {
	set_setting("/proc/sys/vm/overcommit_memory", "0");
}

/* Creates a client that shows a buffer, drawn or not. */
static struct peer *create_peer_with_picture(void **state,
		enum client_memory_kind kind, bool drawn,
		struct sealpool_buffer **buffer) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = kind, .width = WIDTH,
		.height = HEIGHT);
	if (drawn) {
		tell(peer, draw, .frame = 1);
	}
	tell(peer, show, .buffer = 0);
	*buffer = server_get_shown(server, peer);
	return peer;
}

static void prepare_commit(pid_t child) {
	exhaust_commit_limit();
}

static struct end read_without_memory(struct sealpool_buffer *buffer) {
	return use_in_child(buffer, SEALPOOL_ACCESS_READ, prepare_commit,
		restore_commit_limit);
}

static struct end write_without_memory(struct sealpool_buffer *buffer) {
	return use_in_child(buffer,
		SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE, prepare_commit,
		restore_commit_limit);
}

/* Checks the condition itself: a process that maps a sealed file and reads a hole gets
 * SIGBUS. */
static void hole_of_a_sealed_file_is_a_fault_without_memory(void **state) {
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	const volatile uint8_t *data = mmap(NULL, BYTES, PROT_READ, MAP_SHARED,
		fd, 0);
	assert_true(data != MAP_FAILED);
	fflush(NULL);
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		die_of_signals();
		char byte;
		if (read(fds[0], &byte, 1) == 1) {
			_exit(data[0]);
		}
		_exit(100);
	}
	exhaust_commit_limit();
	assert_int_equal(write(fds[1], "", 1), 1);
	int status = 0;
	waitpid(pid, &status, 0);
	restore_commit_limit();
	close(fds[0]);
	close(fds[1]);
	close(fd);
	munmap((void *)data, BYTES);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
}

/* Returns the kind of sealed memory with holes. */
static enum sealpool_memory_kind sparse(void) {
	return coherent ? SEALPOOL_MEMORY_DIRECT : SEALPOOL_MEMORY_SHADOW;
}

/* There is no memory for a copy either, so the frame reads as zero. */
static void sealed_holes_never_read_are_zeroes(void **state) {
	struct sealpool_buffer *buffer;
	struct peer *peer = create_peer_with_picture(state,
		CLIENT_MEMORY_SEALED, false, &buffer);
	expect_kind(buffer, sparse());
	expect_end(read_without_memory(buffer), 0, SAW_ZEROES);
	tell(peer, expect_sparse, .memory = 0);
	peer_finish(peer);
}

static void sealed_holes_read_before_are_read_again(void **state) {
	struct sealpool_buffer *buffer;
	struct peer *peer = create_peer_with_picture(state,
		CLIENT_MEMORY_SEALED, false, &buffer);
	read_buffer(buffer);
	tell(peer, show, .buffer = 0);
	expect_kind(buffer, sparse());
	expect_end(read_without_memory(buffer), 0, SAW_ZEROES);
	tell(peer, expect_sparse, .memory = 0);
	peer_finish(peer);
}

static void drawn_memory_is_shown_without_memory(void **state) {
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	for (size_t i = 0; i < 2; i++) {
		struct sealpool_buffer *buffer;
		struct peer *peer = create_peer_with_picture(state,
			kinds[i], true, &buffer);
		read_buffer(buffer);
		tell(peer, show, .buffer = 0);
		expect_end(read_without_memory(buffer), 0, SAW_FRAME);
		peer_finish(peer);
	}
}

/* A signal would end this process. */
static void unsealed_holes_never_read_are_zeroes(void **state) {
	struct sealpool_buffer *buffer;
	struct peer *peer = create_peer_with_picture(state,
		CLIENT_MEMORY_UNSEALED, false, &buffer);
	expect_kind(buffer, coherent ? SEALPOOL_MEMORY_NOFAULT :
		SEALPOOL_MEMORY_SHADOW);
	expect_end(read_without_memory(buffer), 0, SAW_ZEROES);
	tell(peer, expect_sparse, .memory = 0);
	peer_finish(peer);
}

/*
 * The known limitation: a hole that is punched into memory that is read in place. With
 * MAP_NOFAULT, it is harmless.
 */
static void hole_punched_into_direct_memory_kills_only_without_nofault(
		void **state) {
	struct sealpool_buffer *buffer;
	struct peer *peer = create_peer_with_picture(state,
		CLIENT_MEMORY_SEALED, true, &buffer);
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	tell(peer, punch, .memory = 0);
	expect_end(read_without_memory(buffer), nofault ? 0 : SIGBUS,
		SAW_ZEROES);
	/* With memory, reading the hole is harmless. */
	read_buffer(buffer);
	peer_finish(peer);
}

/* The same for writing, since a mapping for writing must be shared. */
static void hole_punched_into_direct_memory_kills_who_writes(void **state) {
	struct sealpool_buffer *buffer;
	struct peer *peer = create_peer_with_picture(state,
		CLIENT_MEMORY_SEALED, true, &buffer);
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	tell(peer, punch, .memory = 0);
	expect_end(write_without_memory(buffer), SIGBUS, 0);
	peer_finish(peer);
}

static void hole_punched_into_unsealed_memory_kills_nowhere(void **state) {
	/* Before the commit, and after it. */
	for (int i = 0; i < 2; i++) {
		struct sealpool_buffer *buffer;
		struct peer *peer = create_peer_with_picture(state,
			CLIENT_MEMORY_UNSEALED, true, &buffer);
		read_buffer(buffer);
		expect_kind(buffer, nofault ? SEALPOOL_MEMORY_NOFAULT :
			SEALPOOL_MEMORY_SHADOW);
		tell(peer, punch, .memory = 0);
		if (i == 0) {
			tell(peer, show, .buffer = 0);
			/* A copy has to be made first. */
			read_buffer(buffer);
			tell(peer, show, .buffer = 0);
		}
		expect_end(read_without_memory(buffer), 0,
			i == 0 || nofault ? SAW_ZEROES : SAW_FRAME);
		peer_finish(peer);
	}
}

/* The zeroes of the hole must not be shown when the hole is filled later. */
static void hole_filled_after_it_read_as_zero_is_shown(void **state) {
	struct sealpool_buffer *buffer;
	struct peer *peer = create_peer_with_picture(state,
		CLIENT_MEMORY_UNSEALED, true, &buffer);
	expect_frame(buffer, 1);
	tell(peer, punch, .memory = 0);
	exhaust_commit_limit();
	struct sealpool_access access;
	int ret = sealpool_buffer_begin_access(buffer, SEALPOOL_ACCESS_READ,
		&access);
	const volatile uint8_t *bytes = access.data;
	uint8_t seen = ret == 0 ? bytes[1] : 0;
	if (ret == 0) {
		sealpool_buffer_end_access(&access);
	}
	restore_commit_limit();
	assert_int_equal(ret, 0);
	if (nofault) {
		assert_int_equal(seen, 0);
	}
	tell(peer, draw_and_show, .frame = 2);
	expect_frame(buffer, 2);
	peer_finish(peer);
}

static void hand_back_into_holes_raises_no_signal(void **state) {
	struct sealpool_buffer *buffer;
	struct peer *peer = create_peer_with_picture(state,
		CLIENT_MEMORY_UNSEALED, true, &buffer);
	/* The copy for writing exists before. */
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(buffer,
		SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE, &access), 0);
	sealpool_buffer_end_access(&access);
	tell(peer, punch, .memory = 0);
	struct end end = write_without_memory(buffer);
	assert_int_equal(end.signal, 0);
	tell(peer, expect_sparse, .memory = 0);
	peer_finish(peer);
}

int run_commit(void) {
	const struct CMUnitTest tests[] = {
		TEST(hole_of_a_sealed_file_is_a_fault_without_memory),
		TEST(sealed_holes_never_read_are_zeroes),
		TEST(sealed_holes_read_before_are_read_again),
		TEST(unsealed_holes_never_read_are_zeroes),
		TEST(drawn_memory_is_shown_without_memory),
		TEST(hole_punched_into_direct_memory_kills_only_without_nofault),
		TEST(hole_punched_into_direct_memory_kills_who_writes),
		TEST(hole_punched_into_unsealed_memory_kills_nowhere),
		TEST(hole_filled_after_it_read_as_zero_is_shown),
		TEST(hand_back_into_holes_raises_no_signal),
	};
	return cmocka_run_group_tests_name("commit", tests, NULL, NULL);
}
