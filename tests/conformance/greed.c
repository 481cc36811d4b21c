/* SPDX-License-Identifier: MIT */
/*
 * What a client can ask for so that nothing is left for others: descriptors,
 * memory, addresses, time.
 *
 * All of it is legal, one by one, so the client may be refused, or get what it
 * asks for. Then the bystander, which makes pools all the time, must still get
 * its own. What is counted is the compositor's: Linux tells of its memory and
 * its descriptors, unless it is another user's process.
 *
 * The files are sparse: it is the compositor that would give them memory. Some
 * have a page in each row, so that they are not just holes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-client.h>

#include "case.h"

#define MIB ((int64_t)1 << 20)

/* For the requests of one case, in milliseconds. */
#define GREED_MS 3000

/* How many requests are sent before it is looked whether they were too many.
 * libwayland holds no more than 28 descriptors back. */
#define BATCH 64

/* A buffer of a page. */
#define SIDE 32
#define PAGE_BYTES (SIDE * SIDE * 4)

/* As much as a pool can have. */
#define WIDE 16384
#define STRIDE (WIDE * 4)
#define ROWS 32767
#define HUGE (STRIDE * ROWS)

/* Of the memory in buffers that a client has read, how much the compositor may
 * take for itself: a copy and a texture of the 512 MiB that a client can well
 * use, and as much again for what it does meanwhile. */
#define GROWTH_MAX (1536 * MIB)
/* The same of several clients, and as much as this host can spare. */
#define GROWTH_OF_MANY_MAX (3 * 1024 * MIB)

/* What the compositor has */

/* In bytes, "field" with its colon, or -1 where it is not known. */
static int64_t get_memory(const struct test *test, const char *field) {
	char path[64], line[256];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)test->compositor);
	FILE *file = test->compositor > 0 ? fopen(path, "re") : NULL;
	if (file == NULL) {
		return -1;
	}
	int64_t bytes = -1;
	while (bytes < 0 && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, field, strlen(field)) == 0) {
			bytes = strtoll(line + strlen(field), NULL, 10) * 1024;
		}
	}
	fclose(file);
	return bytes;
}

static int64_t need_memory(struct test *test, const char *field) {
	int64_t bytes = get_memory(test, field);
	if (bytes < 0) {
		test_skip(test, "the compositor's memory is not known");
	}
	return bytes;
}

/* -1 where it is not known. */
static int count_fds(const struct test *test) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)test->compositor);
	DIR *dir = test->compositor > 0 ? opendir(path) : NULL;
	if (dir == NULL) {
		return -1;
	}
	int count = 0;
	struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		count += entry->d_name[0] != '.';
	}
	closedir(dir);
	return count;
}

/* How many descriptors it can have, where that is not too many to ask for. */
static int get_fd_limit(const struct test *test) {
	char path[64], line[256];
	int limit = 1024;
	snprintf(path, sizeof(path), "/proc/%d/limits", (int)test->compositor);
	FILE *file = test->compositor > 0 ? fopen(path, "re") : NULL;
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		sscanf(line, "Max open files %d", &limit);
	}
	if (file != NULL) {
		fclose(file);
	}
	return limit < 24000 ? limit : 24000;
}

/* Surfaces, pools and buffers */

static struct wl_surface *create_surface(struct test *test,
		struct client *client) {
	struct wl_surface *surface =
		wl_compositor_create_surface(client->compositor);
	if (surface == NULL) {
		test_fail(test, "no memory");
	}
	return surface;
}

static void commit(struct wl_surface *surface, struct wl_buffer *buffer) {
	wl_surface_attach(surface, buffer, 0, 0);
	wl_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
	wl_surface_commit(surface);
}

/* A window that shows nothing yet, or NULL where there are none. */
static struct wl_surface *create_window(struct test *test,
		struct client *client, struct client_window *window) {
	if (client->wm_base == NULL) {
		return NULL;
	}
	if (!client_window_create(client, window, "greed")) {
		test_fail_client(test, client);
	}
	return window->surface.surface;
}

static int create_file(struct test *test, off_t size, unsigned seals) {
	int fd = memfd_create("greed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, size) < 0 ||
			fcntl(fd, F_ADD_SEALS, seals) < 0) {
		test_skip(test, "cannot make a file of %lld bytes: %s",
			(long long)size, strerror(errno));
	}
	return fd;
}

/* How far the dots are apart: no more than a row of any buffer. */
#define DOT_STEP 32768
/* Beside seals. */
#define DOTTED (1 << 16)

/* The one that is the client's. */
static ino_t large_file;

