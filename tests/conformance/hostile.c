/* SPDX-License-Identifier: MIT */
/*
 * What a client can do with memory so that whoever reads it comes to harm.
 *
 * The attacker may be sent an error, be disconnected, or be let live: it is the
 * compositor and the bystander that matter. So all before an attack must be
 * right, and nothing after it need be. An attack goes on for a while, in a window
 * that was on the output before and on a surface without a role, since
 * compositors read at different times: when a commit comes, or when they paint.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-client.h>

#include "case.h"
#include "directory.h"
#include "globals.h"
#include "silent-files.h"
#include "viewporter-client-protocol.h"
#include "xdg-shell-client-protocol.h"

/* A buffer of many pages. */
#define SIDE 256
#define STRIDE (SIDE * 4)
#define BYTES (STRIDE * SIDE)

/* And one of a page, at the beginning of a pool that is resized to BYTES. */
#define PAGE_SIDE 32
#define PAGE_BYTES (PAGE_SIDE * PAGE_SIDE * 4)
#define REST_ROWS (SIDE - PAGE_BYTES / STRIDE)

/* How long an attack goes on. */
#define ATTACK_MS 400
#define RACE_MS 3000
/* How long is waited for a frame, of those who may get none. */
#define FRAME_MS 60

struct attacker {
	struct test *test;
	struct client *client;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	/* Without a surface where there is no xdg_wm_base, and for those who
	 * have come back. */
	struct client_window window;
	/* Has no role. */
	struct client_surface bare;
};

/* Whose parts must not move. */
static struct attacker attacker;
/* This is not the first connection. */
static bool is_back;

/* Setting up */

static void create_bare_surface(struct test *test,
		struct client_surface *surface) {
	*surface = (struct client_surface){
		.client = &test->client,
		.surface = wl_compositor_create_surface(
			test->client.compositor),
	};
	if (surface->surface == NULL) {
		test_fail(test, "no memory");
	}
}

static struct attacker *begin(struct test *test) {
	attacker = (struct attacker){
		.test = test,
		.client = &test->client,
		.memory.fd = -1,
	};
	if (test->client.wm_base != NULL && !is_back) {
		must(test, client_window_create(&test->client,
			&attacker.window, "hostile"));
	}
	create_bare_surface(test, &attacker.bare);
	return &attacker;
}

/* All of it written to: memory that was never touched is another thing. */
static void create_memory(struct attacker *a, enum client_memory_kind kind,
		size_t size) {
	must(a->test, client_memory_create(a->client, &a->memory, kind, size));
	memset(a->memory.data, 0x5a, size);
}

static void cut_memory(struct attacker *a, size_t size) {
	must(a->test, client_memory_cut(a->client, &a->memory, size));
}

static void create_pool(struct attacker *a, int32_t size) {
	must(a->test, client_pool_create(a->client, &a->pool, &a->memory,
		size));
}

static void create_buffer(struct attacker *a) {
	must(a->test, client_buffer_create(&a->pool, &a->buffer, 0, SIDE, SIDE,
		STRIDE));
}

/* Takes the place of create_pool() for an fd that libwayland-client should not
 * touch: it would duplicate it, and close that. */
static void create_pool_of_fd(struct attacker *a, int fd, int32_t size) {
	struct client *client = a->client;
	a->pool = (struct client_pool){
		.client = client,
		.memory = &a->memory,
		/* Takes an id without telling anyone. */
		.pool = (struct wl_shm_pool *)wl_proxy_create(
			(struct wl_proxy *)client->shm,
			&wl_shm_pool_interface),
	};
	if (a->pool.pool == NULL || wl_display_flush(client->display) < 0) {
		test_fail_client(a->test, client);
	}
	uint32_t words[4] = {
		wl_proxy_get_id((struct wl_proxy *)client->shm),
		sizeof(words) << 16 | WL_SHM_CREATE_POOL,
		wl_proxy_get_id((struct wl_proxy *)a->pool.pool),
		(uint32_t)size,
	};
	struct iovec iov = { .iov_base = words, .iov_len = sizeof(words) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	if (sendmsg(wl_display_get_fd(client->display), &msg, MSG_NOSIGNAL) !=
			(ssize_t)sizeof(words)) {
		test_fail(a->test, "sendmsg: %s", strerror(errno));
	}
}

/* Committing */

static bool is_alive(const struct attacker *a) {
	return wl_display_get_error(a->client->display) == 0;
}

static void damage_all(struct client_surface *surface) {
	client_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
}

/* NULL: what is attached remains. */
static void commit(struct client_surface *surface,
		struct client_buffer *buffer) {
	if (buffer != NULL) {
		client_surface_attach(surface, buffer);
	}
	damage_all(surface);
	client_surface_commit(surface);
}

/* The same, and waits for the next frame, though not for long. */
static bool present(struct attacker *a, struct client_surface *surface,
		struct client_buffer *buffer) {
	int patience = a->client->patience;
	if (buffer != NULL) {
		client_surface_attach(surface, buffer);
	}
	damage_all(surface);
	a->client->patience = FRAME_MS;
	client_surface_present(surface);
	a->client->patience = patience;
	return is_alive(a);
}

static bool commit_once(struct attacker *a, struct client_buffer *buffer) {
	commit(&a->bare, buffer);
	if (a->window.surface.surface != NULL) {
		return present(a, &a->window.surface, buffer);
	}
	return client_roundtrip(a->client);
}

/* Until the time is over or the client is. */
static bool keep_committing(struct attacker *a, struct client_buffer *buffer,
		int ms) {
	int64_t deadline = test_now_ms() + ms;
	while (commit_once(a, buffer) && test_now_ms() < deadline) {
		poll(NULL, 0, 1);
	}
	return is_alive(a) && client_roundtrip(a->client);
}

/* A picture that is in order, and that must have been read before it is not. */
static void show_good(struct attacker *a, struct client_buffer *buffer) {
	for (int i = 0; i < 4; i++) {
		commit_once(a, buffer);
	}
	must(a->test, client_roundtrip(a->client));
}

/* From a file of BYTES. */
static void begin_with_good(struct test *test, enum client_memory_kind kind) {
	struct attacker *a = begin(test);
	create_memory(a, kind, BYTES);
	create_pool(a, BYTES);
	create_buffer(a);
	show_good(a, &a->buffer);
}

/* Others */

/* A process that does something to the file until it is killed, or "ms" are
 * over; with the case, or when that has ended. */
static pid_t start_child(struct test *test, int fd, bool with_case, int ms,
		void (*disturb)(int fd)) {
	pid_t parent = getpid();
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		test_fail(test, "fork: %s", strerror(errno));
	}
	if (pid > 0) {
		return pid;
	}
	if (with_case) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	/* The connection's end must be the case's to choose. */
	fd = dup2(fd, STDIN_FILENO);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	while (!with_case && getppid() == parent) {
		poll(NULL, 0, 1);
	}
	int64_t deadline = test_now_ms() + ms;
	while (test_now_ms() < deadline) {
		disturb(fd);
	}
	_exit(0);
}

