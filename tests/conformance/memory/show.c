/* SPDX-License-Identifier: MIT */
/*
 * Memory that is legal, but unusual: sealed, opened or filled in other ways, or mostly
 * without memory. wl_shm requires only that the fd can be mapped.
 *
 * If the output can be captured, the picture must be exact; otherwise, the client must
 * stay connected. In the other direction, a compositor that writes a captured picture to
 * such memory changes the buffer's pixels, and nothing else.
 *
 * Nothing is destroyed at the end, since the process ends with its case.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>

#include "show.h"

_Noreturn void fail_errno(struct test *test, const char *doing) {
	test_fail(test, "the case's own %s failed: %s", doing, strerror(errno));
}

/* It may have a protocol, but refuse this client. */
static bool can_capture(struct test *test) {
	struct client_image image;
	if (!client_capture_is_possible(&test->client)) {
		return false;
	}
	bool ok = client_capture_output(&test->client, CLIENT_MEMORY_SEALED,
		&image);
	client_image_destroy(&image);
	if (!ok) {
		test_expect_alive(test);
	}
	return ok;
}

void show_init(struct test *test, struct show *show,
		enum client_memory_kind kind) {
	*show = (struct show){ .test = test, .size = 2 * ROOM };
	must(test, client_memory_create(&test->client, &show->memory, kind,
		2 * ROOM));
	show->can_see = can_capture(test) && test->client.wm_base != NULL;
}

void show_create_buffers(struct show *show) {
	for (int32_t i = 0; i < 2; i++) {
		must(show->test, client_buffer_create(&show->pool,
			&show->buffers[i], show->offset + i * ROOM, WIDTH,
			HEIGHT, WIDTH * 4));
	}
}

void show_begin(struct show *show) {
	struct test *test = show->test;
	struct client *client = &test->client;
	show->may_be_late = fcntl(show->memory.fd, F_GET_SEALS) < 0;
	must(test, client_pool_create(client, &show->pool, &show->memory,
		show->size));
	show_create_buffers(show);
	if (!client_image_create(&show->expected, WIDTH, HEIGHT)) {
		test_fail(test, "no memory");
	}
	if (client->wm_base != NULL) {
		must(test, client_window_create(client, &show->window,
			"memory"));
	} else {
		show->window.surface.client = client;
		show->window.surface.surface =
			wl_compositor_create_surface(client->compositor);
	}
}

void show_draw_expected(struct show *show) {
	client_image_draw(&show->expected, show->frames);
}

static void commit_buffer(struct show *show) {
	struct client_surface *surface = &show->window.surface;
	client_surface_attach(surface, &show->buffers[show->frames % 2]);
	client_surface_damage(surface, 0, 0, WIDTH, HEIGHT);
	client_surface_commit(surface);
}

static bool is_seen(struct show *show) {
	struct client_image output;
	int32_t x, y;
	must(show->test, client_capture_output(&show->test->client,
		CLIENT_MEMORY_SEALED, &output));
	bool seen = client_image_find(&output, &show->expected, &x, &y);
	client_image_destroy(&output);
	return seen;
}

void show_frame(struct show *show) {
	struct test *test = show->test;
	char what[40];
	commit_buffer(show);
	for (int tries = 0; show->can_see && show->may_be_late &&
			tries < LATE_TRIES && !is_seen(show); tries++) {
		poll(NULL, 0, LATE_WAIT_MS);
		commit_buffer(show);
	}
	snprintf(what, sizeof(what), "frame %u", show->frames++);
	if (show->can_see) {
		test_expect_seen(test, &show->expected, what);
	}
	for (int i = 0; i < 3; i++) {
		test_expect_alive(test);
	}
}

struct client_buffer *show_take_buffer(struct show *show) {
	struct client_buffer *buffer = &show->buffers[show->frames % 2];
	must(show->test, client_buffer_wait_released(&show->test->client,
		buffer));
	return buffer;
}

void show_draw_buffer(struct show *show, const struct client_buffer *buffer) {
	struct client_image image;
	must(show->test, client_buffer_get_image(&show->test->client, buffer,
		&image));
	client_image_paste(&image, 0, 0, &show->expected);
}

void show_draw_frames(struct show *show, int count) {
	for (int i = 0; i < count; i++) {
		struct client_buffer *buffer = show_take_buffer(show);
		show_draw_expected(show);
		show_draw_buffer(show, buffer);
		show_frame(show);
	}
}

void show_write_buffer(struct show *show, const struct client_buffer *buffer) {
	const char *data = show->expected.data;
	size_t done = 0;
	while (done < BYTES) {
		ssize_t n = pwrite(show->memory.fd, data + done, BYTES - done,
			buffer->offset + (off_t)done);
		if (n < 0) {
			fail_errno(show->test, "pwrite()");
		}
		done += (size_t)n;
	}
}

void show_set_append(struct show *show) {
	int flags = fcntl(show->memory.fd, F_GETFL);
	if (flags < 0 || fcntl(show->memory.fd, F_SETFL,
			flags | O_APPEND) != 0) {
		fail_errno(show->test, "F_SETFL");
	}
}

void show_unmap(struct show *show) {
	munmap(show->memory.data, show->memory.size);
	show->memory.data = NULL;
}

void show_seal(struct show *show, unsigned seals) {
	if (fcntl(show->memory.fd, F_ADD_SEALS, seals) == 0) {
		return;
	}
	if (errno == EINVAL) {
		test_skip(show->test, "this system does not have the seals %#x",
			seals);
	}
	fail_errno(show->test, "F_ADD_SEALS");
}