/* Sparse, of 2 GiB. */
static int create_large_file(struct test *test) {
	int fd = create_file(test, HUGE, (unsigned)test->argument & ~DOTTED);
	struct stat st;
	large_file = fstat(fd, &st) == 0 ? st.st_ino : 0;
	for (off_t at = 0; at < HUGE && (test->argument & DOTTED);
			at += DOT_STEP) {
		if (pwrite(fd, "+", 1, at) != 1) {
			test_skip(test, "there is no memory for the file: %s",
				strerror(errno));
		}
	}
	return fd;
}

/* Gives a file memory that has been written to: what was only reserved counts as
 * empty in many places. */
static void fill(struct test *test, int fd, off_t size) {
	static char some[1 << 20];
	memset(some, 0x5a, sizeof(some));
	for (off_t at = 0; at < size;) {
		size_t length = size - at < (off_t)sizeof(some) ?
			(size_t)(size - at) : sizeof(some);
		ssize_t n = pwrite(fd, some, length, at);
		if (n <= 0) {
			test_skip(test, "there is no memory for the file: %s",
				strerror(errno));
		}
		at += n;
	}
}

static struct wl_buffer *create_page_buffer(struct wl_shm_pool *pool) {
	return wl_shm_pool_create_buffer(pool, 0, SIDE, SIDE, SIDE * 4,
		WL_SHM_FORMAT_XRGB8888);
}

/* A whole file of the size of a page and a pool of it. */
static struct wl_shm_pool *create_page_pool(struct test *test,
		struct client *client) {
	int fd = create_file(test, PAGE_BYTES, F_SEAL_SHRINK);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
		PAGE_BYTES);
	close(fd);
	return pool;
}

/* Returns how many there are when it is refused more, time is over, or these
 * are enough. */
static int create_pools(struct test *test, struct client *client, int count,
		int64_t deadline) {
	for (int i = 0; i < count; i++) {
		create_page_pool(test, client);
		if ((i + 1) % BATCH == 0 && (!client_roundtrip(client) ||
				test_now_ms() > deadline)) {
			return i + 1;
		}
	}
	client_roundtrip(client);
	return count;
}

/* For the bystander to meet what is left. */
static void linger(void) {
	poll(NULL, 0, 200);
}

/* Pools */

static void pools_of_one_connection(struct test *test) {
	create_pools(test, &test->client, get_fd_limit(test) + 200,
		test_now_ms() + GREED_MS);
	linger();
}

#define CONNECTIONS 250

static void pools_of_many_connections(struct test *test) {
	static struct client clients[CONNECTIONS];
	int each = get_fd_limit(test) / CONNECTIONS + 8;
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 0; i < CONNECTIONS && test_now_ms() < deadline; i++) {
		/* It may well be refused. */
		if (client_connect(&clients[i], test->display)) {
			create_pools(test, &clients[i], each, deadline);
		}
	}
	linger();
}

static void create_pools_over_many_connections(struct test *test,
		struct client *client) {
	pools_of_many_connections(test);
}

/* Without one too many, which would be refused and leave room again. */
static void pools_to_the_limit(struct test *test) {
	struct client *client = &test->client;
	int limit = get_fd_limit(test);
	if (count_fds(test) < 0) {
		test_skip(test, "the compositor's descriptors are not known");
	}
	int64_t deadline = test_now_ms() + 2 * GREED_MS;
	/* Again when the bystander has given one back. */
	int64_t full_since = INT64_MAX;
	while (test_now_ms() < deadline &&
			test_now_ms() - full_since < 500) {
		int room = limit - count_fds(test);
		if (room <= 0) {
			if (full_since == INT64_MAX) {
				full_since = test_now_ms();
			}
			continue;
		}
		/* One is in use for a moment when a message is read. */
		int count = room > 2 * BATCH ? BATCH : room > 8 ? room - 4 : 1;
		if (create_pools(test, client, count, INT64_MAX) < count ||
				wl_display_get_error(client->display) != 0) {
			return;
		}
	}
}

/* Many connections that hold all that such a process gets, to the last one. */
static void pools_to_the_budget(struct test *test) {
	static struct client clients[CONNECTIONS];
	int limit = get_fd_limit(test);
	int64_t deadline = test_now_ms() + GREED_MS;
	int each = limit / 8;
	for (int i = 0; i < CONNECTIONS && test_now_ms() < deadline; i++) {
		if (count_fds(test) > limit - 8 ||
				!client_connect(&clients[i], test->display)) {
			break;
		}
		for (int left = each; left > 0 && count_fds(test) <
				limit - 8; left -= BATCH) {
			if (create_pools(test, &clients[i], left < BATCH ?
					left : BATCH, deadline) < 0) {
				break;
			}
		}
		if (wl_display_get_error(clients[i].display) != 0) {
			client_disconnect(&clients[i]);
			each = each > 1 ? each / 2 : 1;
		}
	}
	linger();
}

/* A process that does this, and then waits to be killed. Its connection is its
 * own. */
