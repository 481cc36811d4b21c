/* SPDX-License-Identifier: MIT */
/*
 * The client. It is the same process for all implementations, so its effect on the
 * machine's caches is the same too.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"
#include "virtual-keyboard-unstable-v1-client-protocol.h"
#include "globals.h"

static void die(const char *what) {
	fprintf(stderr, "bench: the client cannot %s: ", what);
	perror(NULL);
	exit(1);
}

void roundtrip(struct connection *connection) {
	if (wl_display_roundtrip(connection->display) < 0) {
		die("go on");
	}
}

bool connection_try(struct connection *connection, int fd) {
	*connection = (struct connection){ 0 };
	connection->display = wl_display_connect_to_fd(fd);
	if (connection->display == NULL) {
		die("connect");
	}
	struct client_global globals[] = {
		{ .interface = &wl_compositor_interface, .version = 4 },
		{ .interface = &wl_shm_interface, .version = 1 },
		{ .interface = &bench_interface, .version = 1 },
		{ .interface = &wl_seat_interface, .version = 1 },
		{ .interface = &zwp_virtual_keyboard_manager_v1_interface,
			.version = 1 },
		{ 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(connection->display, globals);
	if (registry == NULL) {
		die("list the globals");
	}
	bool answered = wl_display_roundtrip(connection->display) >= 0;
	wl_registry_destroy(registry);
	if (!answered) {
		wl_display_disconnect(connection->display);
		return false;
	}
	connection->compositor = globals[0].object;
	connection->shm = globals[1].object;
	connection->bench = globals[2].object;
	connection->seat = globals[3].object;
	connection->keyboard_manager = globals[4].object;
	if (connection->compositor == NULL || connection->shm == NULL ||
			connection->bench == NULL || connection->seat == NULL ||
			connection->keyboard_manager == NULL) {
		die("bind the globals");
	}
	return true;
}

void connection_open(struct connection *connection, int fd) {
	if (!connection_try(connection, fd)) {
		die("talk to its server");
	}
}

void connection_close(struct connection *connection) {
	zwp_virtual_keyboard_manager_v1_destroy(connection->keyboard_manager);
	wl_seat_destroy(connection->seat);
	bench_destroy(connection->bench);
	wl_shm_destroy(connection->shm);
	wl_compositor_destroy(connection->compositor);
	wl_display_disconnect(connection->display);
}

/* Memory */

static const uint8_t *get_filling(size_t *size) {
	static uint8_t filling[256 * 1024];
	*size = sizeof(filling);
	if (filling[0] == 0) {
		for (size_t i = 0; i < sizeof(filling); i++) {
			filling[i] = (uint8_t)(i * 7 + i / 256 + 1);
		}
	}
	return filling;
}

void memory_fill(struct memory *memory, uint64_t offset, uint64_t size) {
	size_t piece;
	const uint8_t *filling = get_filling(&piece);
	while (size > 0) {
		size_t length = size < piece ? (size_t)size : piece;
		if (pwrite(memory->fd, filling, length, (off_t)offset) !=
				(ssize_t)length) {
			die("fill its memory");
		}
		offset += length;
		size -= length;
	}
}

void memory_create(struct memory *memory, bool sealed, uint64_t size,
		bool fill) {
	*memory = (struct memory){ .size = size };
	memory->fd = memfd_create("sealpool-bench",
		MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory->fd < 0 || ftruncate(memory->fd, (off_t)size) < 0) {
		die("create its memory");
	}
	if (fill) {
		memory_fill(memory, 0, size);
	}
	if (sealed && fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		die("seal its memory");
	}
}

void memory_grow(struct memory *memory, uint64_t size) {
	if (ftruncate(memory->fd, (off_t)size) < 0) {
		die("grow its memory");
	}
	memory->size = size;
}

void memory_map(struct memory *memory) {
	void *data = mmap(NULL, memory->size, PROT_READ | PROT_WRITE,
		MAP_SHARED, memory->fd, 0);
	if (data == MAP_FAILED) {
		die("map its memory");
	}
	memory->data = data;
}

void memory_destroy(struct memory *memory) {
	if (memory->data != NULL) {
		munmap(memory->data, memory->size);
	}
	close(memory->fd);
}

/* Objects */

struct wl_buffer *create_buffer(struct wl_shm_pool *pool, int32_t offset,
		int32_t width, int32_t height) {
	return wl_shm_pool_create_buffer(pool, offset, width, height,
		width * 4, WL_SHM_FORMAT_ARGB8888);
}

void window_create(struct window *window, struct connection *connection) {
	*window = (struct window){
		.connection = connection,
		.surface = wl_compositor_create_surface(connection->compositor),
	};
}

void window_commit(struct window *window, struct wl_buffer *buffer, int32_t x,
		int32_t y, int32_t width, int32_t height) {
	wl_surface_attach(window->surface, buffer, 0, 0);
	wl_surface_damage_buffer(window->surface, x, y, width, height);
	wl_surface_commit(window->surface);
}

static void handle_done(void *data, struct wl_callback *callback,
		uint32_t time) {
	struct window *window = data;
	window->painted = true;
	wl_callback_destroy(callback);
}

static const struct wl_callback_listener callback_listener = {
	.done = handle_done,
};

void window_present(struct window *window, struct wl_buffer *buffer, int32_t x,
		int32_t y, int32_t width, int32_t height) {
	struct wl_callback *callback = wl_surface_frame(window->surface);
	wl_callback_add_listener(callback, &callback_listener, window);
	window->painted = false;
	window_commit(window, buffer, x, y, width, height);
	while (!window->painted) {
		if (wl_display_dispatch(window->connection->display) < 0) {
			die("go on");
		}
	}
}
