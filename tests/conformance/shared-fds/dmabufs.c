/* SPDX-License-Identifier: MIT */
/*
 * Files that are sent as dma-bufs, and are none. A driver that renders in software may
 * map them.
 */
#include <poll.h>
#include <unistd.h>
#include <wayland-client.h>

#include "files.h"
#include "hostile/attacker.h"
#include "linux-dmabuf-v1-client-protocol.h"
#include "silent-files.h"

#define XRGB8888 0x34325258u

static uint8_t pixels[BYTES];

struct import {
	struct wl_buffer *buffer;
	bool done;
};

static void handle_created(void *data,
		struct zwp_linux_buffer_params_v1 *params,
		struct wl_buffer *buffer) {
	struct import *import = data;
	import->buffer = buffer;
	import->done = true;
}

static void handle_failed(void *data,
		struct zwp_linux_buffer_params_v1 *params) {
	struct import *import = data;
	import->done = true;
}

static const struct zwp_linux_buffer_params_v1_listener params_listener = {
	.created = handle_created,
	.failed = handle_failed,
};

static void *create_params(struct test *test) {
	struct client_global manager = {
		.interface = &zwp_linux_dmabuf_v1_interface,
		.version = 3,
	};
	bind_or_skip(test, &manager);
	return zwp_linux_dmabuf_v1_create_params(manager.object);
}

static const struct shared_interface buffers = {
	.create = create_params,
	.bytes = pixels,
	.size = BYTES,
};

/* In rows, and on a surface. */
static void show_import(struct test *test,
		struct zwp_linux_buffer_params_v1 *params, int fd) {
	static struct import import;
	static struct client_window window;
	struct client *client = &test->client;
	zwp_linux_buffer_params_v1_add_listener(params, &params_listener,
		&import);
	zwp_linux_buffer_params_v1_add(params, fd, 0, 0, STRIDE, 0, 0);
	zwp_linux_buffer_params_v1_create(params, SIDE, SIDE, XRGB8888, 0);
	if (!client_wait(client, &import.done, "an answer to an import") ||
			import.buffer == NULL || client->wm_base == NULL ||
			!client_window_create(client, &window, "import")) {
		return;
	}
	struct wl_surface *surface = window.surface.surface;
	wl_surface_attach(surface, import.buffer, 0, 0);
	/* It is shown, and shown again after it was truncated. */
	for (int i = 0; i < 2; i++) {
		wl_surface_damage(surface, 0, 0, SIDE, SIDE);
		wl_surface_commit(surface);
		for (int ms = 0; ms < ATTACK_MS; ms += 20) {
			if (!client_roundtrip(client)) {
				return;
			}
			poll(NULL, 0, 20);
		}
		if (test->argument == FILE_CUT_AFTERWARDS) {
			ftruncate(fd, 0);
		}
	}
}

static void hostile_import(struct test *test) {
	struct zwp_linux_buffer_params_v1 *params = create_params(test);
	int fd = open_shared(test, (enum shared_file)test->argument, &buffers);
	show_import(test, params, fd);
	client_disconnect(&test->client);
	probe(test);
	if (silent_files.pid > 0) {
		silent_files_unmount(&silent_files);
	}
}

#define hostile(name, kind) \
	{ "shared-fds/dmabuf:" name, CASE_ROBUSTNESS, \
		"A file that is no dma-buf is sent as one.", \
		hostile_import, kind }

const struct test_case shared_dmabuf_cases[] = {
	hostile("memory", FILE_UNSEALED),
	hostile("sealed", FILE_SEALED),
	hostile("short", FILE_SHORT),
	hostile("empty", FILE_EMPTY),
	hostile("cut-afterwards", FILE_CUT_AFTERWARDS),
	hostile("on-disk", FILE_ON_DISK),
	hostile("pipe", FILE_PIPE),
	hostile("socket", FILE_SOCKET),
	hostile("directory", FILE_DIRECTORY),
	hostile("silent-read", FILE_SILENT_READ),
	hostile("silent-getattr", FILE_SILENT_GETATTR),
	hostile("silent-flush", FILE_SILENT_FLUSH),
	{ 0 },
};