static pid_t start_process(struct test *test, const int told[2],
		void (*run)(struct test *test, struct client *client)) {
	pid_t parent = getpid();
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		test_fail(test, "fork: %s", strerror(errno));
	}
	if (pid > 0) {
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(1);
	}
	/* The copy of its parent's would keep that open. */
	close(wl_display_get_fd(test->client.display));
	static struct client client;
	bool ok = client_connect(&client, test->display);
	if (ok) {
		run(test, &client);
	}
	ok = ok && client_roundtrip(&client);
	if (write(told[1], ok ? "+" : "-", 1) != 1) {
		_exit(1);
	}
	for (;;) {
		pause();
	}
}

#define PROCESSES 20
#define POOLS_OF_EACH 30

static void create_their_pools(struct test *test, struct client *client) {
	create_pools(test, client, POOLS_OF_EACH, INT64_MAX);
}

static void pools_of_many_processes(struct test *test) {
	struct client *established = &test->client;
	create_pools(test, established, 12, INT64_MAX);
	test_expect_alive(test);
	int told[2];
	if (pipe2(told, O_CLOEXEC) < 0) {
		test_fail(test, "pipe: %s", strerror(errno));
	}
	for (int i = 0; i < PROCESSES; i++) {
		start_process(test, told, create_their_pools);
		/* At the same time, but not before it has begun. */
		create_page_pool(test, established);
		test_expect_alive(test);
	}
	for (int i = 0; i < PROCESSES; i++) {
		struct pollfd pollfd = { .fd = told[0], .events = POLLIN };
		char how;
		if (poll(&pollfd, 1, GREED_MS) == 1 &&
				read(told[0], &how, 1) != 1) {
			break;
		}
		test_expect_alive(test);
	}
	create_page_pool(test, established);
	test_expect_alive(test);
	linger();
}

/* An established client in another process than the many connections' one. */
static void others_pools_remain(struct test *test) {
	int told[2];
	struct client *established = &test->client;
	create_pools(test, established, 12, INT64_MAX);
	test_expect_alive(test);
	if (pipe2(told, O_CLOEXEC) < 0) {
		test_fail(test, "pipe: %s", strerror(errno));
	}
	start_process(test, told, create_pools_over_many_connections);
	struct pollfd pollfd = { .fd = told[0], .events = POLLIN };
	int64_t deadline = test_now_ms() + 2 * GREED_MS;
	while (poll(&pollfd, 1, 20) == 0 && test_now_ms() < deadline) {
		test_expect_alive(test);
	}
	create_page_pool(test, established);
	test_expect_alive(test);
}

/* Pools and copies of what is in them: without a seal, whoever wants to be sure
 * needs a copy, and it may need a descriptor too. */
static void pools_that_are_read(struct test *test) {
	struct client *client = &test->client;
	struct wl_surface *surface = create_surface(test, client);
	int fd = create_file(test, PAGE_BYTES, 0);
	int count = get_fd_limit(test) + 200;
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 0; i < count; i++) {
		struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
			PAGE_BYTES);
		commit(surface, create_page_buffer(pool));
		if (i % BATCH == 0 && (!client_roundtrip(client) ||
				test_now_ms() > deadline)) {
			break;
		}
	}
	linger();
}

#define CHURN_POOLS 10000

/* What was given is given back. */
static void pools_come_and_go(struct test *test) {
	struct client *client = &test->client;
	struct wl_surface *surface = create_surface(test, client);
	bool sealed = test->argument;
	/* What a first one leaves, it leaves once. */
	int fds = -1;
	int64_t bytes = -1;
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 0; i < CHURN_POOLS && test_now_ms() < deadline; i++) {
		if (i == 100) {
			must(test, client_roundtrip(client));
			fds = count_fds(test);
			bytes = get_memory(test, "VmRSS:");
		}
		int fd = create_file(test, PAGE_BYTES,
			sealed ? F_SEAL_SHRINK : 0);
		struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
			PAGE_BYTES);
		close(fd);
		struct wl_buffer *buffer = create_page_buffer(pool);
		commit(surface, buffer);
		wl_buffer_destroy(buffer);
		wl_shm_pool_destroy(pool);
		if (i % BATCH == 0) {
			must(test, client_roundtrip(client));
		}
	}
	commit(surface, NULL);
	must(test, client_roundtrip(client));
	if (fds < 0 || bytes < 0) {
		test_skip(test, "what the compositor holds is not known");
	}
	/* The bystander's come and go meanwhile. */
	int fds_now;
	int64_t bytes_now;
	deadline = test_now_ms() + 1000;
	do {
		poll(NULL, 0, 20);
		fds_now = count_fds(test);
		bytes_now = get_memory(test, "VmRSS:");
	} while ((fds_now > fds + 16 || bytes_now > bytes + 64 * MIB) &&
		test_now_ms() < deadline);
	if (fds_now > fds + 16) {
		test_fail(test, "%d pools that are gone have left %d "
			"descriptors behind", CHURN_POOLS, fds_now - fds);
	}
	if (bytes_now > bytes + 64 * MIB) {
		test_fail(test, "%d pools that are gone have left %" PRId64
			" MiB behind", CHURN_POOLS, (bytes_now - bytes) / MIB);
	}
}

