/* SPDX-License-Identifier: MIT */
/*
 * A minimal compositor with Sealpool and without wlroots, and a client of it in a thread.
 * Reads one pixel of a sealed and one of an unsealed pool, and prints how each was read.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <unistd.h>

#include <wayland-client.h>
#include <wayland-server-core.h>

#include <sealpool/guard.h>
#include <sealpool/shm.h>

#define DRM_FORMAT_ARGB8888 0x34325241
#define DRM_FORMAT_XRGB8888 0x34325258

static const size_t size = 64 * 64 * 4;
static const uint32_t pixels[] = { 0xff102030, 0xff405060 };

struct client {
	struct wl_shm *shm;
	int fd;
};

static void handle_global(void *data, struct wl_registry *registry,
		uint32_t name, const char *interface, uint32_t version) {
	struct client *client = data;
	if (strcmp(interface, "wl_shm") == 0) {
		client->shm = wl_registry_bind(registry, name,
			&wl_shm_interface, 1);
	}
}

static void handle_global_remove(void *data, struct wl_registry *registry,
		uint32_t name) {
}

static const struct wl_registry_listener registry_listener = {
	.global = handle_global,
	.global_remove = handle_global_remove,
};

static void make_buffer(struct client *client, uint32_t pixel, int seals) {
	int fd = memfd_create("pool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
			fcntl(fd, F_ADD_SEALS, seals) < 0) {
		abort();
	}
	uint32_t *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		fd, 0);
	if (data == MAP_FAILED) {
		abort();
	}
	for (size_t i = 0; i < size / 4; i++) {
		data[i] = pixel;
	}
	struct wl_shm_pool *pool =
		wl_shm_create_pool(client->shm, fd, (int32_t)size);
	wl_shm_pool_create_buffer(pool, 0, 64, 64, 64 * 4,
		WL_SHM_FORMAT_XRGB8888);
}

static void *run_client(void *data) {
	struct client *client = data;
	struct wl_display *display = wl_display_connect_to_fd(client->fd);
	struct wl_registry *registry = wl_display_get_registry(display);
	wl_registry_add_listener(registry, &registry_listener, client);
	wl_display_roundtrip(display);
	make_buffer(client, pixels[0], F_SEAL_SHRINK);
	make_buffer(client, pixels[1], 0);
	if (wl_display_roundtrip(display) < 0) {
		abort();
	}
	/* The thread that serves it ends with the connection. */
	wl_display_disconnect(display);
	return NULL;
}

struct compositor {
	struct wl_display *display;
	struct sealpool_buffer *buffers[2];
	int buffers_len;
	struct wl_listener new_buffer;
	struct wl_listener client_destroy;
};

static void handle_new_buffer(struct wl_listener *listener, void *data) {
	struct compositor *compositor =
		wl_container_of(listener, compositor, new_buffer);
	if (compositor->buffers_len < 2) {
		compositor->buffers[compositor->buffers_len++] =
			sealpool_buffer_ref(data);
	}
}

static void handle_client_destroy(struct wl_listener *listener, void *data) {
	struct compositor *compositor =
		wl_container_of(listener, compositor, client_destroy);
	wl_display_terminate(compositor->display);
}

static int read_buffer(struct sealpool_buffer *buffer, uint32_t pixel) {
	struct sealpool_access access;
	if (sealpool_buffer_begin_access(buffer, SEALPOOL_ACCESS_READ,
			&access) < 0) {
		return 1;
	}
	uint32_t seen;
	memcpy(&seen, (char *)access.data + access.stride * 63 + 63 * 4, 4);
	sealpool_buffer_end_access(&access);
	printf("%s 0x%08x\n",
		sealpool_memory_kind_name(sealpool_buffer_get_kind(buffer)),
		(unsigned)seen);
	return seen != pixel;
}

int main(void) {
	struct compositor compositor = { .display = wl_display_create() };
	const uint32_t formats[] = { DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888 };
	struct sealpool_shm *shm =
		sealpool_shm_create(compositor.display, 2, formats, 2, NULL);
	if (shm == NULL) {
		return 1;
	}
	compositor.new_buffer.notify = handle_new_buffer;
	sealpool_shm_add_new_buffer_listener(shm, &compositor.new_buffer);

	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		return 1;
	}
	struct wl_client *wl_client = wl_client_create(compositor.display, fds[0]);
	compositor.client_destroy.notify = handle_client_destroy;
	wl_client_add_destroy_listener(wl_client, &compositor.client_destroy);
	struct client client = { .fd = fds[1] };
	pthread_t thread;
	if (pthread_create(&thread, NULL, run_client, &client) != 0) {
		return 1;
	}
	wl_display_run(compositor.display);
	pthread_join(thread, NULL);

	/* The client has disconnected, but its buffers can still be read. */
	int bad = compositor.buffers_len != 2;
	for (int i = 0; i < compositor.buffers_len; i++) {
		bad |= read_buffer(compositor.buffers[i], pixels[i]);
		sealpool_buffer_unref(compositor.buffers[i]);
	}
	wl_display_destroy(compositor.display);

	/* The guard is in the same library. */
	struct wl_display *other = wl_display_create();
	bad |= sealpool_guard_create(other, NULL) == NULL;
	wl_display_destroy(other);
	return bad;
}
