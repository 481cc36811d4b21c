/* SPDX-License-Identifier: MIT */
/*
 * The client's side.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wayland-client.h>

#include "color-management-icc-client-protocol.h"
#include "globals.h"
#include "linux-dmabuf-v1-client-protocol.h"
#include "sender.h"
#include "server/context.h"
#include "shm.h"
#include "virtual-keyboard-unstable-v1-client-protocol.h"
#include "wlr-gamma-control-unstable-v1-client-protocol.h"

bool with_guard;
struct client client;

/* The connection */

static void handle_done(void *data, struct wl_callback *callback,
		uint32_t serial) {
	bool *done = data;
	*done = true;
}

static const struct wl_callback_listener callback_listener = {
	.done = handle_done,
};

/* Returns whether the client is still connected. */
bool roundtrip(void) {
	bool done = false;
	struct wl_callback *callback = wl_display_sync(client.display);
	wl_callback_add_listener(callback, &callback_listener, &done);
	while (!done && wl_display_get_error(client.display) == 0) {
		wl_display_flush(client.display);
		receiver_dispatch(&client.receiver);
		struct pollfd pollfd = {
			wl_display_get_fd(client.display), POLLIN, 0,
		};
		if (poll(&pollfd, 1, 0) > 0) {
			wl_display_dispatch(client.display);
		}
	}
	wl_callback_destroy(callback);
	return done;
}

/* A thread reads a file that is not memory, and may run late on a busy machine. */
static void be_patient(void) {
	struct sp_readers *readers =
		&client.receiver.shm->context->memory.readers;
	readers->allowance = readers->allowance_max =
		(int64_t)300 * 1000 * 1000;
}

void begin_with(const struct sealpool_options *options) {
	assert_true(receiver_init(&client.receiver, with_guard, options));
	if (!client.has_silent_files) {
		be_patient();
	}
	client.display = wl_display_connect_to_fd(
		receiver_connect(&client.receiver));
	assert_non_null(client.display);
	struct client_global globals[] = {
		{ .interface = &gate_unknown_interface, .version = 2 },
		{ .interface = &wl_data_offer_interface, .version = 1 },
		{ .interface = &wp_image_description_creator_icc_v1_interface,
			.version = 1 },
		{ .interface = &zwlr_gamma_control_v1_interface, .version = 1 },
		{ .interface = &zwp_virtual_keyboard_v1_interface, .version = 1 },
		{ .interface = &zwp_linux_buffer_params_v1_interface,
			.version = 3 },
		{ 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(client.display, globals);
	assert_true(roundtrip());
	wl_registry_destroy(registry);
	client.unknown = globals[0].object;
	client.offer = globals[1].object;
	client.profile = globals[2].object;
	client.gamma = globals[3].object;
	client.keyboard = globals[4].object;
	client.params = globals[5].object;
	for (size_t i = 0; globals[i].interface != NULL; i++) {
		assert_non_null(globals[i].object);
	}
}

void begin(void) {
	begin_with(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
	});
}

void forget_received(void) {
	while (client.receiver.fds_len > 0) {
		close(client.receiver.fds[--client.receiver.fds_len]);
	}
}

void end(void) {
	forget_received();
	wl_proxy_destroy(client.unknown);
	wl_data_offer_destroy(client.offer);
	wl_proxy_destroy((struct wl_proxy *)client.profile);
	zwlr_gamma_control_v1_destroy(client.gamma);
	zwp_virtual_keyboard_v1_destroy(client.keyboard);
	zwp_linux_buffer_params_v1_destroy(client.params);
	wl_display_disconnect(client.display);
	receiver_finish(&client.receiver);
}

/* Received files */

int get_received(void) {
	assert_int_equal(client.receiver.fds_len, 1);
	return client.receiver.fds[0];
}

bool is_same_file(int a, int b) {
	struct stat st[2];
	assert_int_equal(fstat(a, &st[0]), 0);
	assert_int_equal(fstat(b, &st[1]), 0);
	return st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino;
}

/* Reads the range through a mapping, as receivers do. */
void expect_bytes(int fd, off_t offset, size_t size, uint8_t byte) {
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, offset + (off_t)size);
	assert_int_equal(fcntl(fd, F_GET_SEALS), ALL_SEALS);
	uint8_t *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED,
		fd, 0);
	assert_ptr_not_equal(bytes, MAP_FAILED);
	for (size_t i = 0; i < size; i++) {
		assert_int_equal(bytes[offset + (off_t)i], byte);
	}
	munmap(bytes, (size_t)st.st_size);
}

void expect_null(int fd) {
	struct stat st, null;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(stat("/dev/null", &null), 0);
	assert_int_equal(st.st_rdev, null.st_rdev);
}

/* The client must be disconnected with this error, and the log must contain these
 * words. */
void expect_error(const struct wl_interface *interface, uint32_t code,
		const char *words) {
	assert_false(roundtrip());
	assert_int_equal(wl_display_get_error(client.display), EPROTO);
	const struct wl_interface *seen;
	assert_int_equal(wl_display_get_protocol_error(client.display, &seen,
		NULL), code);
	assert_string_equal(seen->name, interface->name);
	if (strstr(client.receiver.message, words) == NULL) {
		fail_msg("\"%s\" is not in \"%s\"", words,
			client.receiver.message);
	}
}

/* Files */

/* A file in /var/tmp, which is on a disk on most machines. */
int create_disk_file(void) {
	char path[] = "/var/tmp/sealpool-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	if (fcntl(fd, F_GET_SEALS) >= 0) {
		close(fd);
		skip();
	}
	assert_int_equal(ftruncate(fd, 65536), 0);
	return fd;
}

void mount_silent(struct silent_files *files) {
	if (!silent_files_are_built() || !silent_files_mount_about(files,
			SILENT_FILES_READ | SILENT_FILES_GETATTR |
			SILENT_FILES_STATFS)) {
		skip();
	}
	client.has_silent_files = true;
}

void mount_late(struct silent_files *files) {
	if (!silent_files_are_built() || !silent_files_mount_late(files, 1000)) {
		skip();
	}
	client.has_silent_files = true;
}

void settle_readers(void) {
	const struct sp_readers *readers =
		&client.receiver.shm->context->memory.readers;
	while (readers->files_len > 0) {
		receiver_dispatch(&client.receiver);
		poll(NULL, 0, 1);
	}
}

void unmount_silent(struct silent_files *files) {
	silent_files_unmount(files);
	client.has_silent_files = false;
	settle_readers();
}