#define REFUSED_CLIENTS 300

/* A descriptor that came with an error has been received all the same. */
static void refused_files_are_closed(struct test *test) {
	struct client *client = &test->client;
	int before = count_fds(test);
	int fds[2];
	if (before < 0) {
		test_skip(test, "the compositor's descriptors are not known");
	}
	if (pipe2(fds, O_CLOEXEC) < 0) {
		test_fail(test, "pipe: %s", strerror(errno));
	}
	for (int i = 0; i < REFUSED_CLIENTS; i++) {
		/* Of no size, or of no memory. */
		if (test->argument) {
			wl_shm_create_pool(client->shm, fds[0], PAGE_BYTES);
		} else {
			int fd = create_file(test, PAGE_BYTES, 0);
			wl_shm_create_pool(client->shm, fd, 0);
			close(fd);
		}
		client_roundtrip(client);
		client_disconnect(client);
		test_connect(test, client);
	}
	int64_t deadline = test_now_ms() + 1000;
	int now;
	do {
		poll(NULL, 0, 20);
		now = count_fds(test);
	} while (now > before + 16 && test_now_ms() < deadline);
	if (now > before + 16) {
		test_fail(test, "%d files that were no pools have left %d "
			"descriptors behind", REFUSED_CLIENTS, now - before);
	}
}

/* Buffers */

#define BUFFERS 20000

static void buffers_of_one_pool(struct test *test) {
	struct client *client = &test->client;
	struct wl_shm_pool *pool = create_page_pool(test, client);
	for (int i = 0; i < BUFFERS; i++) {
		create_page_buffer(pool);
		if (i % 1000 == 0 && !client_roundtrip(client)) {
			return;
		}
	}
	client_roundtrip(client);
	linger();
}

#define ATTACHED 16000

static void buffers_of_one_surface(struct test *test) {
	static struct client_window window;
	struct client *client = &test->client;
	struct wl_surface *surfaces[] = { create_surface(test, client),
		create_window(test, client, &window) };
	int fd = create_file(test, PAGE_BYTES, 0);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
		PAGE_BYTES);
	struct wl_buffer *buffer = NULL;
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 0; i < ATTACHED && test_now_ms() < deadline; i++) {
		buffer = create_page_buffer(pool);
		commit(surfaces[surfaces[1] != NULL ? i % 2 : 0], buffer);
		if (i % BATCH == 0 && !client_roundtrip(client)) {
			return;
		}
	}
	/* With all of them there, in one go. */
	for (int i = 0; i < 200; i++) {
		wl_surface_attach(surfaces[0], buffer, 0, 0);
		wl_surface_damage_buffer(surfaces[0], i % SIDE, 0, 1, 1);
		wl_surface_commit(surfaces[0]);
	}
	client_roundtrip(client);
	linger();
}

#define RESIZES 100000
#define RESIZE_STEP (INT32_MAX / RESIZES)

static void resizes(struct test *test) {
	struct client *client = &test->client;
	int fd = create_file(test, test->argument ? INT32_MAX : PAGE_BYTES,
		F_SEAL_SHRINK);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
		PAGE_BYTES);
	struct wl_buffer *buffer = create_page_buffer(pool);
	struct wl_surface *surface = create_surface(test, client);
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 1; i < RESIZES; i++) {
		wl_shm_pool_resize(pool, PAGE_BYTES + i * RESIZE_STEP);
		if (i % 1000 == 0) {
			/* Whatever moves with the pool is in use. */
			commit(surface, buffer);
			wl_shm_pool_create_buffer(pool, i * RESIZE_STEP, SIDE,
				SIDE, SIDE * 4, WL_SHM_FORMAT_XRGB8888);
			if (!client_roundtrip(client) ||
					test_now_ms() > deadline) {
				break;
			}
		}
	}
	linger();
}

/* Bytes */

/* Small enough that none of them takes long by itself. */
#define PARTS 32
/* A part's side; all parts are 2 GiB less some rows. */
#define PART_WIDE 8192
#define PART_ROWS (ROWS * 2 / PARTS - 1)
#define PART_STRIDE (PART_WIDE * 4)
#define PART_BYTES (PART_STRIDE * PART_ROWS)

/* More than these are counted as often as they are met. */
#define FILES_MAX 2048

