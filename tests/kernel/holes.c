/* SPDX-License-Identifier: MIT */
/*
 * kernel-holes nofault|shadow commit|hugetlb|cgroup: what becomes of a compositor
 * that reads holes of its clients' files when there is no memory to fill them.
 *
 * This changes the settings of the whole system: it is for a guest of its own.
 *
 *   commit   strict overcommit, and nothing left to commit
 *   hugetlb  files of huge pages, of which there are few, or none
 *   cgroup   the compositor is in a control group that may not have much
 *
 * The compositor is in this process, as in the integration tests, and what might
 * kill it is done in a child of it, which has the same mappings.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-client.h>

#include "peer.h"
#include "server.h"

#define WIDTH 512
#define HEIGHT 512
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

#define HUGE_PAGE (2 << 20)

static bool nofault;

static bool write_setting(const char *path, const char *value) {
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, value, strlen(value)) ==
		(ssize_t)strlen(value);
	if (fd >= 0) {
		close(fd);
	}
	return ok;
}

static void set(const char *path, const char *value) {
	if (!write_setting(path, value)) {
		fail_msg("cannot write %s to %s: %s", value, path,
			strerror(errno));
	}
}

/* From here on no process gets memory that it has not been given yet. */
static void exhaust_commit_limit(void) {
	set("/proc/sys/vm/overcommit_kbytes", "1");
	set("/proc/sys/vm/overcommit_memory", "2");
}

static void restore_commit_limit(void) {
	set("/proc/sys/vm/overcommit_memory", "0");
}

static int teardown(void **state) {
	write_setting("/proc/sys/vm/overcommit_memory", "0");
	return server_teardown(state);
}

/* In a child. cmocka would catch it, and go on with the next test. */
static void die_of_signals(void) {
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
}

/* What a child of the compositor came to. */
enum {
	SAW_ZEROES,
	SAW_FRAME,
	SAW_SOMETHING,
	GOT_NO_ACCESS,
};

struct end {
	int signal, status;
};

static void touch_all(struct sealpool_buffer *buffer, uint32_t flags) {
	struct sealpool_access access;
	if (sealpool_buffer_begin_access(buffer, flags, &access) < 0) {
		_exit(GOT_NO_ACCESS);
	}
	size_t zeroes = 0, drawn = 0;
	for (int32_t y = 0; y < HEIGHT; y++) {
		uint32_t *row = (uint32_t *)((uint8_t *)access.data +
			access.stride * (size_t)y);
		for (int32_t x = 0; x < WIDTH; x++) {
			zeroes += (row[x] & 0xffffff) == 0;
			drawn += ((row[x] ^ client_pattern(x, y, 1)) &
				0xffffff) == 0;
			if (flags & SEALPOOL_ACCESS_WRITE) {
				row[x] = client_pattern(x, y, 2);
			}
		}
	}
	sealpool_buffer_end_access(&access);
	_exit(zeroes == (size_t)WIDTH * HEIGHT ? SAW_ZEROES :
		drawn == (size_t)WIDTH * HEIGHT ? SAW_FRAME : SAW_SOMETHING);
}

/* Lets a child of the compositor use the buffer once "prepare" has been done:
 * a process that is yet to be forked would not be. */
static struct end use_in_child(struct sealpool_buffer *buffer, uint32_t flags,
		void (*prepare)(pid_t child), void (*restore)(void)) {
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		die_of_signals();
		char byte;
		if (read(fds[0], &byte, 1) != 1) {
			_exit(100);
		}
		touch_all(buffer, flags);
	}
	prepare(pid);
	assert_int_equal(write(fds[1], "", 1), 1);
	int status = 0;
	pid_t waited = waitpid(pid, &status, 0);
	restore();
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(waited, pid);
	return (struct end){
		.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	};
}

