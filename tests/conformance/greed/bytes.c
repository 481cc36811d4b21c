/* SPDX-License-Identifier: MIT */
/*
 * Memory of the compositor.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wayland-client.h>

#include "greed.h"
#include "xdg-shell-client-protocol.h"

/* Each part alone is small enough to take little time. */
#define PARTS 32
/* The size of a part. All parts together are 2 GiB less some rows. */
#define PART_WIDE 8192
#define PART_ROWS (ROWS * 2 / PARTS - 1)
#define PART_STRIDE (PART_WIDE * 4)
#define PART_BYTES (PART_STRIDE * PART_ROWS)

/* With more files, some are counted more than once. */
#define FILES_MAX 2048

/* Returns whether the file was not seen before. */
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

/* Returns the memory of the compositor's own files, mapped or not. */
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
		/* Other files than memfds may be on a file system that does not
		 * respond. */
		struct stat st;
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link,
			sizeof(link) - 1);
		if (n > 0 && strncmp(link, "/memfd:", 7) == 0 &&
				fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
				st.st_ino != greed_large_file &&
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

/* Shows each part on a surface of its own. Returns false when the client is
 * disconnected. */
static bool show_parts(struct test *test, struct client *client, int fd,
		int parts, int64_t before, int64_t max) {
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd, HUGE);
	for (int i = 0; i < parts; i++) {
		struct wl_buffer *buffer = wl_shm_pool_create_buffer(pool,
			i * PART_BYTES, PART_WIDE, PART_ROWS, PART_STRIDE,
			WL_SHM_FORMAT_XRGB8888);
		greed_commit(greed_create_surface(test, client), buffer);
		/* A subsurface, since a shell may change the size of a toplevel. */
		if (client->subcompositor != NULL && i == 0) {
			struct wl_surface *child =
				greed_create_surface(test, client);
			struct wl_surface *parent =
				greed_create_surface(test, client);
			wl_subcompositor_get_subsurface(client->subcompositor,
				child, parent);
			greed_commit(child, buffer);
			greed_commit(parent, buffer);
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
		/* Its commit applies the state of synchronized subsurfaces. */
		client_surface_show(parent, &small);
		client->patience = patience;
		expect_bound(test, before, GROWTH_MAX);
		if (wl_display_get_error(client->display) != 0) {
			return;
		}
	}
}

/* The client itself does not have this memory. */
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

/* Reading a hole in place allocates memory, at the reader's expense. */
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
	struct wl_surface *surface = greed_create_window(test, client, &window);
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

const struct test_case greed_byte_cases[] = {
	sparse_kinds("greed/sparse:", sparse_pool,
		"A client shares files of 2 GiB that have little or no memory; "
		"the compositor's memory does not run out."),
	{ "greed/sparse-windows:sealed", CASE_ROBUSTNESS,
		"Buffers in a file of 2 GiB that has little or no memory are shown on "
		"the output; the compositor's memory does not run out.",
		sparse_windows, F_SEAL_SHRINK },
	{ "greed/sparse-windows:dotted", CASE_ROBUSTNESS,
		"Buffers in a file of 2 GiB that has little or no memory are shown on "
		"the output; the compositor's memory does not run out.",
		sparse_windows, DOTTED },
	{ "greed/sparse-windows:dotted-sealed", CASE_ROBUSTNESS,
		"Buffers in a file of 2 GiB that has little or no memory are shown on "
		"the output; the compositor's memory does not run out.",
		sparse_windows, DOTTED | F_SEAL_SHRINK },
	sparse_kinds("greed/sparse-of-many:", sparse_pools_of_many,
		"Several connections each share a file of 2 GiB that has "
		"little or no memory; the compositor's memory does not run "
		"out."),

	{ "greed/holes-stay-empty:unsealed", CASE_QUALITY,
		"Showing a buffer allocates no memory in its file where the client "
		"has drawn nothing.", holes_stay_empty, 0 },
	{ "greed/holes-stay-empty:sealed", CASE_QUALITY,
		"Showing a buffer allocates no memory in its file where the client "
		"has drawn nothing.", holes_stay_empty, 1 },
	{ 0 },
};
