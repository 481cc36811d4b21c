/* SPDX-License-Identifier: MIT */
/*
 * What a client can request until nothing is left for others: descriptors, memory,
 * addresses, time.
 *
 * Each single request is legal. The client may be refused, or get what it requests. The
 * bystander, which creates pools all the time, must still get its own. The compositor's
 * resources are counted: Linux shows its memory and its descriptors, unless the process
 * belongs to another user.
 *
 * The files are sparse: only the compositor would allocate their memory. Some have a page
 * in each row, so that they are not only holes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wayland-client.h>

#include "greed.h"

/* The compositor's resources */

int64_t get_memory(const struct test *test, const char *field) {
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

int64_t need_memory(struct test *test, const char *field) {
	int64_t bytes = get_memory(test, field);
	if (bytes < 0) {
		test_skip(test, "the compositor's memory is not known");
	}
	return bytes;
}

int count_fds(const struct test *test) {
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

int get_fd_limit(const struct test *test) {
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

struct wl_surface *greed_create_surface(struct test *test,
		struct client *client) {
	struct wl_surface *surface =
		wl_compositor_create_surface(client->compositor);
	if (surface == NULL) {
		test_fail(test, "no memory");
	}
	return surface;
}

void greed_commit(struct wl_surface *surface, struct wl_buffer *buffer) {
	wl_surface_attach(surface, buffer, 0, 0);
	wl_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
	wl_surface_commit(surface);
}

struct wl_surface *greed_create_window(struct test *test,
		struct client *client, struct client_window *window) {
	if (client->wm_base == NULL) {
		return NULL;
	}
	if (!client_window_create(client, window, "greed")) {
		test_fail_client(test, client);
	}
	return window->surface.surface;
}

int greed_create_file(struct test *test, off_t size, unsigned seals) {
	int fd = memfd_create("greed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, size) < 0 ||
			fcntl(fd, F_ADD_SEALS, seals) < 0) {
		test_skip(test, "cannot make a file of %lld bytes: %s",
			(long long)size, strerror(errno));
	}
	return fd;
}

ino_t greed_large_file;

int create_large_file(struct test *test) {
	int fd = greed_create_file(test, HUGE,
		(unsigned)test->argument & ~DOTTED);
	struct stat st;
	greed_large_file = fstat(fd, &st) == 0 ? st.st_ino : 0;
	for (off_t at = 0; at < HUGE && (test->argument & DOTTED);
			at += DOT_STEP) {
		if (pwrite(fd, "+", 1, at) != 1) {
			test_skip(test, "there is no memory for the file: %s",
				strerror(errno));
		}
	}
	return fd;
}

void greed_fill(struct test *test, int fd, off_t size) {
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

struct wl_buffer *create_page_buffer(struct wl_shm_pool *pool) {
	return wl_shm_pool_create_buffer(pool, 0, SIDE, SIDE, SIDE * 4,
		WL_SHM_FORMAT_XRGB8888);
}

struct wl_shm_pool *create_page_pool(struct test *test,
		struct client *client) {
	int fd = greed_create_file(test, PAGE_BYTES, F_SEAL_SHRINK);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
		PAGE_BYTES);
	close(fd);
	return pool;
}

int create_pools(struct test *test, struct client *client, int count,
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

void linger(void) {
	poll(NULL, 0, 200);
}
