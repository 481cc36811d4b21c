/* SPDX-License-Identifier: MIT */
/*
 * Files that clients send in requests other than wl_shm's.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"
#include "globals.h"
#include "linux-dmabuf-v1-client-protocol.h"
#include "steps.h"
#include "virtual-keyboard-unstable-v1-client-protocol.h"
#include "wlr-gamma-control-unstable-v1-client-protocol.h"

#define BYTES 65536
/* A thread takes longer to read these than the compositor waits. */
#define BYTES_ON_DISK (1 << 20)

/* Returns NULL with a message in client.error. */
static void *bind_global(struct guest *guest, const struct wl_interface *interface) {
	struct client *client = &guest->client;
	struct client_global wanted[] = {
		{ .interface = interface, .version = 1 }, { 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(client->display, wanted);
	bool ok = registry != NULL && client_roundtrip(client);
	wl_registry_destroy(registry);
	if (ok && wanted[0].object == NULL) {
		client_fail(client, "there is no %s", interface->name);
	}
	return wanted[0].object;
}

/* Creates a text of this length in bytes, with a zero byte at its end. */
static int create_text(const char *folder, size_t length) {
	static char text[BYTES_ON_DISK];
	memset(text, 'x', length - 1);
	text[length - 1] = 0;
	int fd = folder != NULL ?
		open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600) :
		memfd_create("faults", MFD_CLOEXEC);
	if (fd >= 0 && write(fd, text, length) != (ssize_t)length) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The compositor maps the keymap, and reads all of it. */
static bool send_keymap(struct guest *guest, int fd, uint32_t length) {
	struct faults_control *control = guest->compositor->control;
	struct zwp_virtual_keyboard_v1 *keyboard =
		bind_global(guest, &zwp_virtual_keyboard_v1_interface);
	bool ok = keyboard != NULL;
	if (ok) {
		control->received = 0;
		zwp_virtual_keyboard_v1_keymap(keyboard, 1, fd, length);
		zwp_virtual_keyboard_v1_destroy(keyboard);
		ok = client_roundtrip(&guest->client);
	}
	close(fd);
	return ok && (control->received == length - 1 ||
		client_fail(&guest->client, "the compositor has read %u bytes",
			control->received));
}

bool step_send_keymap(struct guest *guest, int arg) {
	return send_keymap(guest, create_text(NULL, BYTES), BYTES);
}

/* The file is read in time, or refused. */
bool step_send_keymap_on_disk(struct guest *guest, int arg) {
	return send_keymap(guest, create_text("/var/tmp", BYTES_ON_DISK),
			BYTES_ON_DISK) ||
		guest_expect_error(guest, "wl_display.implementation");
}

bool step_send_short_keymap(struct guest *guest, int arg) {
	return !send_keymap(guest, create_text(NULL, BYTES / 2), BYTES) &&
		guest_expect_error(guest, "wl_display.implementation");
}

/* Shorter than the longest permitted. The compositor keeps it for a while. */
bool step_send_gamma(struct guest *guest, int arg) {
	struct zwlr_gamma_control_v1 *gamma =
		bind_global(guest, &zwlr_gamma_control_v1_interface);
	if (gamma == NULL) {
		return false;
	}
	int fd = create_text(NULL, BYTES / 2);
	zwlr_gamma_control_v1_set_gamma(gamma, fd);
	close(fd);
	bool ok = client_roundtrip(&guest->client);
	zwlr_gamma_control_v1_destroy(gamma);
	return ok && client_roundtrip(&guest->client);
}

/* Like a dma-buf, an eventfd is in a file system of the kernel's, but in another one. */
bool step_send_no_dmabuf(struct guest *guest, int arg) {
	struct zwp_linux_buffer_params_v1 *params =
		bind_global(guest, &zwp_linux_buffer_params_v1_interface);
	if (params == NULL) {
		return false;
	}
	int fd = eventfd(0, EFD_CLOEXEC);
	zwp_linux_buffer_params_v1_add(params, fd, 0, 0, 256, 0, 0);
	close(fd);
	bool ok = guest_expect_error(guest, NULL);
	zwp_linux_buffer_params_v1_destroy(params);
	return ok;
}

static bool receive(struct guest *guest, int fd) {
	struct wl_data_offer *offer = bind_global(guest, &wl_data_offer_interface);
	if (offer == NULL) {
		return false;
	}
	wl_data_offer_receive(offer, "text/plain", fd);
	wl_data_offer_destroy(offer);
	return client_roundtrip(&guest->client);
}

bool step_receive(struct guest *guest, int arg) {
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0) {
		return false;
	}
	bool ok = receive(guest, fds[1]);
	close(fds[0]);
	close(fds[1]);
	return ok;
}

/* A file in an unknown file system without a disk. */
bool step_receive_into_file(struct guest *guest, int arg) {
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	bool ok = !receive(guest, fd) &&
		guest_expect_error(guest, "wl_display.implementation");
	close(fd);
	return ok;
}