static void end_child(pid_t pid) {
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* After the connection's end. Windows that come when others have gone are too
 * much for Weston's kiosk shell (it ends with SIGSEGV), and no matter of wl_shm:
 * so there is none any more. */
static void come_back(struct attacker *a) {
	is_back = true;
	client_disconnect(a->client);
	test_connect(a->test, a->client);
}

/* A new connection must still be answered. */
static void probe(struct test *test) {
	struct client client;
	test_connect(test, &client);
	if (!client_roundtrip(&client)) {
		test_fail_client(test, &client);
	}
	client_disconnect(&client);
}

/* A compositor that can may yet refuse this client. */
static void need_capture(struct test *test) {
	struct client_image output;
	test_needs_capture(test);
	if (!client_capture_output(&test->client, CLIENT_MEMORY_SEALED,
			&output)) {
		test_skip(test, "the output cannot be captured: %.400s",
			test->client.error);
	}
	client_image_destroy(&output);
}

/* Short files */

static void short_file(struct test *test) {
	struct attacker *a = begin(test);
	create_memory(a, (enum client_memory_kind)test->argument, BYTES / 2);
	create_pool(a, BYTES);
	create_buffer(a);
	keep_committing(a, &a->buffer, ATTACK_MS);
}

static void empty_file(struct test *test) {
	struct attacker *a = begin(test);
	create_memory(a, (enum client_memory_kind)test->argument, BYTES);
	cut_memory(a, 0);
	create_pool(a, BYTES);
	create_buffer(a);
	keep_committing(a, &a->buffer, ATTACK_MS);
}

/* Truncation */

static void cut_after_commit(struct test *test) {
	begin_with_good(test, (enum client_memory_kind)test->argument);
	cut_memory(&attacker, 0);
	/* What is there is painted again, and then comes as something new. */
	keep_committing(&attacker, NULL, ATTACK_MS / 2);
	keep_committing(&attacker, &attacker.buffer, ATTACK_MS);
}

static void cut_before_commit(struct test *test) {
	struct attacker *a = &attacker;
	begin_with_good(test, (enum client_memory_kind)test->argument);
	for (int i = 0; i < 2; i++) {
		struct client_surface *surface = i == 0 ? &a->bare :
			&a->window.surface;
		if (surface->surface != NULL) {
			client_surface_attach(surface, &a->buffer);
			damage_all(surface);
		}
	}
	must(test, client_roundtrip(a->client));
	cut_memory(a, 0);
	keep_committing(a, NULL, ATTACK_MS / 2);
	keep_committing(a, &a->buffer, ATTACK_MS / 2);
}

static void cut_after_buffer_destroy(struct test *test) {
	begin_with_good(test, (enum client_memory_kind)test->argument);
	client_buffer_destroy(&attacker.buffer);
	must(test, client_roundtrip(&test->client));
	cut_memory(&attacker, 0);
	keep_committing(&attacker, NULL, ATTACK_MS);
}

static void cut_after_pool_destroy(struct test *test) {
	begin_with_good(test, (enum client_memory_kind)test->argument);
	client_pool_destroy(&attacker.pool);
	must(test, client_roundtrip(&test->client));
	cut_memory(&attacker, 0);
	keep_committing(&attacker, &attacker.buffer, ATTACK_MS);
}

static void cut_after_all_is_destroyed(struct test *test) {
	struct attacker *a = &attacker;
	begin_with_good(test, (enum client_memory_kind)test->argument);
	commit(&a->bare, &a->buffer);
	commit(a->window.surface.surface != NULL ? &a->window.surface :
		&a->bare, &a->buffer);
	client_buffer_destroy(&a->buffer);
	client_pool_destroy(&a->pool);
	/* Before anything of this is known to the compositor. */
	cut_memory(a, 0);
	keep_committing(a, NULL, ATTACK_MS);
}

static void cut_destroyed_while_attached(struct test *test) {
	struct attacker *a = &attacker;
	begin_with_good(test, (enum client_memory_kind)test->argument);
	client_surface_attach(&a->bare, &a->buffer);
	if (a->window.surface.surface != NULL) {
		client_surface_attach(&a->window.surface, &a->buffer);
	}
	client_buffer_destroy(&a->buffer);
	cut_memory(a, 0);
	commit_once(a, NULL);
	/* The window has lost its content by that, and how it goes on without is
	 * no matter of wl_shm: cage uses what it has freed when it is committed
	 * once more. */
	int64_t deadline = test_now_ms() + ATTACK_MS;
	while (is_alive(a) && test_now_ms() < deadline) {
		commit(&a->bare, NULL);
		client_roundtrip(a->client);
		poll(NULL, 0, 1);
	}
}

static void cut_to_nothing(int fd) {
	if (ftruncate(fd, 0) != 0) {
		_exit(1);
	}
	poll(NULL, 0, 1);
}

static void cut_after_end(struct test *test) {
	struct attacker *a = &attacker;
	begin_with_good(test, (enum client_memory_kind)test->argument);
	/* This end comes without a word, with commits under way. */
	start_child(test, a->memory.fd, false, 2000, cut_to_nothing);
	commit(&a->bare, &a->buffer);
	commit(a->window.surface.surface != NULL ? &a->window.surface :
		&a->bare, &a->buffer);
	wl_display_flush(a->client->display);
}

static void cut_after_disconnect(struct test *test) {
	struct attacker *a = &attacker;
	begin_with_good(test, (enum client_memory_kind)test->argument);
	commit(&a->bare, &a->buffer);
	commit(a->window.surface.surface != NULL ? &a->window.surface :
		&a->bare, &a->buffer);
	wl_display_flush(a->client->display);
	client_disconnect(a->client);
	cut_memory(a, 0);
	/* For what is painted still, while the window goes. */
	poll(NULL, 0, ATTACK_MS);
	probe(test);
}

static void cut_and_grow(int fd) {
	if (ftruncate(fd, 0) != 0 || ftruncate(fd, BYTES) != 0) {
		_exit(1);
	}
}

static void cut_in_race(struct test *test) {
	begin_with_good(test, (enum client_memory_kind)test->argument);
	struct attacker *a = &attacker;
	pid_t child = start_child(test, a->memory.fd, true, RACE_MS,
		cut_and_grow);
	/* Whoever is disconnected comes back. */
	int64_t deadline = test_now_ms() + RACE_MS;
	int left;
	while ((left = (int)(deadline - test_now_ms())) > 0 &&
			!keep_committing(a, &a->buffer, left)) {
		int fd = a->memory.fd;
		come_back(a);
		begin(test);
		a->memory = (struct client_memory){ .fd = fd, .size = BYTES };
		create_pool(a, BYTES);
		create_buffer(a);
	}
	end_child(child);
}

/* Sealed files */

enum sealed_resize {
	RESIZE_BEFORE_BUFFER,
	RESIZE_FIXED,
	RESIZE_TWICE,
	/* The buffer goes over the old end. */
	RESIZE_OVERLAPPING,
};

/* A seal and a size were right once. */
static void sealed_and_resized(struct test *test) {
	struct attacker *a = begin(test);
	struct client_buffer good;
	create_memory(a, test->argument == RESIZE_FIXED ?
		CLIENT_MEMORY_FIXED : CLIENT_MEMORY_SEALED, PAGE_BYTES);
	create_pool(a, PAGE_BYTES);
	must(test, client_buffer_create(&a->pool, &good, 0, PAGE_SIDE,
		PAGE_SIDE, PAGE_SIDE * 4));
	show_good(a, &good);
	if (test->argument == RESIZE_TWICE) {
		client_pool_resize(&a->pool, 2 * PAGE_BYTES);
		client_roundtrip(a->client);
	}
	client_pool_resize(&a->pool, BYTES);
	if (test->argument == RESIZE_OVERLAPPING) {
		client_buffer_create(&a->pool, &a->buffer, 0, SIDE, SIDE,
			STRIDE);
	} else {
		client_buffer_create(&a->pool, &a->buffer, PAGE_BYTES, SIDE,
			REST_ROWS, STRIDE);
	}
	/* The old one, in its new mapping, as well. */
	for (int i = 0; i < 5 && keep_committing(a, &a->buffer,
			ATTACK_MS / 5); i++) {
		keep_committing(a, &good, 1);
	}
}

static void sealed_but_short(struct test *test) {
	struct attacker *a = begin(test);
	create_memory(a, (enum client_memory_kind)test->argument, PAGE_BYTES);
	create_pool(a, BYTES);
	create_buffer(a);
	keep_committing(a, &a->buffer, ATTACK_MS);
}

/* Sealing does not undo what was done before. */
static void sealed_when_short(struct test *test) {
	begin_with_good(test, CLIENT_MEMORY_UNSEALED);
	struct attacker *a = &attacker;
	cut_memory(a, PAGE_BYTES);
	must(test, client_memory_seal(a->client, &a->memory, F_SEAL_SHRINK));
	keep_committing(a, &a->buffer, ATTACK_MS / 2);
	/* Judged anew. */
	client_buffer_destroy(&a->buffer);
	client_buffer_create(&a->pool, &a->buffer, 0, SIDE, SIDE, STRIDE);
	keep_committing(a, &a->buffer, ATTACK_MS / 2);
}

static void cut_and_seal(int fd) {
	/* At different moments, as the files come. */
	static unsigned times;
	for (volatile unsigned i = 0; i < times++ * 977 % 40000; i++) {
	}
	ftruncate(fd, PAGE_BYTES);
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	_exit(0);
}

/* A file is sealed once: each try needs a new one. */
static void sealed_in_race(struct test *test) {
	int64_t deadline = test_now_ms() + RACE_MS;
	begin(test);
	struct attacker *a = &attacker;
	while (test_now_ms() < deadline) {
		create_memory(a, CLIENT_MEMORY_UNSEALED, BYTES);
		munmap(a->memory.data, BYTES);
		a->memory.data = NULL;
		pid_t child = start_child(test, a->memory.fd, true, 1000,
			cut_and_seal);
		create_pool(a, BYTES);
		for (int i = 0; i < 8; i++) {
			create_buffer(a);
			commit(&a->bare, &a->buffer);
			if (a->window.surface.surface != NULL) {
				commit(&a->window.surface, &a->buffer);
			}
			client_buffer_destroy(&a->buffer);
		}
		client_pool_destroy(&a->pool);
		bool alive = client_roundtrip(a->client);
		waitpid(child, NULL, 0);
		close(a->memory.fd);
		if (!alive) {
			come_back(a);
			begin(test);
		}
	}
}

/* It was short when it was read, and is not any more. */
static void sealed_short_then_grown(struct test *test) {
	struct attacker *a = begin(test);
	struct client_buffer good;
	struct client_image picture;
	need_capture(test);
	create_memory(a, CLIENT_MEMORY_SEALED, PAGE_BYTES);
	create_pool(a, PAGE_BYTES);
	must(test, client_buffer_create(&a->pool, &good, 0, PAGE_SIDE,
		PAGE_SIDE, PAGE_SIDE * 4));
	must(test, client_buffer_get_image(a->client, &good, &picture));
	client_image_draw(&picture, 1);
	show_good(a, &good);
	test_expect_seen(test, &picture, "what is in order");
	client_pool_resize(&a->pool, BYTES);
	must(test, client_buffer_create(&a->pool, &a->buffer, PAGE_BYTES, SIDE,
		REST_ROWS, STRIDE));
	if (!keep_committing(a, &a->buffer, ATTACK_MS)) {
		/* That is what it was in for. */
		return;
	}
	must(test, client_memory_grow(a->client, &a->memory, BYTES));
	must(test, client_buffer_get_image(a->client, &a->buffer, &picture));
	client_image_draw(&picture, 2);
	if (!keep_committing(a, &a->buffer, ATTACK_MS)) {
		test_expect_alive(test);
	}
	test_expect_seen(test, &picture, "what was short and has grown");
}

/* Holes */

static void punch(int fd) {
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			BYTES) != 0) {
		_exit(1);
	}
}

