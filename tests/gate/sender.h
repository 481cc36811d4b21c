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

/** Each test is run with a wl_shm of Sealpool's own, and with a guard. */
extern bool with_guard;

extern struct client {
	struct receiver receiver;
	struct wl_display *display;
	/* One of each interface, as if it were a global. */
	struct wl_proxy *unknown;
	struct wl_data_offer *offer;
	struct wp_image_description_creator_icc_v1 *profile;
	struct zwlr_gamma_control_v1 *gamma;
	struct zwp_virtual_keyboard_v1 *keyboard;
	struct zwp_linux_buffer_params_v1 *params;
	bool has_silent_files;
} client;

/** The receiver waits for files until they answer, unless silent ones are mounted. */
void begin_with(const struct sealpool_options *options);
/** With the defaults. */
void begin(void);
void end(void);

/** Returns whether the client is still there. */
bool roundtrip(void);

/** The only file that was received. */
int get_received(void);
void forget_received(void);

bool is_same_file(int a, int b);

/** Fails unless the file is a sealed copy with so many bytes at an offset, which can be
 * mapped and read. */
void expect_bytes(int fd, off_t offset, size_t size, uint8_t byte);
/** Fails unless it is /dev/null. */
void expect_null(int fd);

/** Fails unless the client was ended with this error, and these words are in it. */
void expect_error(const struct wl_interface *interface, uint32_t code,
	const char *words);

#define expect_display_error(words) \
	expect_error(&wl_display_interface, WL_DISPLAY_ERROR_IMPLEMENTATION, words)

/** Of 65536 bytes, on a disk, or what there is in its place: no memory. Skips the test
 * where there is none. */
int create_disk_file(void);

/** Waits until the reader thread is done with all files. */
void settle_readers(void);

/** A file that is silent about all but its end. Skips the test without FUSE. */
void mount_silent(struct silent_files *files);
/** A file that answers after a second. Skips the test without FUSE. */
void mount_late(struct silent_files *files);
/** Ends its server, and waits until the reader thread is done with the file. */
void unmount_silent(struct silent_files *files);

/** Runs the tests in both ways. */
#define run_gate_tests(tests) \
	(cmocka_run_group_tests_name("wl_shm", tests, NULL, NULL) + \
	(with_guard = true, \
	cmocka_run_group_tests_name("guard", tests, NULL, NULL)))

#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

#endif