/* Whether it is met for the first time. */
static bool note_file(ino_t *seen, size_t *seen_len, ino_t file) {
	for (size_t i = 0; i < *seen_len; i++) {
		if (seen[i] == file) {
			return false;
		}
	}
	if (*seen_len < FILES_MAX) {
		seen[(*seen_len)++] = file;
	}
	return true;
}

/* What the compositor has in files of its own, mapped or not. */
static int64_t get_file_memory(const struct test *test) {
	char path[64], link[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)test->compositor);
	DIR *dir = opendir(path);
	if (dir == NULL) {
		return 0;
	}
	int64_t bytes = 0;
	/* KWin has several fds of each file. */
	static ino_t seen[FILES_MAX];
	size_t seen_len = 0;
	struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		/* What is no memfd may be on a file system that is silent. */
		struct stat st;
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link,
			sizeof(link) - 1);
		if (n > 0 && strncmp(link, "/memfd:", 7) == 0 &&
				fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
				st.st_ino != large_file &&
				note_file(seen, &seen_len, st.st_ino)) {
			bytes += (int64_t)st.st_blocks * 512;
		}
	}
	closedir(dir);
	return bytes;
}

static void expect_bound(struct test *test, int64_t before, int64_t max) {
	int64_t growth = get_memory(test, "VmHWM:") - before;
	int64_t in_files = get_file_memory(test);
	if (growth > max || in_files > max) {
		test_fail(test, "the compositor has grown by %" PRId64 " MiB, "
			"and has %" PRId64 " MiB in files; no more than %"
			PRId64 " are right", growth / MIB, in_files / MIB,
			max / MIB);
	}
}

/* Each on a surface of its own. Returns false when the client is over. */
static bool show_parts(struct test *test, struct client *client, int fd,
		int parts, int64_t before, int64_t max) {
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd, HUGE);
	for (int i = 0; i < parts; i++) {
		struct wl_buffer *buffer = wl_shm_pool_create_buffer(pool,
			i * PART_BYTES, PART_WIDE, PART_ROWS, PART_STRIDE,
			WL_SHM_FORMAT_XRGB8888);
		commit(create_surface(test, client), buffer);
		/* Not a toplevel of its own, whose size a shell may have a
		 * say in. */
		if (client->subcompositor != NULL && i == 0) {
			struct wl_surface *child = create_surface(test, client);
			struct wl_surface *parent =
				create_surface(test, client);
			wl_subcompositor_get_subsurface(client->subcompositor,
				child, parent);
			commit(child, buffer);
			commit(parent, buffer);
		}
		if (!client_roundtrip(client)) {
			return false;
		}
		expect_bound(test, before, max);
	}
	return true;
}

static void show_parts_in_windows(struct test *test, int fd, int64_t before) {
	static struct client_window windows[PARTS];
	static struct client_subsurface subsurfaces[PARTS];
	static struct client_buffer buffers[PARTS], small;
	struct client *client = &test->client;
	int patience = client->patience;
	int64_t deadline = test_now_ms() + GREED_MS;
	struct client_memory memory = { .fd = fd, .size = HUGE };
	struct client_pool pool;
	must(test, client_pool_create(client, &pool, &memory, HUGE));
	must(test, client_buffer_create(&pool, &small, 0, SIDE, SIDE,
		SIDE * 4));
	for (int i = 0; i < PARTS && client->wm_base != NULL &&
			client->subcompositor != NULL &&
			test_now_ms() < deadline; i++) {
		struct client_surface *parent = &windows[i].surface;
		client->patience = 500;
		if (!client_buffer_create(&pool, &buffers[i], i * PART_BYTES,
				PART_WIDE, PART_ROWS, PART_STRIDE) ||
				!client_window_create(client, &windows[i],
					"greed") ||
				!client_subsurface_create(client,
					&subsurfaces[i], parent, 0, 0)) {
			return;
		}
		client_surface_attach(&subsurfaces[i].surface, &buffers[i]);
		client_surface_damage(&subsurfaces[i].surface, 0, 0, INT32_MAX,
			INT32_MAX);
		client_surface_commit(&subsurfaces[i].surface);
		/* With it, what is in sync mode comes to be painted. */
		client_surface_show(parent, &small);
		client->patience = patience;
		expect_bound(test, before, GROWTH_MAX);
		if (wl_display_get_error(client->display) != 0) {
			return;
		}
	}
}

/* Memory that the client does not have itself. */
static void sparse_pool(struct test *test) {
	int64_t before = need_memory(test, "VmHWM:");
	int fd = create_large_file(test);
	show_parts(test, &test->client, fd, PARTS, before, GROWTH_MAX);
	linger();
	expect_bound(test, before, GROWTH_MAX);
}

