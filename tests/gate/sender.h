/* SPDX-License-Identifier: MIT */
#ifndef GATE_SENDER_H
#define GATE_SENDER_H

/**
 * A client that sends files to a receiver in the same process.
 */

#include "between.h"
#include "file-globals.h"
#include "receiver.h"
#include "silent-files.h"
#include "traces.h"

struct wl_interface;

/** Each test is run with a wl_shm of Sealpool's, and with a guard. */
extern bool with_guard;

extern struct client {
	struct receiver receiver;
	struct wl_display *display;
	/* One object of each interface. */
	struct wl_proxy *unknown;
	struct wl_data_offer *offer;
	struct wp_image_description_creator_icc_v1 *profile;
	struct zwlr_gamma_control_v1 *gamma;
	struct zwp_virtual_keyboard_v1 *keyboard;
	struct zwp_linux_buffer_params_v1 *params;
	bool has_silent_files;
} client;

/** The receiver waits without a limit for files, unless silent ones are mounted. */
void begin_with(const struct sealpool_options *options);
/** With the default options. */
void begin(void);
void end(void);

/** Returns whether the client is still connected. */
bool roundtrip(void);

/** Returns the only received file. */
int get_received(void);
void forget_received(void);

bool is_same_file(int a, int b);

/** Fails unless the file is a sealed copy with these bytes at an offset, which can be
 * mapped and read. */
void expect_bytes(int fd, off_t offset, size_t size, uint8_t byte);
/** Fails unless it is /dev/null. */
void expect_null(int fd);

/** Fails unless the client was disconnected with this error, whose message has these
 * words. */
void expect_error(const struct wl_interface *interface, uint32_t code,
	const char *words);

#define expect_display_error(words) \
	expect_error(&wl_display_interface, WL_DISPLAY_ERROR_IMPLEMENTATION, words)

/** Creates a file of 65536 bytes in /var/tmp. Skips the test if that is in memory. */
int create_disk_file(void);

/** Waits until the reader thread has read all files. */
void settle_readers(void);

/** Mounts a file whose server does not respond to read, getattr and statfs. Skips the
 * test without FUSE. */
void mount_silent(struct silent_files *files);
/** Mounts a file whose server responds to each read after a second. Skips the test
 * without FUSE. */
void mount_late(struct silent_files *files);
/** Ends its server, and waits until the reader thread has ended its read. */
void unmount_silent(struct silent_files *files);

/** Runs the tests with both. */
#define run_gate_tests(tests) \
	(cmocka_run_group_tests_name("wl_shm", tests, NULL, NULL) + \
	(with_guard = true, \
	cmocka_run_group_tests_name("guard", tests, NULL, NULL)))

#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

#endif