static void punch_and_fill(int fd) {
	punch(fd);
	fallocate(fd, 0, 0, BYTES);
}

static void holes(struct test *test) {
	begin_with_good(test, (enum client_memory_kind)test->argument);
	struct attacker *a = &attacker;
	if (fallocate(a->memory.fd, FALLOC_FL_PUNCH_HOLE |
			FALLOC_FL_KEEP_SIZE, 0, BYTES) != 0) {
		test_skip(test, "cannot punch a hole: %s", strerror(errno));
	}
	keep_committing(a, NULL, ATTACK_MS / 2);
	keep_committing(a, &a->buffer, ATTACK_MS);
}

static void holes_in_race(struct test *test) {
	begin_with_good(test, (enum client_memory_kind)test->argument);
	struct attacker *a = &attacker;
	pid_t child = start_child(test, a->memory.fd, true, RACE_MS,
		punch_and_fill);
	keep_committing(a, &a->buffer, RACE_MS / 2);
	end_child(child);
}

enum kept_size {
	KEPT_SHORT,
	KEPT_RESIZED,
	/* The file looks as if it had all of its memory. */
	KEPT_HIDES_HOLES,
};

/* Memory beyond the end of a file is not to be read. */
static void kept_size(struct test *test) {
	struct attacker *a = begin(test);
	size_t size = test->argument == KEPT_HIDES_HOLES ? BYTES : PAGE_BYTES;
	must(test, client_memory_create(a->client, &a->memory,
		CLIENT_MEMORY_SEALED, size));
	if (fallocate(a->memory.fd, FALLOC_FL_KEEP_SIZE, (off_t)size,
			2 * BYTES) != 0) {
		test_skip(test, "fallocate: %s", strerror(errno));
	}
	create_pool(a, test->argument == KEPT_RESIZED ? PAGE_BYTES : BYTES);
	if (test->argument == KEPT_RESIZED) {
		must(test, client_roundtrip(a->client));
		client_pool_resize(&a->pool, BYTES);
	}
	create_buffer(a);
	keep_committing(a, &a->buffer, ATTACK_MS);
}

static void grow_far(int fd) {
	/* Within what a file can be on any of the file systems. */
	if (ftruncate(fd, (off_t)1 << 40) != 0 || ftruncate(fd, BYTES) != 0) {
		_exit(1);
	}
}

/* More than a pool, or a number, can tell of. */
static void grown_far(struct test *test) {
	begin_with_good(test, (enum client_memory_kind)test->argument);
	struct attacker *a = &attacker;
	if (test->argument == CLIENT_MEMORY_UNSEALED) {
		pid_t child = start_child(test, a->memory.fd, true, RACE_MS,
			grow_far);
		keep_committing(a, &a->buffer, ATTACK_MS);
		end_child(child);
		return;
	}
	if (ftruncate(a->memory.fd, (off_t)1 << 40) != 0) {
		test_skip(test, "ftruncate: %s", strerror(errno));
	}
	client_pool_resize(&a->pool, INT32_MAX);
	struct client_buffer last;
	client_buffer_create(&a->pool, &last, INT32_MAX / 4096 * 4096 - BYTES,
		SIDE, SIDE, STRIDE);
	keep_committing(a, &last, ATTACK_MS);
}

/* Memory that cannot be had: of huge pages that are not reserved, and on a file
 * system that is full. */