static void expect_end(struct end end, int signal, int status) {
	static const char *const names[] = {
		"saw zeroes", "saw the frame", "saw something else",
		"got no access",
	};
	if (end.signal != signal || (signal == 0 && end.status != status)) {
		fail_msg("the compositor %s (signal %d, status %d)",
			end.signal != 0 ? "died" : end.status >= 0 &&
			end.status <= GOT_NO_ACCESS ? names[end.status] : "?",
			end.signal, end.status);
	}
}

static bool punch(struct actor *actor, const struct args *args) {
	const struct client_memory *memory = &actor->memory[args->memory];
	return fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE |
		FALLOC_FL_KEEP_SIZE, 0, (off_t)memory->size) == 0 ||
		client_fail(&actor->client, "punching a hole: %s",
			strerror(errno));
}

static bool expect_sparse(struct actor *actor, const struct args *args) {
	struct stat st;
	if (fstat(actor->memory[args->memory].fd, &st) < 0) {
		return client_fail(&actor->client, "fstat: %s",
			strerror(errno));
	}
	return st.st_blocks == 0 || client_fail(&actor->client,
		"the file has %lld blocks", (long long)st.st_blocks);
}

static struct peer *create_peer_with_picture(struct server *server,
		enum client_memory_kind kind, bool drawn) {
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = kind, .width = WIDTH,
		.height = HEIGHT);
	if (drawn) {
		tell(peer, draw, .frame = 1);
	}
	tell(peer, show, .buffer = 0);
	return peer;
}

/* Strict overcommit */

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

/* The condition is what it is thought to be: this is a fault that a sealed file
 * raises in whoever maps it and reads. */
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

/* There is no memory for a copy either: the frame reads as zero, and that is
 * all. */
static void sealed_holes_never_read_are_zeroes(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer_with_picture(server,
		CLIENT_MEMORY_SEALED, false);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_kind(buffer, SEALPOOL_MEMORY_SHADOW);
	expect_end(read_without_memory(buffer), 0, SAW_ZEROES);
	tell(peer, expect_sparse, .memory = 0);
	peer_finish(peer);
}

static void sealed_holes_read_before_are_read_again(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer_with_picture(server,
		CLIENT_MEMORY_SEALED, false);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	read_buffer(buffer);
	tell(peer, show, .buffer = 0);
	expect_kind(buffer, SEALPOOL_MEMORY_SHADOW);
	expect_end(read_without_memory(buffer), 0, SAW_ZEROES);
	tell(peer, expect_sparse, .memory = 0);
	peer_finish(peer);
}

static void drawn_memory_is_shown_without_memory(void **state) {
	struct server *server = *state;
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = create_peer_with_picture(server, kinds[i],
			true);
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
		read_buffer(buffer);
		tell(peer, show, .buffer = 0);
		expect_end(read_without_memory(buffer), 0, SAW_FRAME);
		peer_finish(peer);
	}
}

/*
 * The known limit: a hole that is punched into memory which is read in place.
 * With MAP_NOFAULT it is none.
 */
static void hole_punched_into_direct_memory_kills_only_without_nofault(
		void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer_with_picture(server,
		CLIENT_MEMORY_SEALED, true);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	tell(peer, punch, .memory = 0);
	expect_end(read_without_memory(buffer), nofault ? 0 : SIGBUS,
		SAW_ZEROES);
	/* With memory, nobody dies of it. */
	read_buffer(buffer);
	peer_finish(peer);
}

/* And the other: a mapping to write through has to be shared. */
static void hole_punched_into_direct_memory_kills_who_writes(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer_with_picture(server,
		CLIENT_MEMORY_SEALED, true);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	tell(peer, punch, .memory = 0);
	expect_end(write_without_memory(buffer), SIGBUS, 0);
	peer_finish(peer);
}

