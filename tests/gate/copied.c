/* SPDX-License-Identifier: MIT */
/*
 * Files that a compositor reads: it gets copies of them, or the client gets an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <wayland-client.h>

#include "color-management-icc-client-protocol.h"
#include "memfd.h"
#include "sender.h"
#include "virtual-keyboard-unstable-v1-client-protocol.h"
#include "wlr-gamma-control-unstable-v1-client-protocol.h"

#define KEYMAP_BYTES 65536

/* Keymaps */

/* Bytes of 'x', and a zero byte at the end. */
static int create_text(int seals) {
	int fd = create_memfd(KEYMAP_BYTES, 0);
	fill_memfd(fd, KEYMAP_BYTES - 1, 'x');
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void expect_keymap(int fd) {
	zwp_virtual_keyboard_v1_keymap(client.keyboard, 1, fd, KEYMAP_BYTES);
	assert_true(roundtrip());
	int received = get_received();
	settle_readers();
	assert_false(is_same_file(fd, received));
	/* The copy belongs to the compositor, and the client cannot change it. */
	ftruncate(fd, 0);
	char last[2];
	assert_int_equal(pread(received, last, 2, KEYMAP_BYTES - 2), 2);
	assert_int_equal(last[0], 'x');
	assert_int_equal(last[1], 0);
	struct stat st;
	fstat(received, &st);
	assert_int_equal(st.st_size, KEYMAP_BYTES);
	assert_int_equal(fcntl(received, F_GET_SEALS), ALL_SEALS);
	close(fd);
	forget_received();
}

static void keymap_is_copied(void **state) {
	begin();
	expect_keymap(create_text(0));
	expect_keymap(create_text(F_SEAL_SHRINK));
	expect_keymap(create_text(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	int fd = create_text(0);
	expect_keymap(reopen(fd, O_RDONLY));
	close(fd);
	end();
}

static void keymap_on_disk_is_copied(void **state) {
	int fd = create_disk_file();
	begin();
	char bytes[KEYMAP_BYTES];
	memset(bytes, 'x', sizeof(bytes) - 1);
	bytes[sizeof(bytes) - 1] = 0;
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	expect_keymap(fd);
	end();
}

static void refuse_keymap(int fd, uint32_t size, const char *words) {
	begin();
	zwp_virtual_keyboard_v1_keymap(client.keyboard, 1, fd, size);
	expect_display_error(words);
	close(fd);
}

static void short_keymap_is_refused(void **state) {
	static const off_t sizes[] = { 0, 1, 4096, KEYMAP_BYTES - 1 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		refuse_keymap(create_memfd(sizes[i], 0), KEYMAP_BYTES,
			"zwp_virtual_keyboard_v1.keymap: the file has");
		expect_bytes(get_received(), 0, KEYMAP_BYTES, 0);
		end();
	}
}

static void keymap_of_a_senseless_size_is_refused(void **state) {
	static const uint32_t sizes[] = { 0, 1024 * 1024 + 1, UINT32_MAX };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		refuse_keymap(create_text(0), sizes[i], "bytes are named");
		expect_null(get_received());
		end();
	}
}

/* wlroots looks for the zero byte in its mapping. */
static void keymap_that_has_no_end_is_refused(void **state) {
	int fd = create_memfd(2 * 4096, 0);
	fill_memfd(fd, 2 * 4096, 'x');
	refuse_keymap(fd, 4096, "not ended by a byte of 0");
	expect_bytes(get_received(), 0, 4096, 0);
	end();
}

static void keymap_that_ends_before_its_last_page_is_copied(void **state) {
	static const off_t ends[] = { 0, 4095, 4096, 3 * 4096 - 1 };
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		begin();
		int fd = create_memfd(3 * 4096, 0);
		fill_memfd(fd, 3 * 4096, 'x');
		assert_int_equal(pwrite(fd, "", 1, ends[i]), 1);
		zwp_virtual_keyboard_v1_keymap(client.keyboard, 1, fd, 3 * 4096);
		assert_true(roundtrip());
		char end_byte;
		assert_int_equal(pread(get_received(), &end_byte, 1, ends[i]), 1);
		assert_int_equal(end_byte, 0);
		close(fd);
		end();
	}
}

static void keymap_whose_end_is_not_named_is_copied(void **state) {
	begin();
	int fd = create_memfd(2 * 4096, 0);
	fill_memfd(fd, 2 * 4096, 'x');
	zwp_virtual_keyboard_v1_keymap(client.keyboard, 1, fd, 4095);
	assert_true(roundtrip());
	expect_bytes(get_received(), 0, 4095, 'x');
	close(fd);
	end();
}

static bool copies_are_unreadable;

/* In libc's place. Only copies have these seals. */
ssize_t pread(int fd, void *to, size_t length, off_t offset) {
	if (copies_are_unreadable && fcntl(fd, F_GET_SEALS) == ALL_SEALS) {
		errno = EIO;
		return -1;
	}
	return (ssize_t)syscall(SYS_pread64, fd, to, length, offset);
}

static void copy_that_cannot_be_read_is_not_the_clients_fault(void **state) {
	begin();
	int fd = create_text(0);
	copies_are_unreadable = true;
	zwp_virtual_keyboard_v1_keymap(client.keyboard, 1, fd, KEYMAP_BYTES);
	assert_false(roundtrip());
	copies_are_unreadable = false;
	/* libwayland's for wl_display.no_memory. */
	assert_int_equal(wl_display_get_error(client.display), ENOMEM);
	close(fd);
	end();
}

static void what_is_no_file_is_refused(void **state) {
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	refuse_keymap(fds[0], KEYMAP_BYTES, "keymap: the file");
	end();
	/* The writing end of a pipe cannot be read. */
	refuse_keymap(fds[1], KEYMAP_BYTES, "keymap: the file");
	end();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	close(fds[1]);
	refuse_keymap(fds[0], KEYMAP_BYTES, "keymap: the file");
	end();
	refuse_keymap(open("/", O_RDONLY | O_DIRECTORY), KEYMAP_BYTES,
		"the file is not a regular file");
	end();
	refuse_keymap(open("/dev/zero", O_RDONLY), KEYMAP_BYTES,
		"the file is not a regular file");
	end();
}

static void silent_keymap_is_refused_in_time(void **state) {
	struct silent_files files = { 0 };
	mount_silent(&files);
	refuse_keymap(open(files.file, O_RDONLY), KEYMAP_BYTES,
		"has not been read in time");
	expect_bytes(get_received(), 0, KEYMAP_BYTES, 0);
	unmount_silent(&files);
	end();
}

/* The copy is still made, and closed. */
static void late_keymap_is_refused_in_time(void **state) {
	struct silent_files files = { 0 };
	mount_late(&files);
	refuse_keymap(open(files.file, O_RDONLY), 4096,
		"has not been read in time");
	settle_readers();
	unmount_silent(&files);
	end();
}

/* Color profiles, gamma tables */

static void profile_is_copied_to_its_place(void **state) {
	begin();
	int fd = create_memfd(10000, 0);
	fill_memfd(fd, 10000, 'p');
	wp_image_description_creator_icc_v1_set_icc_file(client.profile, fd,
		1000, 5000);
	assert_true(roundtrip());
	expect_bytes(get_received(), 1000, 5000, 'p');
	close(fd);
	end();
}

static void refuse_profile(int fd, uint32_t offset, uint32_t length,
		uint32_t code, const char *words) {
	begin();
	wp_image_description_creator_icc_v1_set_icc_file(client.profile, fd,
		offset, length);
	expect_error(&wp_image_description_creator_icc_v1_interface, code,
		words);
	end();
}

static void profile_is_refused_by_its_own_errors(void **state) {
	int fd = create_memfd(10000, 0);
	uint32_t bad_size = WP_IMAGE_DESCRIPTION_CREATOR_ICC_V1_ERROR_BAD_SIZE;
	uint32_t out_of_file =
		WP_IMAGE_DESCRIPTION_CREATOR_ICC_V1_ERROR_OUT_OF_FILE;
	refuse_profile(fd, 0, 10001, out_of_file, "set_icc_file: the file has 10000 of the 10001 bytes from byte 0 on");
	refuse_profile(fd, 9000, 1001, out_of_file, "the file has 1000 of the 1001 bytes");
	refuse_profile(fd, UINT32_MAX, 32 << 20, out_of_file, "the file has 0 of");
	refuse_profile(fd, 0, 0, bad_size, "0 bytes are named");
	refuse_profile(fd, 0, (32 << 20) + 1, bad_size, "bytes are named");
	refuse_profile(fd, 0, UINT32_MAX, bad_size, "bytes are named");
	close(fd);
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < 2; i++) {
		refuse_profile(fds[i], 0, 100,
			WP_IMAGE_DESCRIPTION_CREATOR_ICC_V1_ERROR_BAD_FD,
			"the file");
		close(fds[i]);
	}
}