static void sparse_windows(struct test *test) {
	int64_t before = need_memory(test, "VmHWM:");
	int fd = create_large_file(test);
	show_parts_in_windows(test, fd, before);
	linger();
	expect_bound(test, before, GROWTH_MAX);
}

#define SPARSE_CLIENTS 8

static void sparse_pools_of_many(struct test *test) {
	static struct client clients[SPARSE_CLIENTS];
	int64_t before = need_memory(test, "VmHWM:");
	int fd = create_large_file(test);
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 0; i < SPARSE_CLIENTS && test_now_ms() < deadline; i++) {
		if (client_connect(&clients[i], test->display)) {
			show_parts(test, &clients[i], fd, PARTS, before,
				GROWTH_OF_MANY_MAX);
		}
	}
	linger();
	expect_bound(test, before, GROWTH_OF_MANY_MAX);
}

#define EMPTY_SIDE 256
#define EMPTY_BYTES (EMPTY_SIDE * EMPTY_SIDE * 4)

/* To read a hole where it is gives it memory, on the reader's account. */
static void holes_stay_empty(struct test *test) {
	static struct client_window window;
	static struct client_buffer buffer;
	struct client *client = &test->client;
	struct client_memory memory;
	struct client_pool pool;
	must(test, client_memory_create(client, &memory, test->argument != 0 ?
		CLIENT_MEMORY_SEALED : CLIENT_MEMORY_UNSEALED, EMPTY_BYTES));
	must(test, client_pool_create(client, &pool, &memory, EMPTY_BYTES));
	must(test, client_buffer_create(&pool, &buffer, 0, EMPTY_SIDE,
		EMPTY_SIDE, EMPTY_SIDE * 4));
	struct wl_surface *surface = create_window(test, client, &window);
	if (surface == NULL) {
		test_skip(test, "the compositor has no xdg_wm_base");
	}
	int patience = client->patience;
	client->patience = 300;
	for (int i = 0; i < 5; i++) {
		client_surface_show(&window.surface, &buffer);
	}
	client->patience = patience;
	must(test, client_roundtrip(client));
	struct stat st;
	if (fstat(memory.fd, &st) == 0 && st.st_blocks > 0) {
		test_fail(test, "a file of %d bytes that were all holes has "
			"been given %lld bytes of memory", EMPTY_BYTES,
			(long long)st.st_blocks * 512);
	}
}

/* Time */

static void flood_buffers(struct client *client, struct wl_shm_pool *pool,
		int32_t rows, int count) {
	for (int i = 0; i < count; i++) {
		wl_buffer_destroy(wl_shm_pool_create_buffer(pool, 0, WIDE, rows,
			STRIDE, WL_SHM_FORMAT_XRGB8888));
	}
}

#define FLOOD 4000

/* Whoever looks at a buffer when it is made, looks at 2 GiB each time. */
static void buffers_of_sparse_file(struct test *test) {
	struct client *client = &test->client;
	int fd = create_file(test, HUGE, F_SEAL_SHRINK);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd, HUGE);
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 0; i < 5 && test_now_ms() < deadline; i++) {
		flood_buffers(client, pool, ROWS, FLOOD);
		if (!client_roundtrip(client)) {
			return;
		}
	}
}

/* One that has all of its memory but the last page is looked at to the end. */
static void flood_with_hole(struct test *test, int count, int32_t rows) {
	static struct client clients[32];
	int32_t size = STRIDE * rows;
	int fd = create_file(test, size, F_SEAL_SHRINK);
	fill(test, fd, size - PAGE_BYTES);
	for (int i = 0; i < count; i++) {
		test_connect(test, &clients[i]);
		struct wl_shm_pool *pool = wl_shm_create_pool(clients[i].shm,
			fd, size);
		client_roundtrip(&clients[i]);
		/* As many as the socket takes without an answer. */
		flood_buffers(&clients[i], pool, rows, count > 1 ? 90 : 2000);
	}
	for (int i = 0; i < count; i++) {
		wl_display_flush(clients[i].display);
	}
	for (int i = 0; i < count; i++) {
		clients[i].patience = GREED_MS;
		client_roundtrip(&clients[i]);
	}
}

static void buffers_with_a_hole(struct test *test) {
	flood_with_hole(test, 1, (int32_t)test->argument);
}

static void buffers_with_a_hole_of_many(struct test *test) {
	flood_with_hole(test, 32, (int32_t)test->argument);
}

#define LARGE_ROWS 1024
#define LARGE_BYTES (STRIDE * LARGE_ROWS)