static void hole_punched_into_unsealed_memory_kills_nowhere(void **state) {
	struct server *server = *state;
	/* Before the commit, and behind it. */
	for (int i = 0; i < 2; i++) {
		struct peer *peer = create_peer_with_picture(server,
			CLIENT_MEMORY_UNSEALED, true);
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
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

/* The zeroes that stood in for a hole are not taken for its bytes later. */
static void hole_filled_after_it_read_as_zero_is_shown(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer_with_picture(server,
		CLIENT_MEMORY_UNSEALED, true);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
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
	struct server *server = *state;
	struct peer *peer = create_peer_with_picture(server,
		CLIENT_MEMORY_UNSEALED, true);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	/* The copy for writing is there beforehand. */
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

/* Huge pages */

static bool make_huge_memory(struct actor *actor, const struct args *args) {
	struct client_memory *memory = &actor->memory[args->memory];
	*memory = (struct client_memory){
		.fd = memfd_create("sealpool-test", MFD_CLOEXEC |
			MFD_ALLOW_SEALING | MFD_HUGETLB),
		.size = (size_t)args->size,
	};
	if (memory->fd < 0 || ftruncate(memory->fd, args->size) < 0 ||
			fcntl(memory->fd, F_ADD_SEALS, args->seals) < 0) {
		return client_fail(&actor->client, "huge pages: %s",
			strerror(errno));
	}
	return true;
}

static bool map_huge_memory(struct actor *actor, const struct args *args) {
	struct client_memory *memory = &actor->memory[args->memory];
	memory->data = mmap(NULL, memory->size, PROT_READ | PROT_WRITE,
		MAP_SHARED, memory->fd, 0);
	if (memory->data == MAP_FAILED) {
		memory->data = NULL;
		return client_fail(&actor->client, "mapping huge pages: %s",
			strerror(errno));
	}
	return true;
}

static void set_huge_pages(const char *number) {
	set("/proc/sys/vm/nr_hugepages", number);
}

static long count_free_huge_pages(void) {
	FILE *file = fopen("/proc/meminfo", "re");
	assert_non_null(file);
	char line[256];
	long number = -1;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "HugePages_Free: %ld", &number) == 1) {
			break;
		}
	}
	fclose(file);
	assert_true(number >= 0);
	return number;
}

static struct peer *create_peer_with_huge_pages(struct server *server,
		unsigned seals, bool mapped) {
	struct peer *peer = peer_create(server);
	tell(peer, make_huge_memory, .size = HUGE_PAGE, .seals = seals);
	if (mapped) {
		tell(peer, map_huge_memory, .memory = 0);
	}
	tell(peer, create_pool, .size = HUGE_PAGE);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = WL_SHM_FORMAT_XRGB8888);
	return peer;
}

static const unsigned huge_seals[] = { 0, F_SEAL_SHRINK };

static void prepare_nothing(pid_t child) {
}

static void restore_nothing(void) {
}

static void huge_pages_that_there_are_none_of_read_as_zero(void **state) {
	struct server *server = *state;
	set_huge_pages("0");
	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = create_peer_with_huge_pages(server,
			huge_seals[i], false);
		tell(peer, show, .buffer = 0);
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
		expect_kind(buffer, SEALPOOL_MEMORY_SHADOW);
		expect_end(use_in_child(buffer, SEALPOOL_ACCESS_READ,
			prepare_nothing, restore_nothing), 0, SAW_ZEROES);
		/* What is written goes nowhere: that would need a page. */
		expect_end(use_in_child(buffer,
			SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE,
			prepare_nothing, restore_nothing), 0, SAW_ZEROES);
		expect_end(use_in_child(buffer, SEALPOOL_ACCESS_READ,
			prepare_nothing, restore_nothing), 0, SAW_ZEROES);
		peer_finish(peer);
	}
}

static void huge_pages_are_copied_and_none_is_taken(void **state) {
	struct server *server = *state;
	set_huge_pages("4");
	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = create_peer_with_huge_pages(server,
			huge_seals[i], true);
		tell(peer, draw_and_show, .frame = 1);
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
		expect_frame(buffer, 1);
		expect_kind(buffer, SEALPOOL_MEMORY_SHADOW);
		tell(peer, punch, .memory = 0);
		long before = count_free_huge_pages();
		tell(peer, show, .buffer = 0);
		expect_end(use_in_child(buffer, SEALPOOL_ACCESS_READ,
			prepare_nothing, restore_nothing), 0, SAW_ZEROES);
		assert_int_equal(count_free_huge_pages(), before);
		peer_finish(peer);
	}
	set_huge_pages("0");
}