static void gamma_table_is_copied_as_long_as_it_is(void **state) {
	static const off_t sizes[] = { 1, 3 * 2 * 256, 384 * 1024 };
	begin();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = create_memfd(sizes[i], 0);
		fill_memfd(fd, sizes[i], 'g');
		zwlr_gamma_control_v1_set_gamma(client.gamma, fd);
		assert_true(roundtrip());
		assert_false(is_same_file(fd, get_received()));
		expect_bytes(get_received(), 0, (size_t)sizes[i], 'g');
		close(fd);
		forget_received();
	}
	end();
}

/* With a table of zeroes, the screen would be black. */
static void empty_gamma_table_is_refused(void **state) {
	begin();
	int fd = create_memfd(0, 0);
	zwlr_gamma_control_v1_set_gamma(client.gamma, fd);
	expect_error(&zwlr_gamma_control_v1_interface,
		ZWLR_GAMMA_CONTROL_V1_ERROR_INVALID_GAMMA, "the file is empty");
	expect_null(get_received());
	close(fd);
	end();
}

/* What copies cost */

static void begin_with_budget(uint64_t bytes) {
	begin_with(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget.shadow_bytes = bytes,
	});
}

static void set_profile(uint32_t bytes) {
	int fd = create_memfd((off_t)bytes, 0);
	fill_memfd(fd, (off_t)bytes, 'p');
	wp_image_description_creator_icc_v1_set_icc_file(client.profile, fd, 0,
		bytes);
	close(fd);
}

