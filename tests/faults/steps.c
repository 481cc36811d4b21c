/* SPDX-License-Identifier: MIT */
/*
 * The steps of clients: first those of honest ones.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <wayland-client.h>

#include "driver.h"
#include "globals.h"
#include "sealpool-shm-feedback-v1-client-protocol.h"
#include "steps.h"

bool step_connect(struct guest *guest, int arg) {
	return guest_connect(guest);
}

bool step_leave(struct guest *guest, int arg) {
	struct compositor_process *compositor = guest->compositor;
	guest_disconnect(guest);
	return compositor_tell(compositor, 'n', 0);
}

bool step_begin(struct guest *guest, int kind) {
	return guest_begin(guest, (enum client_memory_kind)kind,
			2 * GUEST_BYTES) &&
		guest_add_buffer(guest, 0) && guest_add_buffer(guest, 1);
}

bool step_show(struct guest *guest, int index) {
	return guest_show(guest, index);
}

bool step_redraw(struct guest *guest, int side) {
	return guest_redraw(guest, side);
}

bool step_look(struct guest *guest, int command) {
	return guest_look(guest, (char)command);
}

bool step_get_fd(struct guest *guest, int arg) {
	return compositor_tell(guest->compositor, 'f', guest->slot);
}

bool step_capture(struct guest *guest, int index) {
	return guest_capture(guest, index);
}

bool step_abandon_capture(struct guest *guest, int index) {
	return guest_abandon_capture(guest, index);
}

bool step_keep(struct guest *guest, int arg) {
	return compositor_tell(guest->compositor, 'k', guest->slot);
}

/* Before the compositor has handled the first. */
bool step_commit_twice(struct guest *guest, int arg) {
	struct client_image image;
	if (!client_buffer_get_image(&guest->client, &guest->buffers[0],
			&image)) {
		return false;
	}
	client_image_draw(&image, ++guest->frame);
	client_image_draw(&guest->now, guest->frame);
	guest->shown = 0;
	for (int i = 0; i < 2; i++) {
		wl_surface_attach(guest->surface, guest->buffers[0].buffer, 0, 0);
		wl_surface_damage_buffer(guest->surface, 0, 0, GUEST_SIDE,
			GUEST_SIDE / (i + 1));
		wl_surface_commit(guest->surface);
	}
	return client_roundtrip(&guest->client) && guest_look(guest, 'r');
}

bool step_tell(struct guest *guest, int command) {
	return compositor_tell(guest->compositor, (char)command, 0);
}

/* Adds two buffers behind the existing ones. */
bool step_grow(struct guest *guest, int buffers) {
	size_t size = guest->memory.size + 2 * GUEST_BYTES;
	if (!client_memory_grow(&guest->client, &guest->memory, size)) {
		return false;
	}
	client_pool_resize(&guest->pools[0], (int32_t)size);
	return guest_add_buffer(guest, buffers) &&
		guest_add_buffer(guest, buffers + 1);
}

bool step_destroy_pool(struct guest *guest, int arg) {
	client_pool_destroy(&guest->pools[0]);
	return client_roundtrip(&guest->client);
}

/* More than is freed at once. */
#define HUGE_BYTES (34 << 20)

/* A file that is much larger than its buffers. */
bool step_begin_huge(struct guest *guest, int arg) {
	return guest_begin(guest, CLIENT_MEMORY_SEALED, HUGE_BYTES) &&
		fallocate(guest->memory.fd, 0, 0, HUGE_BYTES) == 0 &&
		guest_add_buffer(guest, 0);
}

/* On a machine without huge pages, memory of another kind; then nothing is checked. */
bool step_begin_huge_pages(struct guest *guest, int arg) {
	struct client *client = &guest->client;
	int fd = memfd_create("faults", MFD_HUGETLB | MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 2 << 20) < 0) {
		close(fd);
		return true;
	}
	guest->surface = wl_compositor_create_surface(client->compositor);
	guest->pools[0].client = client;
	guest->pools[0].memory = &guest->memory;
	guest->pools[0].pool = wl_shm_create_pool(client->shm, fd, 2 << 20);
	close(fd);
	return guest_add_buffer(guest, 0) && guest_commit(guest, 0);
}

/* The picture stays if the compositor holds the buffer. */
bool step_destroy_buffer(struct guest *guest, int index) {
	client_buffer_destroy(&guest->buffers[index]);
	return client_roundtrip(&guest->client);
}

bool step_hide(struct guest *guest, int arg) {
	wl_surface_attach(guest->surface, NULL, 0, 0);
	wl_surface_commit(guest->surface);
	return client_roundtrip(&guest->client);
}

bool step_seal(struct guest *guest, int arg) {
	return client_memory_seal(&guest->client, &guest->memory, F_SEAL_SHRINK);
}

/* Hostile clients */