/* Each of them makes 64 MiB new, in 52 bytes of requests. */
static void commits_of_large_buffer(struct test *test) {
	struct client *client = &test->client;
	struct wl_surface *surface = create_surface(test, client);
	int fd = create_file(test, LARGE_BYTES, (unsigned)test->argument);
	fill(test, fd, LARGE_BYTES);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
		LARGE_BYTES);
	struct wl_buffer *buffer = wl_shm_pool_create_buffer(pool, 0, WIDE,
		LARGE_ROWS, STRIDE, WL_SHM_FORMAT_XRGB8888);
	for (int i = 0; i < 70; i++) {
		commit(surface, buffer);
	}
	client->patience = 2 * GREED_MS;
	client_roundtrip(client);
}

#define LARGEST_ROWS 8000

/* Each more of them costs as much again. */
#define LARGEST_CLIENTS 2

/* One commit each, of about as much as a client can have read: what is new to
 * the compositor's memory costs more than what it has had before. */
static void first_commits(struct test *test, int count) {
	static struct client clients[LARGEST_CLIENTS];
	int fd = create_large_file(test);
	for (int i = 0; i < count; i++) {
		test_connect(test, &clients[i]);
		struct wl_shm_pool *pool = wl_shm_create_pool(clients[i].shm,
			fd, HUGE);
		commit(create_surface(test, &clients[i]),
			wl_shm_pool_create_buffer(pool, 0, WIDE, LARGEST_ROWS,
				STRIDE, WL_SHM_FORMAT_XRGB8888));
	}
	for (int i = 0; i < count; i++) {
		wl_display_flush(clients[i].display);
	}
	for (int i = 0; i < count; i++) {
		clients[i].patience = 2 * GREED_MS;
		client_roundtrip(&clients[i]);
	}
}

static void first_commit_of_large_buffer(struct test *test) {
	first_commits(test, 1);
}

static void first_commits_of_large_buffers(struct test *test) {
	first_commits(test, LARGEST_CLIENTS);
}