static void copies_that_are_kept_are_charged(void **state) {
	begin_with_budget(1 << 20);
	for (uint32_t i = 1; i <= 4; i++) {
		set_profile(1 << 18);
		assert_true(roundtrip());
		assert_int_equal(receiver_get_charged(&client.receiver), i << 18);
	}
	set_profile(1 << 18);
	/* The reserve of all clients is larger than it. */
	expect_display_error("over the budget");
	end();
}

static void copies_that_are_kept_have_descriptors(void **state) {
	begin_with(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget.fds = 4,
	});
	for (int i = 0; i < 4; i++) {
		set_profile(4096);
		assert_true(roundtrip());
	}
	set_profile(4096);
	expect_display_error("over the budget of 4 fds");
	end();
}

static void copies_that_are_closed_later_are_not_charged(void **state) {
	begin_with(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget.fds = 4,
	});
	for (int i = 0; i < 20; i++) {
		set_profile(4096);
		assert_true(roundtrip());
		/* The previous one is closed when the next has come. */
		while (client.receiver.fds_len > 1) {
			close(client.receiver.fds[0]);
			client.receiver.fds[0] = client.receiver.fds[1];
			client.receiver.fds_len--;
		}
	}
	end();
}

#define LARGE_PROFILE (30 << 20)

/* Copying takes time, and requests that were sent together are handled together. */
static void what_is_copied_at_once_is_limited(void **state) {
	begin();
	client.receiver.closes = true;
	for (int i = 0; i < 4; i++) {
		set_profile(LARGE_PROFILE);
		assert_true(roundtrip());
	}
	for (int i = 0; i < 3; i++) {
		set_profile(LARGE_PROFILE);
	}
	expect_error(&wp_image_description_creator_icc_v1_interface,
		WP_IMAGE_DESCRIPTION_CREATOR_ICC_V1_ERROR_BAD_SIZE,
		"bytes of files are to be read at once");
	end();
}

static void copies_that_were_closed_are_not(void **state) {
	begin_with_budget(1 << 20);
	client.receiver.closes = true;
	for (int i = 0; i < 20; i++) {
		/* As wlroots does if a virtual keyboard has the focus. */
		client.receiver.sends = i >= 10;
		set_profile(1 << 18);
		assert_true(roundtrip());
		assert_int_equal(receiver_get_charged(&client.receiver), 0);
	}
	end();
}

static void nor_are_those_of_an_object_that_has_gone(void **state) {
	begin_with_budget(1 << 20);
	int fd = create_text(0);
	zwp_virtual_keyboard_v1_keymap(client.keyboard, 1, fd, KEYMAP_BYTES);
	assert_true(roundtrip());
	close(fd);
	assert_int_equal(receiver_get_charged(&client.receiver), KEYMAP_BYTES);
	wl_proxy_marshal((struct wl_proxy *)client.keyboard,
		ZWP_VIRTUAL_KEYBOARD_V1_DESTROY);
	assert_true(roundtrip());
	assert_int_equal(receiver_get_charged(&client.receiver), 0);
	end();
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(keymap_is_copied),
		TEST(keymap_on_disk_is_copied),
		TEST(short_keymap_is_refused),
		TEST(keymap_of_a_senseless_size_is_refused),
		TEST(keymap_that_has_no_end_is_refused),
		TEST(keymap_that_ends_before_its_last_page_is_copied),
		TEST(keymap_whose_end_is_not_named_is_copied),
		TEST(copy_that_cannot_be_read_is_not_the_clients_fault),
		TEST(what_is_no_file_is_refused),
		TEST(silent_keymap_is_refused_in_time),
		TEST(late_keymap_is_refused_in_time),
		TEST(profile_is_copied_to_its_place),
		TEST(profile_is_refused_by_its_own_errors),
		TEST(gamma_table_is_copied_as_long_as_it_is),
		TEST(empty_gamma_table_is_refused),
		TEST(copies_that_are_kept_are_charged),
		TEST(copies_that_are_kept_have_descriptors),
		TEST(copies_that_are_closed_later_are_not_charged),
		TEST(what_is_copied_at_once_is_limited),
		TEST(copies_that_were_closed_are_not),
		TEST(nor_are_those_of_an_object_that_has_gone),
	};
	return run_gate_tests(tests);
}