static void huge_pages_that_are_used_up_are_not_written_to(void **state) {
	struct server *server = *state;
	set_huge_pages("2");
	struct peer *peer = create_peer_with_huge_pages(server, 0, true);
	tell(peer, draw_and_show, .frame = 1);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_frame(buffer, 1);
	tell(peer, punch, .memory = 0);
	/* The mapping may keep what it has reserved; others take the rest. */
	set_huge_pages("0");
	struct end end = use_in_child(buffer,
		SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE, prepare_nothing,
		restore_nothing);
	assert_int_equal(end.signal, 0);
	peer_finish(peer);
}

/* A control group with 32 MiB, which this process has been put into */

#define CGROUP_BYTES ((int64_t)32 << 20)
#define GREEDY_SIDE 4096

/* Clients are in another one: it is not their memory that is scarce. */
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

/*
 * The known limit: it is the reader's group that pays for a hole, and when that
 * cannot, a process of it is killed. The child is; MAP_NOFAULT changes nothing.
 */
static void hole_punched_into_direct_memory_is_paid_for_by_the_reader(
		void **state) {
	struct server *server = *state;
	struct peer *peer = create_greedy_peer(server, CLIENT_MEMORY_SEALED,
		true);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_kind(buffer, SEALPOOL_MEMORY_DIRECT);
	tell(peer, punch, .memory = 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		die_of_signals();
		/* It is to be the one who is killed. */
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
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	peer_finish(peer);
}

/* Without a seal, a commit finds the hole, and it is not read in place. */
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, \
	server_setup_lenient, teardown)

static int run_commit(void) {
	const struct CMUnitTest tests[] = {
		TEST(hole_of_a_sealed_file_is_a_fault_without_memory),
		TEST(sealed_holes_never_read_are_zeroes),
		TEST(sealed_holes_read_before_are_read_again),
		TEST(drawn_memory_is_shown_without_memory),
		TEST(hole_punched_into_direct_memory_kills_only_without_nofault),
		TEST(hole_punched_into_direct_memory_kills_who_writes),
		TEST(hole_punched_into_unsealed_memory_kills_nowhere),
		TEST(hole_filled_after_it_read_as_zero_is_shown),
		TEST(hand_back_into_holes_raises_no_signal),
	};
	return cmocka_run_group_tests_name("commit", tests, NULL, NULL);
}

static int run_hugetlb(void) {
	const struct CMUnitTest tests[] = {
		TEST(huge_pages_that_there_are_none_of_read_as_zero),
		TEST(huge_pages_are_copied_and_none_is_taken),
		TEST(huge_pages_that_are_used_up_are_not_written_to),
	};
	return cmocka_run_group_tests_name("hugetlb", tests, NULL, NULL);
}

static int run_cgroup(void) {
	const struct CMUnitTest tests[] = {
		TEST(what_a_cgroup_cannot_have_is_over_the_budget),
		TEST(memory_that_others_pay_for_is_read_in_place),
		TEST(hole_punched_into_direct_memory_is_paid_for_by_the_reader),
		TEST(hole_punched_into_unsealed_memory_is_not_paid_for),
	};
	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}

int main(int argc, char *argv[]) {
	static const struct {
		const char *name;
		int (*run)(void);
	} groups[] = {
		{ "commit", run_commit },
		{ "hugetlb", run_hugetlb },
		{ "cgroup", run_cgroup },
	};
	for (size_t i = 0; argc == 3 && i < 3; i++) {
		if (strcmp(argv[2], groups[i].name) == 0 &&
				(strcmp(argv[1], "nofault") == 0 ||
				strcmp(argv[1], "shadow") == 0)) {
			nofault = strcmp(argv[1], "nofault") == 0;
			return groups[i].run();
		}
	}
	fputs("usage: kernel-holes nofault|shadow commit|hugetlb|cgroup\n",
		stderr);
	return 2;
}