const struct test_case greed_cases[] = {
	{ "greed/pools:one-connection", CASE_ROBUSTNESS,
		"A client may ask for more pools than the compositor can hold "
		"descriptors.", pools_of_one_connection },
	{ "greed/pools:many-connections", CASE_ROBUSTNESS,
		"A process may ask for them over many connections.",
		pools_of_many_connections },
	{ "greed/pools:to-the-limit", CASE_ROBUSTNESS,
		"A client may hold all descriptors that the compositor can "
		"have, and not one more.", pools_to_the_limit },
	{ "greed/pools:to-the-budget", CASE_ROBUSTNESS,
		"A process may find out how much it gets, and hold all of "
		"that over many connections.", pools_to_the_budget },
	{ "greed/pools:many-processes", CASE_ROBUSTNESS,
		"Many processes may ask for some, and none of them so many "
		"that a client with a dozen has to go.",
		pools_of_many_processes },
	{ "greed/pools:another-process", CASE_ROBUSTNESS,
		"Who has a dozen pools keeps them, whatever another process "
		"asks for.", others_pools_remain },
	{ "greed/pools:read", CASE_ROBUSTNESS,
		"Pools whose buffers are read may take more descriptors than "
		"others.", pools_that_are_read },
	{ "greed/churn:sealed", CASE_ROBUSTNESS,
		"What is held for a pool goes with it.", pools_come_and_go, 1 },
	{ "greed/churn:unsealed", CASE_ROBUSTNESS,
		"What is held for a pool goes with it.", pools_come_and_go, 0 },

	{ "greed/refused:size", CASE_ROBUSTNESS,
		"What is no pool holds nothing.", refused_files_are_closed, 0 },
	{ "greed/refused:pipe", CASE_ROBUSTNESS,
		"What is no pool holds nothing.", refused_files_are_closed, 1 },

	{ "greed/buffers", CASE_ROBUSTNESS,
		"A pool may have any number of buffers.", buffers_of_one_pool },
	{ "greed/buffers-of-a-surface", CASE_ROBUSTNESS,
		"A surface may have shown any number of buffers, all of which "
		"are there still.", buffers_of_one_surface },
	{ "greed/resizes:short", CASE_ROBUSTNESS,
		"A pool may be resized any number of times.", resizes, 0 },
	{ "greed/resizes:long", CASE_ROBUSTNESS,
		"A pool may be resized any number of times.", resizes, 1 },

	{ "greed/sparse:unsealed", CASE_ROBUSTNESS,
		"A file of 2 GiB may cost its client nothing, or little.",
		sparse_pool, 0 },
	{ "greed/sparse:sealed", CASE_ROBUSTNESS,
		"A file of 2 GiB may cost its client nothing, or little.",
		sparse_pool, F_SEAL_SHRINK },
	{ "greed/sparse:dotted", CASE_ROBUSTNESS,
		"A file of 2 GiB may cost its client nothing, or little.",
		sparse_pool, DOTTED },
	{ "greed/sparse:dotted-sealed", CASE_ROBUSTNESS,
		"A file of 2 GiB may cost its client nothing, or little.",
		sparse_pool, DOTTED | F_SEAL_SHRINK },
	{ "greed/sparse-windows:sealed", CASE_ROBUSTNESS,
		"A file of 2 GiB may cost its client nothing, or little, and "
		"be on the output.",
		sparse_windows, F_SEAL_SHRINK },
	{ "greed/sparse-windows:dotted", CASE_ROBUSTNESS,
		"A file of 2 GiB may cost its client nothing, or little, and "
		"be on the output.",
		sparse_windows, DOTTED },
	{ "greed/sparse-windows:dotted-sealed", CASE_ROBUSTNESS,
		"A file of 2 GiB may cost its client nothing, or little, and "
		"be on the output.",
		sparse_windows, DOTTED | F_SEAL_SHRINK },
	{ "greed/sparse-of-many:unsealed", CASE_ROBUSTNESS,
		"Several connections may have such a file.",
		sparse_pools_of_many, 0 },
	{ "greed/sparse-of-many:sealed", CASE_ROBUSTNESS,
		"Several connections may have such a file.",
		sparse_pools_of_many, F_SEAL_SHRINK },
	{ "greed/sparse-of-many:dotted", CASE_ROBUSTNESS,
		"Several connections may have such a file.",
		sparse_pools_of_many, DOTTED },
	{ "greed/sparse-of-many:dotted-sealed", CASE_ROBUSTNESS,
		"Several connections may have such a file.",
		sparse_pools_of_many, DOTTED | F_SEAL_SHRINK },

	{ "greed/holes-stay-empty:unsealed", CASE_QUALITY,
		"Memory that a client has not drawn in is not the compositor's "
		"to provide.", holes_stay_empty, 0 },
	{ "greed/holes-stay-empty:sealed", CASE_QUALITY,
		"Memory that a client has not drawn in is not the compositor's "
		"to provide.", holes_stay_empty, 1 },

	{ "greed/time-of-buffers:sparse", CASE_ROBUSTNESS,
		"A buffer of a file without memory is made in no time.",
		buffers_of_sparse_file },
	{ "greed/time-of-buffers:hole", CASE_ROBUSTNESS,
		"A buffer that has all of its memory but for a page is made in "
		"little time.", buffers_with_a_hole, 4095 },
	{ "greed/time-of-buffers:hole-of-many", CASE_ROBUSTNESS,
		"Several connections may make such buffers.",
		buffers_with_a_hole_of_many, 4095 },
	{ "greed/time-of-buffers:large-hole-of-many", CASE_ROBUSTNESS,
		"Several connections may make such buffers.",
		buffers_with_a_hole_of_many, 16384 },
	{ "greed/time-of-first-commit:unsealed", CASE_ROBUSTNESS,
		"A buffer of 500 MiB may be committed, and others be answered "
		"soon.",
		first_commit_of_large_buffer, 0 },
	{ "greed/time-of-first-commit:sealed", CASE_ROBUSTNESS,
		"A buffer of 500 MiB may be committed, and others be answered "
		"soon.",
		first_commit_of_large_buffer, F_SEAL_SHRINK },
	{ "greed/time-of-first-commit:dotted", CASE_ROBUSTNESS,
		"A buffer of 500 MiB may be committed, and others be answered "
		"soon.",
		first_commit_of_large_buffer, DOTTED },
	{ "greed/time-of-first-commit:dotted-sealed", CASE_ROBUSTNESS,
		"A buffer of 500 MiB may be committed, and others be answered "
		"soon.",
		first_commit_of_large_buffer, DOTTED | F_SEAL_SHRINK },
	{ "greed/time-of-first-commits:unsealed", CASE_ROBUSTNESS,
		"Several connections may commit such a buffer at once.",
		first_commits_of_large_buffers, 0 },
	{ "greed/time-of-first-commits:sealed", CASE_ROBUSTNESS,
		"Several connections may commit such a buffer at once.",
		first_commits_of_large_buffers, F_SEAL_SHRINK },
	{ "greed/time-of-first-commits:dotted", CASE_ROBUSTNESS,
		"Several connections may commit such a buffer at once.",
		first_commits_of_large_buffers, DOTTED },
	{ "greed/time-of-first-commits:dotted-sealed", CASE_ROBUSTNESS,
		"Several connections may commit such a buffer at once.",
		first_commits_of_large_buffers, DOTTED | F_SEAL_SHRINK },
	{ "greed/time-of-commits:unsealed", CASE_ROBUSTNESS,
		"A large buffer may be committed again and again, in less time "
		"than it takes to paint it.", commits_of_large_buffer, 0 },
	{ "greed/time-of-commits:sealed", CASE_ROBUSTNESS,
		"A large buffer may be committed again and again, in less time "
		"than it takes to paint it.", commits_of_large_buffer,
		F_SEAL_SHRINK },
	{ 0 },
};