bool step_cut(struct guest *guest, int arg) {
	return client_memory_cut(&guest->client, &guest->memory, 0) &&
		(guest_commit(guest, 0), guest_expect_error(guest,
			"wl_shm.invalid_fd"));
}

/* The compositor may disconnect the client, or report that the capture has failed. */
bool step_cut_captured(struct guest *guest, int arg) {
	return client_memory_cut(&guest->client, &guest->memory, 0) &&
		!guest_capture(guest, 0) && guest_expect_error(guest,
			"wl_shm.invalid_fd");
}

bool step_capture_refused(struct guest *guest, int index) {
	return !guest_capture(guest, index);
}

bool step_make_read_only(struct guest *guest, int arg) {
	struct client *client = &guest->client;
	guest->surface = wl_compositor_create_surface(client->compositor);
	if (!client_memory_create(client, &guest->memory, CLIENT_MEMORY_SEALED,
				2 * GUEST_BYTES) ||
			!client_memory_make_read_only(client, &guest->memory) ||
			!client_pool_create(client, &guest->pools[0],
				&guest->memory, 2 * GUEST_BYTES)) {
		return false;
	}
	/* libwayland's own wl_shm does not accept such a file. */
	return (guest_add_buffer(guest, 0) && guest_add_buffer(guest, 1)) ||
		(guest->compositor->libwayland &&
		guest_expect_error(guest, "wl_shm.invalid_fd"));
}

/* The pool is longer than its file, which can still grow. */
bool step_resize_beyond(struct guest *guest, int arg) {
	client_pool_resize(&guest->pools[0], 64 * GUEST_BYTES);
	return client_buffer_create(&guest->pools[0], &guest->buffers[2],
			8 * GUEST_BYTES, GUEST_SIDE, GUEST_SIDE,
			GUEST_SIDE * 4) &&
		(guest_commit(guest, 2), guest_expect_error(guest,
			"wl_shm.invalid_fd"));
}