static void huge_pages(struct test *test) {
	struct attacker *a = begin(test);
	a->memory.fd = memfd_create("conformance",
		MFD_CLOEXEC | MFD_HUGETLB | MFD_ALLOW_SEALING);
	struct stat st;
	if (a->memory.fd < 0 || fstat(a->memory.fd, &st) < 0 ||
			ftruncate(a->memory.fd, st.st_blksize) < 0) {
		test_skip(test, "the kernel has no huge pages: %s",
			strerror(errno));
	}
	if (test->argument &&
			fcntl(a->memory.fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		test_skip(test, "huge pages cannot be sealed: %s",
			strerror(errno));
	}
	create_pool(a, (int32_t)st.st_blksize);
	create_buffer(a);
	keep_committing(a, &a->buffer, ATTACK_MS / 2);
	if (ftruncate(a->memory.fd, 0) == 0) {
		keep_committing(a, &a->buffer, ATTACK_MS);
	}
}

static bool write_file(const char *path, const char *text) {
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 &&
		write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* In which this user may mount, and which nobody else sees. */
static bool enter_mount_namespace(void) {
	char uids[64], gids[64];
	snprintf(uids, sizeof(uids), "0 %u 1", (unsigned)getuid());
	snprintf(gids, sizeof(gids), "0 %u 1", (unsigned)getgid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
		write_file("/proc/self/setgroups", "deny") &&
		write_file("/proc/self/uid_map", uids) &&
		write_file("/proc/self/gid_map", gids);
}

static void full_file_system(struct test *test) {
	struct attacker *a = begin(test);
	char dir[64], path[80];
	if (!client_directory_create(dir, sizeof(dir), "conformance-full")) {
		test_skip(test, "mkdtemp: %s", strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/memory", dir);
	bool ok = enter_mount_namespace() &&
		mount("tmpfs", dir, "tmpfs", 0, "size=65536") == 0;
	if (ok) {
		a->memory.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		ok = a->memory.fd >= 0 &&
			ftruncate(a->memory.fd, BYTES) == 0;
	}
	int error = errno;
	if (ok) {
		char fill[4096] = { 1 };
		off_t at = 0;
		while (pwrite(a->memory.fd, fill, sizeof(fill), at) > 0) {
			at += sizeof(fill);
		}
		unlink(path);
		umount2(dir, MNT_DETACH);
	}
	rmdir(dir);
	if (!ok) {
		test_skip(test, "no file system to fill can be mounted: %s",
			strerror(error));
	}
	create_pool(a, BYTES);
	create_buffer(a);
	keep_committing(a, &a->buffer, ATTACK_MS);
}

/* What is no memory */

enum not_memory {
	NOT_PIPE,
	NOT_SOCKET,
	NOT_DIRECTORY,
	NOT_NULL,
	NOT_ZERO,
	NOT_FULL,
	NOT_RANDOM,
	NOT_EVENTFD,
	NOT_EPOLL,
	NOT_TIMERFD,
	NOT_SIGNALFD,
	NOT_INOTIFY,
	NOT_PIDFD,
	NOT_PTY,
	NOT_SECRET,
	NOT_PROC_MEM,
	NOT_PROC_FILE,
	NOT_WRITE_ONLY,
	NOT_PATH_ONLY,
	NOT_OWN_SOCKET,
	NOT_DIRECT_IO,
};

static int open_pipe(void) {
	int fds[2];
	/* The other end stays open: whoever reads waits. */
	return pipe2(fds, O_CLOEXEC) == 0 ? fds[0] : -1;
}

static int open_socket(void) {
	int fds[2];
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0 ?
		fds[0] : -1;
}

static int open_secret(void) {
#ifdef SYS_memfd_secret
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	if (fd >= 0 && ftruncate(fd, BYTES) < 0) {
		return -1;
	}
	return fd;
#else
	errno = ENOSYS;
	return -1;
#endif
}

static int open_memory(struct attacker *a, enum client_memory_kind kind,
		int flags) {
	char path[64];
	create_memory(a, kind, BYTES);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", a->memory.fd);
	return open(path, flags | O_CLOEXEC);
}

static int open_signalfd(void) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int open_not_memory(struct attacker *a, enum not_memory what) {
	switch (what) {
	case NOT_PIPE:
		return open_pipe();
	case NOT_SOCKET:
		return open_socket();
	case NOT_DIRECTORY:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case NOT_NULL:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case NOT_ZERO:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	case NOT_FULL:
		return open("/dev/full", O_RDWR | O_CLOEXEC);
	case NOT_RANDOM:
		return open("/dev/random", O_RDONLY | O_CLOEXEC);
	case NOT_EVENTFD:
		return eventfd(0, EFD_CLOEXEC);
	case NOT_EPOLL:
		return epoll_create1(EPOLL_CLOEXEC);
	case NOT_TIMERFD:
		return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	case NOT_SIGNALFD:
		return open_signalfd();
	case NOT_INOTIFY:
		return inotify_init1(IN_CLOEXEC);
	case NOT_PIDFD:
		return (int)syscall(SYS_pidfd_open, getpid(), 0);
	case NOT_PTY:
		return posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	case NOT_SECRET:
		return open_secret();
	case NOT_PROC_MEM:
		return open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	case NOT_PROC_FILE:
		return open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	case NOT_WRITE_ONLY:
		return open_memory(a, CLIENT_MEMORY_SEALED, O_WRONLY);
	case NOT_PATH_ONLY:
		return open_memory(a, CLIENT_MEMORY_SEALED, O_PATH);
	case NOT_OWN_SOCKET:
		return wl_display_get_fd(a->client->display);
	case NOT_DIRECT_IO:
		return open_memory(a, CLIENT_MEMORY_FILE, O_RDWR | O_DIRECT);
	}
	return -1;
}

static void not_memory(struct test *test) {
	struct attacker *a = begin(test);
	int fd = open_not_memory(a, (enum not_memory)test->argument);
	if (fd < 0) {
		test_skip(test, "there is none here: %s", strerror(errno));
	}
	create_pool_of_fd(a, fd, BYTES);
	create_buffer(a);
	if (keep_committing(a, &a->buffer, ATTACK_MS)) {
		client_buffer_destroy(&a->buffer);
		client_pool_destroy(&a->pool);
		client_roundtrip(a->client);
	}
}

/* Files whose server is the client */

static struct silent_files silent_files;

static int open_silent_file(struct test *test, unsigned silences) {
	if (!silent_files_are_built()) {
		test_lack(test, "libfuse 3");
	}
	if (!silent_files_mount_about(&silent_files, silences)) {
		test_skip(test, "%s", silent_files.error);
	}
	int fd = open(silent_files.file, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		int error = errno;
		silent_files_unmount(&silent_files);
		test_skip(test, "%s: %s", silent_files.file, strerror(error));
	}
	return fd;
}

static void silent(struct test *test) {
	int fd = open_silent_file(test, (unsigned)test->argument);
	struct attacker *a = begin(test);
	create_pool_of_fd(a, fd, BYTES);
	create_buffer(a);
	if (keep_committing(a, &a->buffer, ATTACK_MS)) {
		client_buffer_destroy(&a->buffer);
		client_pool_destroy(&a->pool);
		client_roundtrip(a->client);
	}
	client_disconnect(a->client);
	/* Whatever it was that waits must not be the compositor. */
	poll(NULL, 0, ATTACK_MS);
	probe(test);
	silent_files_unmount(&silent_files);
}

/* Whoever adds a silent file to an epoll instance holds its lock meanwhile, and
 * whoever asks the kernel about the instance waits for that. */
static void held_epoll(struct test *test) {
	int silent_fd = open_silent_file(test, SILENT_FILES_POLL);
	int fd = epoll_create1(EPOLL_CLOEXEC);
	fflush(NULL);
	pid_t pid = fd >= 0 ? fork() : -1;
	if (pid == 0) {
		struct epoll_event event = { .events = EPOLLIN };
		epoll_ctl(fd, EPOLL_CTL_ADD, silent_fd, &event);
		_exit(0);
	}
	if (pid < 0) {
		silent_files_unmount(&silent_files);
		test_fail(test, "epoll, or fork: %s", strerror(errno));
	}
	while (!silent_files_were_asked(&silent_files)) {
		poll(NULL, 0, 1);
	}
	struct attacker *a = begin(test);
	create_pool_of_fd(a, fd, BYTES);
	create_buffer(a);
	keep_committing(a, &a->buffer, ATTACK_MS);
	client_disconnect(a->client);
	probe(test);
	silent_files_unmount(&silent_files);
	waitpid(pid, NULL, 0);
}

/* A large file with a hole, which its client is writing to without end: what is to
 * be written is in a silent file. Meanwhile it holds the lock of the file. */
static void write_without_end(struct test *test) {
	int silent_fd = open_silent_file(test, SILENT_FILES_READ);
	struct attacker *a = begin(test);
	int32_t rows = 1024, stride = 4096;
	size_t size = (size_t)rows * (size_t)stride;
	void *silence = mmap(NULL, 4096, PROT_READ, MAP_SHARED, silent_fd, 0);
	if (silence == MAP_FAILED || !client_memory_create(a->client,
			&a->memory, (enum client_memory_kind)test->argument,
			size)) {
		silent_files_unmount(&silent_files);
		test_fail(test, "no such file: %s", strerror(errno));
	}
	memset(a->memory.data, 0x55, size / 2);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		/* Shares the open file, as the compositor will. */
		fcntl(a->memory.fd, F_SETFL, O_DIRECT);
		_exit(pwrite(a->memory.fd, silence, 4096, 0) == 4096);
	}
	while (pid > 0 && !silent_files_were_asked(&silent_files)) {
		poll(NULL, 0, 1);
	}
	create_pool_of_fd(a, a->memory.fd, (int32_t)size);
	client_buffer_create(&a->pool, &a->buffer, 0, stride / 4, rows, stride);
	keep_committing(a, &a->buffer, ATTACK_MS);
	client_disconnect(a->client);
	probe(test);
	silent_files_unmount(&silent_files);
	waitpid(pid, NULL, 0);
}

/* More than the descriptors, and threads, that a compositor is likely to have. */
#define SILENT_CLIENTS 1100

static void silent_many(struct test *test) {
	int fd = open_silent_file(test, (unsigned)test->argument);
	struct attacker *a = &attacker;
	for (int i = 0; i < SILENT_CLIENTS; i++) {
		*a = (struct attacker){ .test = test, .client = &test->client };
		create_pool_of_fd(a, fd, BYTES);
		client_roundtrip(a->client);
		client_disconnect(a->client);
		if (!client_connect(a->client, test->display)) {
			silent_files_unmount(&silent_files);
			test_fail(test, "after %d pools on such a file: %.400s",
				i + 1, a->client->error);
		}
	}
	begin_with_good(test, CLIENT_MEMORY_SEALED);
	silent_files_unmount(&silent_files);
	probe(test);
}

enum unmounted {
	UNMOUNTED_BEFORE,
	UNMOUNTED_AFTER,
};

/* All that is asked of it then is an error. */
static void unmounted(struct test *test) {
	int fd = open_silent_file(test, 0);
	struct attacker *a = begin(test);
	if (test->argument == UNMOUNTED_BEFORE) {
		silent_files_unmount(&silent_files);
	}
	create_pool_of_fd(a, fd, BYTES);
	create_buffer(a);
	if (test->argument == UNMOUNTED_AFTER) {
		keep_committing(a, &a->buffer, ATTACK_MS / 2);
		silent_files_unmount(&silent_files);
	}
	keep_committing(a, &a->buffer, ATTACK_MS);
}

/* Planes */

struct globals {
	struct client_global wanted[3];
	uint32_t format;
	bool has_format;
	uint32_t capabilities;
};

static void handle_format(void *data, struct wl_shm *shm, uint32_t format) {
	struct globals *globals = data;
	globals->has_format |= format == globals->format;
}

static const struct wl_shm_listener shm_listener = {
	.format = handle_format,
};

static void handle_capabilities(void *data, struct wl_seat *seat,
		uint32_t capabilities) {
	struct globals *globals = data;
	globals->capabilities = capabilities;
}

static const struct wl_seat_listener seat_listener = {
	.capabilities = handle_capabilities,
};

static void get_globals(struct test *test, struct globals *globals) {
	globals->wanted[0] = (struct client_global){
		.interface = &wl_shm_interface,
		.version = 1,
		.listener = &shm_listener,
		.data = globals,
	};
	globals->wanted[1] = (struct client_global){
		.interface = &wl_seat_interface,
		.version = 1,
		.listener = &seat_listener,
		.data = globals,
	};
	if (client_look_for_globals(test->client.display,
			globals->wanted) == NULL) {
		test_fail(test, "no memory");
	}
	must(test, client_roundtrip(&test->client));
	must(test, client_roundtrip(&test->client));
}

/* The first plane is all that the pool, and a sealed file, has. */
static void planes_outside(struct test *test) {
	static struct globals globals;
	globals.format = (uint32_t)test->argument;
	get_globals(test, &globals);
	if (!globals.has_format) {
		test_skip(test, "the compositor does not announce the format");
	}
	struct attacker *a = begin(test);
	create_memory(a, CLIENT_MEMORY_FIXED, BYTES);
	create_pool(a, BYTES);
	must(test, client_buffer_create_with_format(&a->pool, &a->buffer, 0,
		SIDE, BYTES / SIDE, SIDE, globals.format));
	keep_committing(a, &a->buffer, ATTACK_MS);
}

/* Captures */

enum capture_target {
	TARGET_SHORT,
	TARGET_SEALED_SHORT,
	TARGET_EMPTY,
	TARGET_READ_ONLY,
	TARGET_TRUNCATED,
	TARGET_HOLES,
	TARGET_APPENDING,
	TARGET_SILENT,
};

/* How large the file of a target is. */
static size_t target_size(enum capture_target target, size_t size) {
	switch (target) {
	case TARGET_SHORT:
		/* In the middle of a page. */
		return size / 2 + 100;
	case TARGET_SEALED_SHORT:
		return PAGE_BYTES;
	case TARGET_EMPTY:
	case TARGET_READ_ONLY:
	case TARGET_TRUNCATED:
	case TARGET_HOLES:
	case TARGET_APPENDING:
	case TARGET_SILENT:
		break;
	}
	return size;
}

static int target_fd;
static off_t target_length;

static void cut_and_grow_target(int fd) {
	if (ftruncate(fd, 0) != 0 || ftruncate(fd, target_length) != 0) {
		_exit(1);
	}
}

static void create_target(struct attacker *a, enum capture_target target,
		size_t size) {
	struct test *test = a->test;
	if (target == TARGET_SILENT) {
		a->memory.fd = open_silent_file(test, SILENT_FILES_READ);
		target_fd = a->memory.fd;
		return;
	}
	create_memory(a, target == TARGET_SEALED_SHORT ?
		CLIENT_MEMORY_SEALED : CLIENT_MEMORY_UNSEALED,
		target_size(target, size));
	target_fd = a->memory.fd;
	if (target == TARGET_EMPTY) {
		cut_memory(a, 0);
	} else if (target == TARGET_READ_ONLY) {
		must(test, client_memory_make_read_only(a->client,
			&a->memory));
	} else if (target == TARGET_APPENDING) {
		must(test, fcntl(a->memory.fd, F_SETFL, O_APPEND) == 0);
	} else if (target == TARGET_HOLES) {
		fallocate(a->memory.fd, FALLOC_FL_PUNCH_HOLE |
			FALLOC_FL_KEEP_SIZE, 0, (off_t)size);
	}
}

/* The compositor writes, and must take no harm, and do no more than that: a
 * file that it makes longer is the client's to pay for. */
static void capture(struct test *test) {
	enum capture_target target = (enum capture_target)test->argument;
	need_capture(test);
	struct attacker *a = begin(test);
	struct client_capture capture;
	must(test, client_capture_begin(a->client, &capture));
	size_t size = (size_t)capture.stride * (size_t)capture.height;
	create_target(a, target, size);
	pid_t child = -1;
	target_length = (off_t)size;
	if (target == TARGET_TRUNCATED) {
		child = start_child(test, a->memory.fd, true, RACE_MS,
			cut_and_grow_target);
	}
	create_pool_of_fd(a, a->memory.fd, (int32_t)size);
	client_buffer_create_with_format(&a->pool, &a->buffer, 0,
		capture.width, capture.height, capture.stride, capture.format);
	int64_t deadline = test_now_ms() + (child > 0 ? RACE_MS / 2 : 300);
	a->client->patience = 1000;
	do {
		client_capture_copy(&capture, &a->buffer);
		client_capture_end(&capture);
	} while (is_alive(a) && test_now_ms() < deadline &&
		client_capture_begin(a->client, &capture));
	if (child > 0) {
		end_child(child);
		return;
	}
	probe(test);
	if (target == TARGET_SILENT) {
		client_disconnect(a->client);
		poll(NULL, 0, ATTACK_MS);
		probe(test);
		silent_files_unmount(&silent_files);
		return;
	}
	struct stat st;
	size_t was = target == TARGET_EMPTY ? 0 : target_size(target, size);
	if (fstat(a->memory.fd, &st) == 0 && (size_t)st.st_size != was) {
		test_fail(test, "the file of a capture's target had %zu bytes, "
			"and the compositor has made it %lld long", was,
			(long long)st.st_size);
	}
}

/* Shapes */

#define TALL_WIDTH 256
#define TALL_HEIGHT (96 * 1024)
#define STRIPES 60

/* The worst shape for whoever copies what is damaged, row by row. */
static void stripes(struct test *test) {
	static struct client_subsurface subsurface;
	/* One for each surface: what is new in one is that alone. */
	static struct client_buffer small, other;
	struct attacker *a = begin(test);
	int32_t size = TALL_WIDTH * 4 * TALL_HEIGHT;
	create_memory(a, (enum client_memory_kind)test->argument, (size_t)size);
	create_pool(a, size);
	must(test, client_buffer_create(&a->pool, &small, 0, PAGE_SIDE,
		PAGE_SIDE, PAGE_SIDE * 4));
	must(test, client_buffer_create(&a->pool, &a->buffer, 0, TALL_WIDTH,
		TALL_HEIGHT, TALL_WIDTH * 4));
	must(test, client_buffer_create(&a->pool, &other, 0, TALL_WIDTH,
		TALL_HEIGHT, TALL_WIDTH * 4));
	/* A shell may have a say in how large a window is. */
	struct client_surface *surfaces[] = { &a->bare, &subsurface.surface };
	if (a->window.surface.surface != NULL &&
			a->client->subcompositor != NULL) {
		must(test, client_subsurface_create(a->client, &subsurface,
			&a->window.surface, 0, 0));
		client_subsurface_set_desync(&subsurface);
		xdg_surface_set_window_geometry(a->window.xdg_surface, 0, 0,
			PAGE_SIDE, PAGE_SIDE);
		commit(&subsurface.surface, &other);
	}
	show_good(a, &small);
	commit(&a->bare, &a->buffer);
	for (int i = 0; i < 16; i++) {
		struct client_surface *surface = surfaces[i % 2];
		if (surface->surface == NULL) {
			continue;
		}
		client_surface_attach(surface, i % 2 == 0 ? &a->buffer :
			&other);
		for (int32_t x = 0; x < STRIPES; x++) {
			client_surface_damage_buffer(surface, x * 4, 0, 1,
				TALL_HEIGHT);
		}
		client_surface_commit(surface);
	}
	client_roundtrip(a->client);
}

enum coordinates {
	COORDINATES_DAMAGE,
	COORDINATES_DAMAGE_BUFFER,
	COORDINATES_ATTACH,
	COORDINATES_SCALE,
	COORDINATES_SUBSURFACE,
	COORDINATES_VIEWPORT,
};

static const int32_t extremes[] = { INT32_MIN, INT32_MIN / 2, -1, 0, 1,
	SIDE - 1, SIDE, INT32_MAX / 2, INT32_MAX - 1, INT32_MAX };

#define EXTREMES (sizeof(extremes) / sizeof(extremes[0]))

static void apply_extreme(struct attacker *a, struct client_surface *surface,
		enum coordinates which, int32_t x, int32_t y) {
	struct client *client = a->client;
	struct client_subsurface subsurface;
	switch (which) {
	case COORDINATES_DAMAGE:
		for (size_t i = 0; i < EXTREMES; i++) {
			client_surface_damage(surface, x, y, extremes[i],
				extremes[EXTREMES - 1 - i]);
			client_surface_damage(surface, x, y, extremes[i],
				INT32_MAX);
		}
		break;
	case COORDINATES_DAMAGE_BUFFER:
		for (size_t i = 0; i < EXTREMES; i++) {
			client_surface_damage_buffer(surface, x, y,
				extremes[i], extremes[EXTREMES - 1 - i]);
			client_surface_damage_buffer(surface, x, y,
				extremes[i], INT32_MAX);
		}
		break;
	case COORDINATES_ATTACH:
		wl_surface_attach(surface->surface, a->buffer.buffer, x, y);
		break;
	case COORDINATES_SCALE:
		client_surface_set_scale(surface, x > 0 ? x : 1);
		client_surface_damage_buffer(surface, x, y, x, y);
		break;
	case COORDINATES_SUBSURFACE:
		if (client_subsurface_create(client, &subsurface, surface, x,
				y)) {
			commit(&subsurface.surface, &a->buffer);
			client_surface_commit(surface);
			client_roundtrip(client);
			client_subsurface_destroy(&subsurface);
		}
		break;
	case COORDINATES_VIEWPORT:
		if (surface->viewport != NULL ||
				client_surface_create_viewport(surface)) {
			wp_viewport_set_destination(surface->viewport, x, y);
		}
		break;
	}
}

/* What must be positive is an error at once otherwise. */
static bool is_legal(enum coordinates which, int32_t x, int32_t y) {
	return which == COORDINATES_SCALE ? x > 0 :
		which == COORDINATES_VIEWPORT ? x > 0 && y > 0 : true;
}

/* One that is on the output, where there can be. What its size or place depends
 * on is done to a part of a window, which is as large as its buffer again before
 * the window ends: one that is as large as numbers are, or so far away, is no
 * matter of wl_shm. Weston's desktop shell ends when such a one does, and wayfire
 * wants a buffer of that size, to draw how it goes. */
static struct client_surface *create_seen(struct attacker *a,
		enum coordinates which) {
	static struct client_subsurface part;
	if (a->window.surface.surface == NULL) {
		return &a->bare;
	}
	if (which == COORDINATES_DAMAGE || which == COORDINATES_DAMAGE_BUFFER ||
			which == COORDINATES_SUBSURFACE) {
		return &a->window.surface;
	}
	if (a->client->subcompositor == NULL || !client_subsurface_create(
			a->client, &part, &a->window.surface, 0, 0)) {
		return &a->bare;
	}
	client_subsurface_set_desync(&part);
	client_surface_commit(&a->window.surface);
	return &part.surface;
}

/* Each on a connection of its own if the one before is over. */
static void extreme_coordinates(struct test *test) {
	enum coordinates which = (enum coordinates)test->argument;
	begin_with_good(test, CLIENT_MEMORY_UNSEALED);
	struct attacker *a = &attacker;
	struct client_surface *seen = create_seen(a, which);
	for (size_t i = 0; i < EXTREMES * EXTREMES; i++) {
		int32_t x = extremes[i % EXTREMES], y = extremes[i / EXTREMES];
		if (!is_legal(which, x, y)) {
			continue;
		}
		struct client_surface *surface = i % 2 == 0 ? &a->bare : seen;
		client_surface_attach(surface, &a->buffer);
		apply_extreme(a, surface, which, x, y);
		client_surface_commit(surface);
		if (!client_roundtrip(a->client)) {
			come_back(a);
			client_memory_destroy(&a->memory);
			begin_with_good(test, CLIENT_MEMORY_UNSEALED);
			seen = create_seen(a, which);
		}
	}
	if (which == COORDINATES_VIEWPORT && seen->viewport != NULL) {
		wp_viewport_set_destination(seen->viewport, -1, -1);
		client_surface_commit(seen);
		client_roundtrip(a->client);
	}
}

#define STORM_STEPS 400

/* Mappings move, in use or not, and what is behind them is not there. */
static void resize_storm(struct test *test) {
	struct attacker *a = begin(test);
	struct client_buffer first;
	create_memory(a, (enum client_memory_kind)test->argument, PAGE_BYTES);
	create_pool(a, PAGE_BYTES);
	must(test, client_buffer_create(&a->pool, &first, 0, PAGE_SIDE,
		PAGE_SIDE, PAGE_SIDE * 4));
	show_good(a, &first);
	for (int32_t i = 1; i < STORM_STEPS; i++) {
		int32_t size = PAGE_BYTES * (1 + i * i);
		client_pool_resize(&a->pool, size);
		struct client_surface *surface =
			a->window.surface.surface != NULL && i % 2 == 0 ?
			&a->window.surface : &a->bare;
		commit(surface, &first);
		/* Every second one is backed by the file. */
		if (i % 2 == 0 && ftruncate(a->memory.fd, size) != 0) {
			test_skip(test, "ftruncate: %s", strerror(errno));
		}
		struct client_buffer buffer;
		if (i % 2 == 0 || i > STORM_STEPS * 3 / 4) {
			client_buffer_create(&a->pool, &buffer,
				size - PAGE_BYTES, PAGE_SIDE, PAGE_SIDE,
				PAGE_SIDE * 4);
			commit(surface, &buffer);
			client_roundtrip(a->client);
			client_buffer_destroy(&buffer);
		}
		if (!is_alive(a)) {
			break;
		}
	}
	client_roundtrip(a->client);
}

/* Surfaces of other roles */

enum role {
	ROLE_SUBSURFACE,
	ROLE_SUBSURFACE_DESYNC,
	ROLE_TWO_WINDOWS,
	ROLE_CURSOR,
};

static void keep_committing_to(struct attacker *a,
		struct client_surface *surface) {
	int64_t deadline = test_now_ms() + ATTACK_MS;
	do {
		commit(surface, &a->buffer);
		/* What is in sync mode is applied with its parent's. */
	} while (commit_once(a, &a->buffer) && test_now_ms() < deadline);
}

static void truncated_in_role(struct test *test) {
	static struct client_subsurface subsurface;
	static struct client_window window;
	static struct globals globals;
	begin_with_good(test, CLIENT_MEMORY_UNSEALED);
	struct attacker *a = &attacker;
	struct client_surface *surface = NULL;
	if (a->window.surface.surface == NULL) {
		test_skip(test, "the compositor has no xdg_wm_base");
	}
	switch ((enum role)test->argument) {
	case ROLE_SUBSURFACE:
	case ROLE_SUBSURFACE_DESYNC:
		if (a->client->subcompositor == NULL) {
			test_skip(test, "there is no wl_subcompositor");
		}
		must(test, client_subsurface_create(a->client, &subsurface,
			&a->window.surface, 10, 10));
		if (test->argument == ROLE_SUBSURFACE_DESYNC) {
			client_subsurface_set_desync(&subsurface);
		}
		surface = &subsurface.surface;
		break;
	case ROLE_TWO_WINDOWS:
		must(test, client_window_create(a->client, &window,
			"hostile too"));
		surface = &window.surface;
		break;
	case ROLE_CURSOR:
		get_globals(test, &globals);
		if (!(globals.capabilities & WL_SEAT_CAPABILITY_POINTER)) {
			test_skip(test, "there is no pointer");
		}
		surface = &a->bare;
		wl_pointer_set_cursor(wl_seat_get_pointer(
			globals.wanted[1].object), 0,
			surface->surface, 0, 0);
		break;
	}
	commit(surface, &a->buffer);
	must(test, commit_once(a, &a->buffer));
	cut_memory(a, 0);
	keep_committing_to(a, surface);
}

const struct test_case hostile_cases[] = {
	{ "hostile/short:unsealed", CASE_ROBUSTNESS,
		"A file may be shorter than its pool, and a buffer lie "
		"where it has nothing.",
		short_file, CLIENT_MEMORY_UNSEALED },
	{ "hostile/short:shm_open", CASE_ROBUSTNESS,
		"A file may be shorter than its pool, and a buffer lie "
		"where it has nothing.",
		short_file, CLIENT_MEMORY_SHM_OPEN },
	{ "hostile/short:file", CASE_ROBUSTNESS,
		"A file may be shorter than its pool, and a buffer lie "
		"where it has nothing.",
		short_file, CLIENT_MEMORY_FILE },
	{ "hostile/empty:unsealed", CASE_ROBUSTNESS,
		"A file may have no bytes at all.",
		empty_file, CLIENT_MEMORY_UNSEALED },
	{ "hostile/empty:shm_open", CASE_ROBUSTNESS,
		"A file may have no bytes at all.",
		empty_file, CLIENT_MEMORY_SHM_OPEN },
	{ "hostile/empty:file", CASE_ROBUSTNESS,
		"A file may have no bytes at all.",
		empty_file, CLIENT_MEMORY_FILE },
	{ "hostile/truncated-after-commit:unsealed", CASE_ROBUSTNESS,
		"A file may be cut while its picture is on the output.",
		cut_after_commit, CLIENT_MEMORY_UNSEALED },
	{ "hostile/truncated-after-commit:shm_open", CASE_ROBUSTNESS,
		"A file may be cut while its picture is on the output.",
		cut_after_commit, CLIENT_MEMORY_SHM_OPEN },
	{ "hostile/truncated-after-commit:file", CASE_ROBUSTNESS,
		"A file may be cut while its picture is on the output.",
		cut_after_commit, CLIENT_MEMORY_FILE },
	{ "hostile/truncated-before-commit:unsealed", CASE_ROBUSTNESS,
		"A file may be cut between a buffer's attach and the "
		"commit.",
		cut_before_commit, CLIENT_MEMORY_UNSEALED },
	{ "hostile/truncated-before-commit:shm_open", CASE_ROBUSTNESS,
		"A file may be cut between a buffer's attach and the "
		"commit.",
		cut_before_commit, CLIENT_MEMORY_SHM_OPEN },
	{ "hostile/truncated-before-commit:file", CASE_ROBUSTNESS,
		"A file may be cut between a buffer's attach and the "
		"commit.",
		cut_before_commit, CLIENT_MEMORY_FILE },
	{ "hostile/truncated-after-buffer-destroy:unsealed", CASE_ROBUSTNESS,
		"A file may be cut when its buffer is gone, and the surface "
		"still shows it.",
		cut_after_buffer_destroy, CLIENT_MEMORY_UNSEALED },
	{ "hostile/truncated-after-buffer-destroy:shm_open", CASE_ROBUSTNESS,
		"A file may be cut when its buffer is gone, and the surface "
		"still shows it.",
		cut_after_buffer_destroy, CLIENT_MEMORY_SHM_OPEN },
	{ "hostile/truncated-after-buffer-destroy:file", CASE_ROBUSTNESS,
		"A file may be cut when its buffer is gone, and the surface "
		"still shows it.",
		cut_after_buffer_destroy, CLIENT_MEMORY_FILE },
	{ "hostile/truncated-after-pool-destroy:unsealed", CASE_ROBUSTNESS,
		"A file may be cut when its pool is gone.",
		cut_after_pool_destroy, CLIENT_MEMORY_UNSEALED },
	{ "hostile/truncated-after-pool-destroy:shm_open", CASE_ROBUSTNESS,
		"A file may be cut when its pool is gone.",
		cut_after_pool_destroy, CLIENT_MEMORY_SHM_OPEN },
	{ "hostile/truncated-after-pool-destroy:file", CASE_ROBUSTNESS,
		"A file may be cut when its pool is gone.",
		cut_after_pool_destroy, CLIENT_MEMORY_FILE },
	{ "hostile/truncated-after-all-destroyed:unsealed", CASE_ROBUSTNESS,
		"A file may be cut when a commit and the end of its buffer "
		"come in one go.",
		cut_after_all_is_destroyed, CLIENT_MEMORY_UNSEALED },
	{ "hostile/truncated-destroyed-while-attached:unsealed", CASE_ROBUSTNESS,
		"A buffer may be destroyed between attach and commit, and "
		"its file be cut.",
		cut_destroyed_while_attached, CLIENT_MEMORY_UNSEALED },
	{ "hostile/truncated-after-disconnect:unsealed", CASE_ROBUSTNESS,
		"A file may be cut when its client is gone.",
		cut_after_disconnect, CLIENT_MEMORY_UNSEALED },
	{ "hostile/truncated-after-disconnect:shm_open", CASE_ROBUSTNESS,
		"A file may be cut when its client is gone.",
		cut_after_disconnect, CLIENT_MEMORY_SHM_OPEN },
	{ "hostile/truncated-after-disconnect:file", CASE_ROBUSTNESS,
		"A file may be cut when its client is gone.",
		cut_after_disconnect, CLIENT_MEMORY_FILE },
	{ "hostile/truncated-after-exit:unsealed", CASE_ROBUSTNESS,
		"A file may be cut by another process when its client's is "
		"gone.",
		cut_after_end, CLIENT_MEMORY_UNSEALED },
	{ "hostile/truncated-after-exit:shm_open", CASE_ROBUSTNESS,
		"A file may be cut by another process when its client's is "
		"gone.",
		cut_after_end, CLIENT_MEMORY_SHM_OPEN },
	{ "hostile/truncated-after-exit:file", CASE_ROBUSTNESS,
		"A file may be cut by another process when its client's is "
		"gone.",
		cut_after_end, CLIENT_MEMORY_FILE },
	{ "hostile/truncated-in-race:unsealed", CASE_ROBUSTNESS,
		"A file may be cut and grown again while it is read.",
		cut_in_race, CLIENT_MEMORY_UNSEALED },
	{ "hostile/truncated-in-race:shm_open", CASE_ROBUSTNESS,
		"A file may be cut and grown again while it is read.",
		cut_in_race, CLIENT_MEMORY_SHM_OPEN },
	{ "hostile/truncated-in-race:file", CASE_ROBUSTNESS,
		"A file may be cut and grown again while it is read.",
		cut_in_race, CLIENT_MEMORY_FILE },
	{ "hostile/truncated-in-role:subsurface", CASE_ROBUSTNESS,
		"A subsurface's file may be cut.",
		truncated_in_role, ROLE_SUBSURFACE },
	{ "hostile/truncated-in-role:subsurface-desync", CASE_ROBUSTNESS,
		"A desynchronized subsurface's file may be cut.",
		truncated_in_role, ROLE_SUBSURFACE_DESYNC },
	{ "hostile/truncated-in-role:two-windows", CASE_ROBUSTNESS,
		"A file may be cut that is shown in several windows.",
		truncated_in_role, ROLE_TWO_WINDOWS },
	{ "hostile/truncated-in-role:cursor", CASE_ROBUSTNESS,
		"A cursor's file may be cut.",
		truncated_in_role, ROLE_CURSOR },
	{ "hostile/sealed-resize:shrink", CASE_ROBUSTNESS,
		"A file that is sealed against shrinking, and was large "
		"enough for its pool, need not be when the pool is resized.",
		sealed_and_resized, RESIZE_BEFORE_BUFFER },
	{ "hostile/sealed-resize:fixed", CASE_ROBUSTNESS,
		"A file that is sealed against shrinking, and was large "
		"enough for its pool, need not be when the pool is resized.",
		sealed_and_resized, RESIZE_FIXED },
	{ "hostile/sealed-resize:twice", CASE_ROBUSTNESS,
		"A file that is sealed against shrinking, and was large "
		"enough for its pool, need not be when the pool is resized.",
		sealed_and_resized, RESIZE_TWICE },
	{ "hostile/sealed-resize:overlapping", CASE_ROBUSTNESS,
		"A file that is sealed against shrinking, and was large "
		"enough for its pool, need not be when the pool is resized.",
		sealed_and_resized, RESIZE_OVERLAPPING },
	{ "hostile/sealed-short:shrink", CASE_ROBUSTNESS,
		"A file that is sealed against shrinking may be too short "
		"from the start.",
		sealed_but_short, CLIENT_MEMORY_SEALED },
	{ "hostile/sealed-short:fixed", CASE_ROBUSTNESS,
		"A file that is sealed against shrinking may be too short "
		"from the start.",
		sealed_but_short, CLIENT_MEMORY_FIXED },
	{ "hostile/sealed-late", CASE_ROBUSTNESS,
		"A file may be cut first and sealed then, so that a seal "
		"alone says nothing of its size.",
		sealed_when_short },
	{ "hostile/sealed-in-race", CASE_ROBUSTNESS,
		"A file may be cut and sealed while the compositor looks at "
		"it.",
		sealed_in_race },
	{ "hostile/sealed-short-grown", CASE_QUALITY,
		"Memory that was missing, and that the client was let live "
		"without, is shown once it is there.",
		sealed_short_then_grown },
	{ "hostile/hole:sealed", CASE_ROBUSTNESS,
		"A seal against shrinking does not keep a file's pages from "
		"being taken away.",
		holes, CLIENT_MEMORY_SEALED },
	{ "hostile/hole:unsealed", CASE_ROBUSTNESS,
		"A seal against shrinking does not keep a file's pages from "
		"being taken away.",
		holes, CLIENT_MEMORY_UNSEALED },
	{ "hostile/hole:file", CASE_ROBUSTNESS,
		"A seal against shrinking does not keep a file's pages from "
		"being taken away.",
		holes, CLIENT_MEMORY_FILE },
	{ "hostile/hole-in-race:sealed", CASE_ROBUSTNESS,
		"A file's pages may come and go while it is read.",
		holes_in_race, CLIENT_MEMORY_SEALED },
	{ "hostile/hole-in-race:unsealed", CASE_ROBUSTNESS,
		"A file's pages may come and go while it is read.",
		holes_in_race, CLIENT_MEMORY_UNSEALED },
	{ "hostile/hole-in-race:file", CASE_ROBUSTNESS,
		"A file's pages may come and go while it is read.",
		holes_in_race, CLIENT_MEMORY_FILE },
	{ "hostile/kept-size:short", CASE_ROBUSTNESS,
		"A file may have memory past its end, which is not to be "
		"read.",
		kept_size, KEPT_SHORT },
	{ "hostile/kept-size:resized", CASE_ROBUSTNESS,
		"A file may have memory past its end, which is not to be "
		"read.",
		kept_size, KEPT_RESIZED },
	{ "hostile/kept-size:hides-holes", CASE_ROBUSTNESS,
		"A file may have memory past its end, which is not to be "
		"read.",
		kept_size, KEPT_HIDES_HOLES },
	{ "hostile/grown-far:sealed", CASE_ROBUSTNESS,
		"A file may be larger than any number that the protocol has "
		"for it.",
		grown_far, CLIENT_MEMORY_SEALED },
	{ "hostile/grown-far:unsealed", CASE_ROBUSTNESS,
		"A file may be larger than any number that the protocol has "
		"for it.",
		grown_far, CLIENT_MEMORY_UNSEALED },
	{ "hostile/huge-pages:unsealed", CASE_ROBUSTNESS,
		"A file of huge pages may have none of them, and nowhere to "
		"get them.",
		huge_pages, 0 },
	{ "hostile/huge-pages:sealed", CASE_ROBUSTNESS,
		"A file of huge pages may have none of them, and nowhere to "
		"get them.",
		huge_pages, 1 },
	{ "hostile/full-file-system", CASE_ROBUSTNESS,
		"A file may have holes on a file system that has no memory "
		"to fill them.",
		full_file_system },
	{ "hostile/not-memory:pipe", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_PIPE },
	{ "hostile/not-memory:socket", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_SOCKET },
	{ "hostile/not-memory:directory", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_DIRECTORY },
	{ "hostile/not-memory:dev-null", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_NULL },
	{ "hostile/not-memory:dev-zero", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_ZERO },
	{ "hostile/not-memory:dev-full", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_FULL },
	{ "hostile/not-memory:dev-random", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_RANDOM },
	{ "hostile/not-memory:eventfd", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_EVENTFD },
	{ "hostile/not-memory:epoll", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_EPOLL },
	{ "hostile/not-memory:timerfd", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_TIMERFD },
	{ "hostile/not-memory:signalfd", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_SIGNALFD },
	{ "hostile/not-memory:inotify", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_INOTIFY },
	{ "hostile/not-memory:pidfd", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_PIDFD },
	{ "hostile/not-memory:pty", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_PTY },
	{ "hostile/not-memory:memfd-secret", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_SECRET },
	{ "hostile/not-memory:proc-mem", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_PROC_MEM },
	{ "hostile/not-memory:proc-file", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_PROC_FILE },
	{ "hostile/not-memory:write-only", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_WRITE_ONLY },
	{ "hostile/not-memory:path-only", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_PATH_ONLY },
	{ "hostile/not-memory:own-connection", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_OWN_SOCKET },
	{ "hostile/not-memory:direct-io", CASE_ROBUSTNESS,
		"A file descriptor can be of anything, also of what cannot "
		"be mapped, or not be read without waiting.",
		not_memory, NOT_DIRECT_IO },
	{ "hostile/silent-file:read", CASE_ROBUSTNESS,
		"A file's server can be the client (FUSE), and leave who "
		"asks it waiting for ever.",
		silent, SILENT_FILES_READ },
	{ "hostile/silent-file:getattr", CASE_ROBUSTNESS,
		"A file's server can be the client (FUSE), and leave who "
		"asks it waiting for ever.",
		silent, SILENT_FILES_GETATTR },
	{ "hostile/silent-file:statfs", CASE_ROBUSTNESS,
		"A file's server can be the client (FUSE), and leave who "
		"asks it waiting for ever.",
		silent, SILENT_FILES_STATFS },
	{ "hostile/silent-file:flush", CASE_ROBUSTNESS,
		"A file's server can be the client (FUSE), and leave who "
		"asks it waiting for ever.",
		silent, SILENT_FILES_FLUSH },
	{ "hostile/silent-file:all", CASE_ROBUSTNESS,
		"A file's server can be the client (FUSE), and leave who "
		"asks it waiting for ever.",
		silent, ~0 },
	{ "hostile/silent-file:epoll", CASE_ROBUSTNESS,
		"A file's server can be the client (FUSE), and leave whoever "
		"asks about an epoll instance that watches it waiting.",
		held_epoll, 0 },
	{ "hostile/silent-writer:unsealed", CASE_ROBUSTNESS,
		"A client can be writing to a file without end, and hold its "
		"lock.",
		write_without_end, CLIENT_MEMORY_UNSEALED },
	{ "hostile/silent-writer:sealed", CASE_ROBUSTNESS,
		"A client can be writing to a file without end, and hold its "
		"lock.",
		write_without_end, CLIENT_MEMORY_SEALED },
	{ "hostile/silent-writer:file", CASE_ROBUSTNESS,
		"A client can be writing to a file without end, and hold its "
		"lock.",
		write_without_end, CLIENT_MEMORY_FILE },
	{ "hostile/silent-files-many:flush", CASE_ROBUSTNESS,
		"Each of many connections may leave a file behind that "
		"cannot be closed.",
		silent_many, SILENT_FILES_FLUSH },
	{ "hostile/silent-files-many:all", CASE_ROBUSTNESS,
		"Each of many connections may leave a file behind that "
		"cannot be asked for anything.",
		silent_many, ~0 },
	{ "hostile/unmounted-file:before", CASE_ROBUSTNESS,
		"A file's file system may be gone when it becomes a pool.",
		unmounted, UNMOUNTED_BEFORE },
	{ "hostile/unmounted-file:after", CASE_ROBUSTNESS,
		"A file's file system may go while it is shown.",
		unmounted, UNMOUNTED_AFTER },
	{ "hostile/planes-outside:nv12", CASE_ROBUSTNESS,
		"Of a format with several planes, only the first may be in "
		"the pool.",
		planes_outside, WL_SHM_FORMAT_NV12 },
	{ "hostile/planes-outside:nv16", CASE_ROBUSTNESS,
		"Of a format with several planes, only the first may be in "
		"the pool.",
		planes_outside, WL_SHM_FORMAT_NV16 },
	{ "hostile/planes-outside:yuv420", CASE_ROBUSTNESS,
		"Of a format with several planes, only the first may be in "
		"the pool.",
		planes_outside, WL_SHM_FORMAT_YUV420 },
	{ "hostile/planes-outside:yuv444", CASE_ROBUSTNESS,
		"Of a format with several planes, only the first may be in "
		"the pool.",
		planes_outside, WL_SHM_FORMAT_YUV444 },
	{ "hostile/planes-outside:p010", CASE_ROBUSTNESS,
		"Of a format with several planes, only the first may be in "
		"the pool.",
		planes_outside, WL_SHM_FORMAT_P010 },
	{ "hostile/capture-target:short", CASE_ROBUSTNESS,
		"What is captured may be wanted where there is no memory "
		"for it, and must make no file longer.",
		capture, TARGET_SHORT },
	{ "hostile/capture-target:sealed-short", CASE_ROBUSTNESS,
		"What is captured may be wanted where there is no memory "
		"for it, and must make no file longer.",
		capture, TARGET_SEALED_SHORT },
	{ "hostile/capture-target:empty", CASE_ROBUSTNESS,
		"What is captured may be wanted where there is no memory "
		"for it, and must make no file longer.",
		capture, TARGET_EMPTY },
	{ "hostile/capture-target:read-only", CASE_ROBUSTNESS,
		"What is captured may be wanted where there is no memory "
		"for it, and must make no file longer.",
		capture, TARGET_READ_ONLY },
	{ "hostile/capture-target:truncated", CASE_ROBUSTNESS,
		"What is captured may be wanted where there is no memory "
		"for it, and must make no file longer.",
		capture, TARGET_TRUNCATED },
	{ "hostile/capture-target:holes", CASE_ROBUSTNESS,
		"What is captured may be wanted where there is no memory "
		"for it, and must make no file longer.",
		capture, TARGET_HOLES },
	{ "hostile/capture-target:appending", CASE_ROBUSTNESS,
		"What is captured may be wanted where there is no memory "
		"for it, and must make no file longer.",
		capture, TARGET_APPENDING },
	{ "hostile/capture-target:silent", CASE_ROBUSTNESS,
		"What is captured may be wanted where there is no memory "
		"for it, and must make no file longer.",
		capture, TARGET_SILENT },
	{ "hostile/stripes:unsealed", CASE_ROBUSTNESS,
		"Damage can have the shape that costs most: many columns of "
		"a tall buffer.",
		stripes, CLIENT_MEMORY_UNSEALED },
	{ "hostile/stripes:sealed", CASE_ROBUSTNESS,
		"Damage can have the shape that costs most: many columns of "
		"a tall buffer.",
		stripes, CLIENT_MEMORY_SEALED },
	{ "hostile/extreme-coordinates:damage", CASE_ROBUSTNESS,
		"Coordinates may be as large as numbers are.",
		extreme_coordinates, COORDINATES_DAMAGE },
	{ "hostile/extreme-coordinates:damage-buffer", CASE_ROBUSTNESS,
		"Coordinates may be as large as numbers are.",
		extreme_coordinates, COORDINATES_DAMAGE_BUFFER },
	{ "hostile/extreme-coordinates:attach", CASE_ROBUSTNESS,
		"Coordinates may be as large as numbers are.",
		extreme_coordinates, COORDINATES_ATTACH },
	{ "hostile/extreme-coordinates:scale", CASE_ROBUSTNESS,
		"Coordinates may be as large as numbers are.",
		extreme_coordinates, COORDINATES_SCALE },
	{ "hostile/extreme-coordinates:subsurface", CASE_ROBUSTNESS,
		"Coordinates may be as large as numbers are.",
		extreme_coordinates, COORDINATES_SUBSURFACE },
	{ "hostile/extreme-coordinates:viewport", CASE_ROBUSTNESS,
		"Coordinates may be as large as numbers are.",
		extreme_coordinates, COORDINATES_VIEWPORT },
	{ "hostile/resize-storm:sealed", CASE_ROBUSTNESS,
		"A pool may be resized again and again while its buffers "
		"are shown, with or without a file behind it.",
		resize_storm, CLIENT_MEMORY_SEALED },
	{ "hostile/resize-storm:unsealed", CASE_ROBUSTNESS,
		"A pool may be resized again and again while its buffers "
		"are shown, with or without a file behind it.",
		resize_storm, CLIENT_MEMORY_UNSEALED },
	{ "hostile/resize-storm:file", CASE_ROBUSTNESS,
		"A pool may be resized again and again while its buffers "
		"are shown, with or without a file behind it.",
		resize_storm, CLIENT_MEMORY_FILE },
	{ 0 },
};