/* A file that is not memory. */
bool step_send_fd(struct guest *guest, int what) {
	int fds[2] = { -1, -1 };
	switch (what) {
	case 'p':
		if (pipe2(fds, O_CLOEXEC) < 0) {
			return false;
		}
		break;
	case 'd':
		fds[0] = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		break;
	case 'n':
		fds[0] = open("/dev/zero", O_RDWR | O_CLOEXEC);
		break;
	case 'w':
		fds[0] = open("/tmp", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
		break;
	}
	guest->surface = wl_compositor_create_surface(guest->client.compositor);
	guest->pools[0].pool = wl_shm_create_pool(guest->client.shm, fds[0],
		GUEST_BYTES);
	guest->pools[0].client = &guest->client;
	guest->pools[0].memory = &guest->memory;
	close(fds[0]);
	close(fds[1]);
	/* All requests in one message: a client that still sends after the compositor has
	 * closed the connection may get ECONNRESET before it has read the error. */
	if (client_buffer_create(&guest->pools[0], &guest->buffers[0], 0,
			GUEST_SIDE, GUEST_SIDE, GUEST_SIDE * 4)) {
		wl_surface_attach(guest->surface, guest->buffers[0].buffer, 0, 0);
		wl_surface_commit(guest->surface);
	}
	return guest_expect_error(guest, "wl_shm.invalid_fd");
}

bool step_bad_stride(struct guest *guest, int arg) {
	client_buffer_create(&guest->pools[0], &guest->buffers[2], 0, GUEST_SIDE,
		GUEST_SIDE, GUEST_SIDE);
	return guest_expect_error(guest, "wl_shm.invalid_stride");
}

/* More than the budget permits. */
bool step_too_many_pools(struct guest *guest, int arg) {
	for (int i = 1; i < GUEST_POOLS; i++) {
		if (!client_pool_create(&guest->client, &guest->pools[i],
				&guest->memory, GUEST_BYTES) ||
				!client_roundtrip(&guest->client)) {
			break;
		}
	}
	return guest_expect_error(guest, NULL);
}

bool step_too_many_buffers(struct guest *guest, int arg) {
	static struct client_buffer buffers[40];
	for (int i = 0; i < 40; i++) {
		client_buffer_create(&guest->pools[0], &buffers[i], 0,
			GUEST_SIDE, GUEST_SIDE, GUEST_SIDE * 4);
	}
	return guest_expect_error(guest, NULL);
}

/* Shows two pictures with this many rows of 8 KiB, and checks the corner of one. */
static bool show_large(struct guest *guest, int rows, bool sealed, int index) {
	struct client *client = &guest->client;
	int32_t size = rows * 8192;
	struct client_image image;
	if (guest->surface == NULL) {
		guest->surface = wl_compositor_create_surface(client->compositor);
		if (!client_memory_create(client, &guest->memory, sealed ?
				CLIENT_MEMORY_SEALED : CLIENT_MEMORY_UNSEALED,
				2 * (size_t)size) ||
				!client_pool_create(client, &guest->pools[0],
					&guest->memory, 2 * size)) {
			return false;
		}
	}
	if (!client_buffer_create(&guest->pools[0], &guest->buffers[index],
				index * size, 2048, rows, 8192) ||
			!client_buffer_get_image(client, &guest->buffers[index],
				&image)) {
		return false;
	}
	client_image_draw(&guest->now, ++guest->frame);
	client_image_paste(&image, 0, 0, &guest->now);
	wl_surface_attach(guest->surface, guest->buffers[index].buffer, 0, 0);
	wl_surface_damage_buffer(guest->surface, 0, 0, 2048, rows);
	wl_surface_commit(guest->surface);
	return client_roundtrip(client);
}

/* A file with holes: it has memory only for what was drawn. */
bool step_show_sparse(struct guest *guest, int rows) {
	return show_large(guest, rows, false, 0) && guest_look(guest, 'r');
}

/* Many rows of a few bytes. */
bool step_redraw_column(struct guest *guest, int rows) {
	struct client_image image;
	memset(guest->memory.data, 0, guest->memory.size);
	if (!client_buffer_get_image(&guest->client, &guest->buffers[0],
			&image)) {
		return false;
	}
	client_image_draw(&guest->now, ++guest->frame);
	client_image_paste(&image, 0, 0, &guest->now);
	for (int i = 0; i < 2; i++) {
		wl_surface_attach(guest->surface, guest->buffers[0].buffer, 0, 0);
		wl_surface_damage_buffer(guest->surface, 0, 0, GUEST_SIDE, rows);
		wl_surface_commit(guest->surface);
		if (!client_roundtrip(&guest->client)) {
			return false;
		}
	}
	return guest_look(guest, 'r');
}

/* Together they exceed the bytes of a client that are read in place. */
bool step_show_large_sealed(struct guest *guest, int rows) {
	if (!show_large(guest, rows, true, 0) || !guest_look(guest, 'r')) {
		return false;
	}
	if (guest->compositor->keeps_copies) {
		client_buffer_destroy(&guest->buffers[0]);
	}
	return show_large(guest, rows, true, 1) && guest_look(guest, 'r');
}

bool step_too_many_bytes(struct guest *guest, int rows) {
	show_large(guest, rows, false, 0);
	return guest_expect_error(guest, NULL);
}

/* Requests feedback about memory and budgets. */
bool step_ask(struct guest *guest, int arg) {
	struct client *client = &guest->client;
	if (guest->compositor->keeps_copies) {
		return true;
	}
	struct client_global wanted[] = {
		{ .interface = &sealpool_shm_feedback_manager_v1_interface,
			.version = 1 },
		{ 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(client->display, wanted);
	bool ok = registry != NULL && client_roundtrip(client);
	wl_registry_destroy(registry);
	struct sealpool_shm_feedback_manager_v1 *manager = wanted[0].object;
	if (!ok || manager == NULL) {
		return client_fail(client, "the compositor does not advertise "
				"feedback");
	}
	struct sealpool_shm_feedback_v1 *of_pool =
		sealpool_shm_feedback_manager_v1_get_pool_feedback(manager,
			guest->pools[0].pool);
	struct sealpool_shm_feedback_v1 *of_buffer =
		sealpool_shm_feedback_manager_v1_get_buffer_feedback(manager,
			guest->buffers[0].buffer);
	struct sealpool_shm_budget_feedback_v1 *of_budget =
		sealpool_shm_feedback_manager_v1_get_budget_feedback(manager);
	sealpool_shm_feedback_v1_ask(of_pool);
	sealpool_shm_feedback_v1_ask(of_buffer);
	sealpool_shm_budget_feedback_v1_ask(of_budget);
	ok = client_roundtrip(client);
	sealpool_shm_feedback_v1_destroy(of_pool);
	sealpool_shm_feedback_v1_destroy(of_buffer);
	sealpool_shm_budget_feedback_v1_destroy(of_budget);
	sealpool_shm_feedback_manager_v1_destroy(manager);
	return ok && client_roundtrip(client);
}

/* Reads the monitor like sealpool-top. */
bool step_monitor(struct guest *guest, int arg) {
	if (guest->compositor->keeps_copies) {
		return true;
	}
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path, sizeof(address.sun_path),
		"%s/sealpool-%d", guest->compositor->directory,
		(int)guest->compositor->pid);
	char text[16384];
	size_t got = 0;
	ssize_t n = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	if (length > 0 && connect(fd, (struct sockaddr *)&address,
			sizeof(address)) == 0) {
		while (poll(&pollfd, 1, 30000) > 0 && got < sizeof(text) - 1 &&
				(n = read(fd, text + got,
					sizeof(text) - 1 - got)) > 0) {
			got += (size_t)n;
		}
	}
	close(fd);
	text[got] = '\0';
	return (got > 4 && strcmp(text + got - 4, "end\n") == 0) ||
		client_fail(&guest->client, "the monitor has sent %zu bytes",
			got);
}
